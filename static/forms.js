// What forms do beyond plain inputs: line tables with sums, the number's preview, duplicates while typing.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Line tables: the last row is a blank one to copy; sums are shown while typing.
  const { fen, points, subtotal, instalments, shares, plain, yuan, capital } = window.tcosAmounts;
  const sums = [];
  $$('[data-lines]').forEach((table) => {
    const field = table.closest('.field');
    const body = $('tbody', table);
    const model = $('tr[data-model]', body);
    const shown = $('[data-sum]', field);
    const form = table.closest('form');
    const plan = table.dataset.lines === 'plan';
    const goods = Boolean($('[name$="-price"]', model)); // lines of products have a worth, others none
    if (goods) {
      // Shown, never sent: the server works out its own.
      const title = document.createElement('th');
      title.scope = 'col';
      title.className = 'r';
      title.textContent = table.dataset.subtotal;
      $('thead tr', table).lastElementChild.before(title);
      $$('tr', body).forEach((row) => {
        const cell = document.createElement('td');
        cell.className = 'r';
        cell.dataset.label = table.dataset.subtotal;
        cell.dataset.worth = '';
        row.lastElementChild.before(cell);
      });
    }
    model.remove();
    let n = 100;
    const add = (place) => {
      const row = model.cloneNode(true);
      row.removeAttribute('data-model');
      row.hidden = false;
      $$('[name]', row).forEach((input) => {
        input.name = input.name.replace('-row-', `-${place}-`);
        input.id = `f-${input.name}`;
        const label = input.closest('td').querySelector('label');
        if (label) label.htmlFor = input.id;
      });
      body.append(row);
      return row;
    };
    $('[data-add]', field).addEventListener('click', () => {
      n += 1;
      $('input, select', add(`new${n}`))?.focus();
    });
    // A draft comes back (drafts.js): exactly the rows it had, in its order.
    table.addEventListener('rows', (event) => {
      const start = `${table.dataset.lines}-`;
      const placeOf = (row) => $('[name]', row).name.slice(start.length).match(/^\w*\d+/)?.[0];
      const now = new Map($$('tr', body).map((row) => [placeOf(row), row]));
      now.forEach((row) => row.remove());
      event.detail.forEach((place) => {
        if (now.has(place)) body.append(now.get(place));
        else add(place);
        n = Math.max(n, Number(place.match(/\d+/)[0]));
      });
    });
    body.addEventListener('click', (event) => {
      if (!event.target.closest('[data-drop]')) return;
      event.target.closest('tr').remove();
      form.dispatchEvent(new Event('input', { bubbles: true }));
    });
    const part = (row, key) => $(`[name$="-${key}"]`, row);
    // A product brings its list price where no other price was typed.
    body.addEventListener('change', (event) => {
      if (!event.target.matches('select[name$="-product_id"]')) return;
      const price = part(event.target.closest('tr'), 'price');
      if (!price || (price.value.trim() && price.value !== price.dataset.filled)) return;
      price.value = price.dataset.filled = event.target.selectedOptions[0]?.dataset.price || '';
      price.dispatchEvent(new Event('input', { bubbles: true }));
    });
    const typed = (row, keys) => Object.fromEntries(Object.entries(keys).map(([key, name]) => [key, part(row, name).value]));
    const worth = (rows, whole) => (plan
      ? instalments(rows.map((row) => typed(row, { amount: 'amount', ratio: 'ratio_bp' })), whole)
      : rows.map((row) => subtotal(typed(row, { quantity: 'quantity', price: 'price', discount: 'discount_bp' }))));
    // Amounts that ratios give follow the amount, as the server has it (services/deals/contract_plan.py).
    const byRatio = () => {
      const filled = $$('tr', body).filter((row) => points(part(row, 'ratio_bp').value) || fen(part(row, 'amount').value));
      const found = shares(filled.map((row) => points(part(row, 'ratio_bp').value)), fen(form.elements.amount?.value));
      return (found || []).map((share, at) => [part(filled[at], 'amount'), plain(share)]);
    };
    const stored = plan ? byRatio() : [];
    if (stored.length && stored.every(([input, text]) => fen(input.value) === fen(text))) {
      stored.forEach(([input]) => { input.dataset.spread = input.value; });
    }
    const follow = () => byRatio().forEach(([input, text]) => {
      if (!input.value || input.value !== input.dataset.spread) return;
      input.value = text;
      input.dataset.spread = text;
    });
    sums.push(() => {
      if (!plan && !goods) return;
      if (plan) follow();
      const whole = fen(form.elements.amount?.value);
      const rows = $$('tr', body);
      const amounts = worth(rows, whole);
      if (goods) rows.forEach((row, at) => { $('[data-worth]', row).textContent = amounts[at] ? yuan(amounts[at]) : ''; });
      const sum = amounts.reduce((total, one) => total + one, 0);
      shown.textContent = sum ? shown.dataset.text.replace('{sum}', yuan(sum)) : '';
      if (goods && sum && form.elements.amount) form.elements.amount.value = plain(sum);
      if (!plan || !sum || !whole) return;
      const gap = sum - whole;
      shown.textContent += `，${gap ? shown.dataset.off.replace('{gap}', yuan(gap)) : shown.dataset.ok}`;
      shown.className = gap ? 'tag bad' : 'tag ok';
    });
    ['input', 'restored'].forEach((kind) => form.addEventListener(kind, () => sums.forEach((sum) => sum())));
  });
  sums.forEach((sum) => sum());

  // 大写金额 under the amount of a payment, as receipts spell it.
  const paid = $('form[data-noun=payment] [name=amount]');
  if (paid) {
    const words = document.createElement('div');
    words.className = 'help';
    words.setAttribute('role', 'status');
    paid.after(words);
    const say = () => {
      const amount = fen(paid.value);
      words.textContent = amount ? capital(amount) : '';
    };
    ['input', 'restored'].forEach((kind) => paid.addEventListener(kind, say));
    say();
  }

  // The number a submission would get, by class.
  const preview = $('[data-preview][data-code-high_value]');
  if (preview) {
    const show = () => {
      const chosen = $('[name=customer_class]:checked');
      if (chosen) preview.textContent = preview.getAttribute(`data-code-${chosen.value}`);
    };
    $$('[name=customer_class]').forEach((radio) => ['change', 'restored'].forEach((kind) => radio.addEventListener(kind, show)));
    show();
  }

  // Duplicates while typing: at most three, under the field that was typed in last.
  $$('form[data-duplicates]').forEach((form) => {
    const names = ['company', 'primary.mobile', 'primary.landline'];
    const [title, owner, same, needed] = form.dataset.words.split('|');
    const box = document.createElement('div');
    box.className = 'note field full';
    box.hidden = true;
    box.setAttribute('role', 'status');
    let timer;
    let asked = 0;
    const line = (hit) => {
      const item = document.createElement('li');
      const name = document.createElement(hit.url ? 'a' : 'b');
      if (hit.url) { name.href = hit.url; name.target = '_blank'; name.rel = 'noopener'; }
      name.textContent = hit.company;
      item.append(name, ` ${hit.code} · ${owner} ${hit.owner} · ${hit.state} · ${hit.matched}${hit.exact ? same : ''}`);
      return item;
    };
    const ask = async (input) => {
      const turn = ++asked;
      const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value, id: form.dataset.id || '' });
      names.forEach((name) => body.set(name, form.elements[name]?.value ?? ''));
      const answer = await fetch(form.dataset.duplicates, { method: 'POST', body, headers: { 'X-Requested-With': 'XMLHttpRequest' } }).catch(() => null);
      if (turn !== asked || !answer?.ok) return;
      const hits = await answer.json();
      const list = document.createElement('ul');
      const must = hits.some((hit) => hit.exact) && $('#f-duplicate_note', form);
      const head = document.createElement(must ? 'a' : 'b');
      if (must) head.href = '#f-duplicate_note';
      head.textContent = must ? `${title}：${needed}` : title;
      list.append(...hits.map(line));
      box.replaceChildren(head, list);
      box.hidden = hits.length === 0;
      if (hits.length) input.closest('.fields').append(box);
    };
    names.forEach((name) => form.elements[name]?.addEventListener('input', (event) => {
      clearTimeout(timer);
      if (event.target.value.trim().length >= 2) timer = setTimeout(() => ask(event.target), 250);
    }));
  });

  // A part that only some kinds have (拜访) is hidden for others while nothing stands in it.
  $$('[data-only]').forEach((part) => {
    const { form } = part.querySelector('input');
    const [name, ...kinds] = part.dataset.only.split(' ');
    const fit = () => {
      const filled = $$('input[name], textarea', part).some((field) => field.value.trim());
      part.hidden = !filled && !kinds.includes(form.elements[name].value);
      const link = $(`.anchors a[href="#${part.id}"]`, form);
      if (link) link.hidden = part.hidden;
    };
    ['change', 'restored'].forEach((kind) => form.addEventListener(kind, fit));
    fit();
  });

  // A check-in sends where the phone is, when it tells; without it the check-in still counts.
  $$('form[data-locate]').forEach((form) => form.addEventListener('submit', (event) => {
    if (form.dataset.asked || !navigator.geolocation) return;
    event.preventDefault();
    form.dataset.asked = '1';
    const send = () => form.requestSubmit();
    navigator.geolocation.getCurrentPosition((found) => {
      form.elements.latitude.value = found.coords.latitude;
      form.elements.longitude.value = found.coords.longitude;
      send();
    }, send, { timeout: 8000, enableHighAccuracy: true });
  }));

  // Next dates as chips: the server worked out which days people work.
  $$('[data-chips]').forEach((chips) => {
    const field = $(`#${chips.dataset.chips}`);
    chips.hidden = false;
    chips.addEventListener('click', (event) => {
      const chip = event.target.closest('[data-value]');
      if (!chip) return;
      field.value = chip.dataset.value;
      field.dispatchEvent(new Event('input', { bubbles: true }));
      $$('.chip', chips).forEach((one) => one.classList.toggle('on', one === chip));
    });
  });
})();
