// What forms do beyond plain inputs: look-ups, line tables with sums, the number's preview.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // References are found by typing; the key of what was picked goes along with its name.
  const lookUp = (input) => {
    const holder = input.closest('.holder');
    const ident = $('[data-ident]', holder);
    const label = $('[data-label]', holder);
    const list = document.createElement('div');
    list.className = 'hits';
    list.hidden = true;
    holder.append(list);
    let timer;
    let asked = 0;
    const pick = (button) => {
      input.value = button.dataset.text;
      ident.value = button.dataset.id;
      label.value = button.dataset.text;
      list.hidden = true;
      input.dispatchEvent(new Event('change', { bubbles: true }));
    };
    const ask = async () => {
      const turn = ++asked;
      const given = input.value;
      const url = new URL(input.dataset.lookup, location.href);
      url.searchParams.set('query', given === label.value ? '' : given);
      const customer = input.form.elements.customer_id__id || input.form.elements.customer_id;
      if (customer && input.name !== 'customer_id') url.searchParams.set('customer_id', customer.value);
      const answer = await fetch(url, { headers: { 'X-Requested-With': 'XMLHttpRequest' } });
      if (turn !== asked || !answer.ok || document.activeElement !== input || given !== input.value) return;
      const hits = await answer.json();
      list.replaceChildren(...hits.map((hit) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.tabIndex = -1;
        button.dataset.id = hit.id;
        button.dataset.text = hit.text;
        button.textContent = hit.detail ? `${hit.text} · ${hit.detail}` : hit.text;
        return button;
      }));
      found = given;
      const text = input.value.trim();
      const typed = text && input.value !== label.value;
      if (typed && !hits.length) list.append(Object.assign(document.createElement('p'), { className: 'muted', textContent: input.dataset.none }));
      if (typed && hits.length) {
        const same = hits.findIndex((hit) => window.tcosMatch.fold(hit.text) === window.tcosMatch.fold(text));
        mark(Math.max(same, 0));
      }
      list.hidden = !list.children.length;
    };
    let found = null; // what the list was made for
    const mark = (at) => {
      $$('button', list).forEach((button, n) => button.setAttribute('aria-selected', n === at));
      $$('button', list)[at]?.scrollIntoView({ block: 'nearest' });
    };
    // Enter takes what matches, and never sends a form whose reference was only typed.
    const take = async () => {
      clearTimeout(timer);
      if (found !== input.value) await ask();
      const chosen = $('[aria-selected=true]', list);
      if (found === input.value && chosen) pick(chosen);
    };
    input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, 180); });
    input.addEventListener('focus', ask);
    list.addEventListener('mousedown', (event) => { event.preventDefault(); });
    list.addEventListener('click', (event) => { if (event.target.matches('button')) pick(event.target); });
    input.addEventListener('blur', () => { list.hidden = true; });
    input.addEventListener('keydown', (event) => {
      const loose = input.value.trim() && input.value !== label.value;
      if (event.key === 'Enter' && loose) {
        event.preventDefault();
        if (!event.isComposing) take();
        return;
      }
      if (list.hidden) return;
      const buttons = $$('button', list);
      const at = buttons.findIndex((button) => button.getAttribute('aria-selected') === 'true');
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        if (buttons.length) mark((at + (event.key === 'ArrowDown' ? 1 : -1) + buttons.length) % buttons.length);
      } else if (event.key === 'Enter' && at >= 0) {
        event.preventDefault();
        pick(buttons[at]);
      } else if (event.key === 'Escape') { list.hidden = true; }
    });
  };
  $$('[data-lookup]').forEach(lookUp);

  // Line tables: the last row is a blank one to copy; sums are shown while typing.
  const number = (text) => Number(String(text || '').replace(/[,，\s¥￥]/g, '')) || 0;
  const yuan = (n) => n.toLocaleString('zh-CN', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const sums = [];
  $$('[data-lines]').forEach((table) => {
    const field = table.closest('.field');
    const body = $('tbody', table);
    const model = $('tr[data-model]', body);
    const shown = $('[data-sum]', field);
    const form = table.closest('form');
    const plan = table.dataset.lines === 'plan';
    if (!plan) {
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
    const worth = (row, whole) => {
      if (!plan) {
        const discount = part(row, 'discount_bp').value.trim();
        return number(part(row, 'quantity').value) * number(part(row, 'price').value) * (discount ? number(discount) / 100 : 1);
      }
      const amount = part(row, 'amount').value.trim();
      return amount ? number(amount) : Math.round(whole * number(part(row, 'ratio_bp').value)) / 100;
    };
    // Amounts that ratios give follow the amount, as the server has it (services/contract_plan.py).
    const byRatio = () => {
      const rows = $$('tr', body).filter((row) => number(part(row, 'ratio_bp').value) || number(part(row, 'amount').value));
      const whole = Math.round(number(form.elements.amount?.value) * 100);
      const points = rows.map((row) => Math.round(number(part(row, 'ratio_bp').value) * 100));
      if (!whole || points.includes(0) || points.reduce((sum, n) => sum + n, 0) !== 10000) return [];
      const shares = points.map((n) => Math.round((whole * n) / 10000));
      shares[shares.length - 1] += whole - shares.reduce((sum, n) => sum + n, 0);
      return rows.map((row, n) => [part(row, 'amount'), (shares[n] / 100).toFixed(2)]);
    };
    const stored = plan ? byRatio() : [];
    if (stored.length && stored.every(([input, text]) => number(input.value) === number(text))) {
      stored.forEach(([input]) => { input.dataset.spread = input.value; });
    }
    const follow = () => byRatio().forEach(([input, text]) => {
      if (!input.value || input.value !== input.dataset.spread) return;
      input.value = text;
      input.dataset.spread = text;
    });
    sums.push(() => {
      if (plan) follow();
      const whole = number(form.elements.amount?.value);
      const cents = $$('tr', body).reduce((sum, row) => {
        const own = Math.round(worth(row, whole) * 100);
        if (!plan) $('[data-worth]', row).textContent = own ? yuan(own / 100) : '';
        return sum + own;
      }, 0);
      shown.textContent = cents ? shown.dataset.text.replace('{sum}', yuan(cents / 100)) : '';
      if (!plan && cents && form.elements.amount) form.elements.amount.value = (cents / 100).toFixed(2);
      if (!plan || !cents || !whole) return;
      const gap = cents - Math.round(whole * 100);
      shown.textContent += `，${gap ? shown.dataset.off.replace('{gap}', yuan(gap / 100)) : shown.dataset.ok}`;
      shown.className = gap ? 'tag bad' : 'tag ok';
    });
    ['input', 'restored'].forEach((kind) => form.addEventListener(kind, () => sums.forEach((sum) => sum())));
  });
  sums.forEach((sum) => sum());

  // 大写金额 under the amount of a payment, as receipts spell it (services/capital.py says the same).
  const capital = (fen) => {
    const digits = '零壹贰叁肆伍陆柒捌玖';
    const spell = (n) => ['仟', '佰', '拾', ''].reduce((text, unit, at) => {
      const digit = Math.floor(n / 10 ** (3 - at)) % 10;
      return digit ? text + digits[digit] + unit : `${text}零`;
    }, '').replace(/零+/g, '零').replace(/零$/, '');
    const groups = [];
    for (let rest = Math.floor(fen / 100); rest; rest = Math.floor(rest / 10000)) groups.push(rest % 10000);
    const whole = groups.reduceRight((text, n, at) => (n ? text + (text ? spell(n) : spell(n).replace(/^零/, '')) + ['', '万', '亿', '万亿'][at] : `${text}零`), '').replace(/零+/g, '零').replace(/零$/, '');
    const [jiao, cent] = [Math.floor(fen / 10) % 10, fen % 10];
    if (!fen) return '零元整';
    return `${whole ? `${whole}元` : ''}${jiao ? `${digits[jiao]}角` : whole && cent ? '零' : ''}${cent ? `${digits[cent]}分` : '整'}`;
  };
  const paid = $('form[data-noun=payment] [name=amount]');
  if (paid) {
    const words = document.createElement('div');
    words.className = 'help';
    words.setAttribute('role', 'status');
    paid.after(words);
    const say = () => {
      const fen = Math.round(number(paid.value) * 100);
      words.textContent = fen && Math.abs(fen) < 1e15 ? `${fen < 0 ? '负' : ''}${capital(Math.abs(fen))}` : '';
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
      const answer = await fetch(form.dataset.duplicates, { method: 'POST', body, headers: { 'X-Requested-With': 'XMLHttpRequest' } });
      if (turn !== asked || !answer.ok) return;
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

  // A check-in sends where the phone is, when it tells; without it the check-in still counts.
  $$('form[data-locate]').forEach((form) => form.addEventListener('submit', (event) => {
    if (form.dataset.asked || !navigator.geolocation) return;
    event.preventDefault();
    form.dataset.asked = '1';
    const send = () => form.submit();
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
