// What pages do beyond plain forms: confirm before loss, look-ups, regions, lines, drafts, shortcuts.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const dialog = $('#confirm');

  // One listener for every control that loses something.
  document.addEventListener('click', (event) => {
    const control = event.target.closest('[data-confirm]');
    if (!control || control.dataset.sure || !dialog) return;
    event.preventDefault();
    $('#confirm-text').textContent = control.dataset.confirm;
    $('[data-yes]', dialog).onclick = () => {
      dialog.close();
      control.dataset.sure = '1';
      control.click();
      delete control.dataset.sure;
    };
    $('[data-no]', dialog).onclick = () => dialog.close();
    dialog.showModal();
  });

  $('[data-toggle-side]')?.addEventListener('click', () => $('#side').classList.toggle('open'));
  document.addEventListener('click', (event) => {
    if (!event.target.closest('#side, [data-toggle-side]')) $('#side')?.classList.remove('open');
  });
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      const box = $('[data-ctrl-k]');
      if (box) { event.preventDefault(); box.focus(); box.select(); }
    }
    if (event.key === 'Escape') $('#side')?.classList.remove('open');
  });
  setTimeout(() => $$('.toast').forEach((toast) => toast.remove()), 8000);

  // Ticking rows: the batch bar says how many.
  const count = (form) => {
    const n = $$('input[name=rowid]:checked', form).length;
    const shown = $('[data-ticked]', form);
    if (shown) shown.textContent = n;
    $$('[data-needs-tick]', form).forEach((button) => { button.disabled = n === 0; });
  };
  $$('form[data-rows]').forEach((form) => {
    count(form);
    form.addEventListener('change', (event) => {
      if (event.target.matches('[data-all]')) {
        $$('input[name=rowid]', form).forEach((box) => { box.checked = event.target.checked; });
      }
      count(form);
    });
  });
  $$('[data-submit-on-change]').forEach((control) => control.addEventListener('change', () => control.form.submit()));
  $$('[data-show-password]').forEach((button) => button.addEventListener('click', () => {
    const field = $(`#${button.dataset.showPassword}`);
    field.type = field.type === 'password' ? 'text' : 'password';
    button.setAttribute('aria-pressed', field.type === 'text');
  }));

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
      const url = new URL(input.dataset.lookup, location.href);
      url.searchParams.set('query', input.value);
      const customer = input.form.elements['customer_id__id'];
      if (customer && input.name !== 'customer_id') url.searchParams.set('customer_id', customer.value);
      const answer = await fetch(url, { headers: { 'X-Requested-With': 'XMLHttpRequest' } });
      if (turn !== asked || !answer.ok) return;
      const hits = await answer.json();
      list.replaceChildren(...hits.map((hit) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.dataset.id = hit.id;
        button.dataset.text = hit.text;
        button.textContent = hit.detail ? `${hit.text} · ${hit.detail}` : hit.text;
        return button;
      }));
      list.hidden = hits.length === 0;
    };
    input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, 180); });
    input.addEventListener('focus', ask);
    list.addEventListener('mousedown', (event) => { event.preventDefault(); });
    list.addEventListener('click', (event) => { if (event.target.matches('button')) pick(event.target); });
    input.addEventListener('blur', () => setTimeout(() => { list.hidden = true; }, 120));
    input.addEventListener('keydown', (event) => {
      if (list.hidden) return;
      const buttons = $$('button', list);
      const at = buttons.findIndex((button) => button.getAttribute('aria-selected') === 'true');
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        const next = (at + (event.key === 'ArrowDown' ? 1 : -1) + buttons.length) % buttons.length;
        buttons.forEach((button, n) => button.setAttribute('aria-selected', n === next));
        buttons[next].scrollIntoView({ block: 'nearest' });
      } else if (event.key === 'Enter' && at >= 0) {
        event.preventDefault();
        pick(buttons[at]);
      } else if (event.key === 'Escape') { list.hidden = true; }
    });
  };
  $$('[data-lookup]').forEach(lookUp);

  // 省/市/区: three selects that stop where the data stop.
  const regions = async (holder) => {
    const field = $('input[name]', holder);
    const tree = await (await fetch(holder.dataset.regions)).json();
    const path = (nodes, code) => {
      for (const node of nodes) {
        if (node[0] === code) return [node];
        const below = node[2] ? path(node[2], code) : null;
        if (below) return [node, ...below];
      }
      return null;
    };
    const chosen = path(tree, field.value) || [];
    const box = document.createElement('div');
    box.className = 'pair';
    field.type = 'hidden';
    field.after(box);
    const draw = (level, nodes, picked) => {
      while (box.children.length > level) box.lastChild.remove();
      if (!nodes || !nodes.length) return;
      const select = document.createElement('select');
      select.setAttribute('aria-label', holder.dataset.levels.split(',')[level]);
      if (level === 0) select.id = holder.dataset.id;
      select.append(new Option(holder.dataset.levels.split(',')[level], ''));
      nodes.forEach(([code, name]) => select.append(new Option(name, code, false, picked && picked[0] === code)));
      select.addEventListener('change', () => {
        const node = nodes.find(([code]) => code === select.value);
        field.value = node && !(node[2] && node[2].length) ? node[0] : '';
        draw(level + 1, node ? node[2] : null);
      });
      box.append(select);
      if (picked) draw(level + 1, picked[2], chosen[level + 1]);
    };
    field.id = `${holder.dataset.id}-code`;
    draw(0, tree, chosen[0]);
  };
  $$('[data-regions]').forEach(regions);

  // Line tables: the last row is a blank one to copy.
  $$('[data-lines]').forEach((table) => {
    const body = $('tbody', table);
    const model = $('tr[data-model]', body);
    model.remove();
    let n = 0;
    $('[data-add]', table.parentElement).addEventListener('click', () => {
      const row = model.cloneNode(true);
      row.removeAttribute('data-model');
      row.hidden = false;
      n += 1;
      $$('[name]', row).forEach((input) => {
        input.name = input.name.replace('-row-', `-new${100 + n}-`);
        input.removeAttribute('id');
        input.disabled = false;
      });
      body.append(row);
      $('input, select', row)?.focus();
    });
    body.addEventListener('click', (event) => {
      if (event.target.closest('[data-drop]')) event.target.closest('tr').remove();
    });
  });

  // A draft of what is typed stays in this browser until it is saved; leaving asks first.
  $$('form[data-draft]').forEach((form) => {
    const key = `draft:${location.pathname}${location.search}`;
    let changed = false;
    const data = () => [...new FormData(form)].filter(([name]) => name !== 'csrf_token');
    form.addEventListener('input', () => {
      changed = true;
      try { localStorage.setItem(key, JSON.stringify(data())); } catch { /* no room: no draft */ }
    });
    form.addEventListener('submit', () => { changed = false; localStorage.removeItem(key); });
    window.addEventListener('beforeunload', (event) => { if (changed) event.preventDefault(); });
    const kept = localStorage.getItem(key);
    const offer = $('[data-restore]', form);
    if (kept && offer) {
      offer.hidden = false;
      $('button', offer).addEventListener('click', () => {
        JSON.parse(kept).forEach(([name, value]) => {
          const field = form.elements[name];
          if (field && !(field instanceof RadioNodeList)) field.value = value;
          else if (field) field.value = value;
        });
        offer.hidden = true;
        changed = true;
      });
    }
  });
  $('[data-focus-error]')?.focus();
})();
