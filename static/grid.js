// The grid beyond links and forms: sums after the page, the batch bar only when something is ticked.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const AJAX = { headers: { 'X-Requested-With': 'XMLHttpRequest' } };
  document.documentElement.classList.add('scripted');

  const totals = $('[data-totals]');
  if (totals && $('.grid tbody')) {
    fetch(totals.dataset.totals, AJAX).then((answer) => (answer.ok ? answer.json() : null)).then((found) => {
      if (!found) return;
      const parts = [document.createTextNode(totals.dataset.count.replace('{n}', found.count.toLocaleString('en')))];
      found.sums.forEach((one) => {
        const sum = document.createElement('b');
        sum.className = 'num';
        sum.textContent = one.text;
        parts.push(document.createTextNode(` · ${one.caption} `), sum);
      });
      totals.replaceChildren(...parts);
    }).catch(() => {});
  }

  // What a field can become in bulk: its choices, asked when it is picked.
  let choices = [];
  const offer = async (select) => {
    choices = [];
    $('#bulk-options').replaceChildren();
    $('#bulk-value').setCustomValidity('');
    const answer = await fetch(`${select.dataset.values}?field=${select.value}`, AJAX);
    if (answer.ok) choices = (await answer.json()).filter(([key]) => key !== 'me');
    $('#bulk-options').replaceChildren(...choices.map(([, label]) => new Option(label, label)));
  };
  // A part of a name stands for the one choice it belongs to, and for nothing where there are several.
  const settled = (box) => {
    const text = box.value.trim();
    const one = text && choices.length ? window.tcosMatch.only(text, choices) : null;
    if (one) [, box.value] = one;
    const told = $('[data-bulk-field]').dataset;
    const wrong = text && choices.length && !one;
    box.setCustomValidity(!wrong ? '' : window.tcosMatch.narrowed(text, choices).length ? told.many : told.none);
    return box.reportValidity();
  };
  const bulk = $('#bulk-value');
  bulk?.addEventListener('input', () => bulk.setCustomValidity(''));
  bulk?.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault(); // the form's first button is another verb
    if (!event.isComposing && settled(bulk)) $('button[value=edit]', bulk.form).click();
  });
  if (bulk) $('button[value=edit]', bulk.form).addEventListener('click', (event) => { if (!settled(bulk)) event.preventDefault(); });

  $$('form[data-rows]').forEach((form) => {
    const bar = $('[data-bulk]', form);
    const every = $('[data-everything]', form);
    const count = $('[data-ticked]', form);
    const show = () => {
      if (every?.checked) count.textContent = every.dataset.total;
      bar?.classList.toggle('on', every?.checked || $$('input[name=rowid]:checked', form).length > 0);
    };
    form.addEventListener('change', (event) => {
      if (event.target === every && every.checked) $$('input[name=rowid]', form).forEach((box) => { box.checked = true; });
      if (event.target.name === 'rowid' && !event.target.checked && every) every.checked = false;
      if (event.target.matches('[data-all]') && !event.target.checked && every) every.checked = false;
      if (event.target.matches('[data-bulk-field]')) offer(event.target);
      show();
    });
    show();
  });

  // Columns: kept widths are put on, a grip at the right edge changes them, arrows order the menu.
  const table = $('.grid table.cards');
  const menu = $('[data-columns]');
  const wide = matchMedia('(min-width: 761px)');
  const put = (head, width) => [...table.rows].forEach((row) => {
    const cell = row.cells[head.cellIndex];
    ['width', 'minWidth', 'maxWidth'].forEach((side) => { cell.style[side] = width ? `${width}px` : ''; });
  });
  if (table && menu && wide.matches) {
    $$('th[data-key]', table).forEach((head) => {
      if (head.dataset.width) put(head, Number(head.dataset.width));
      const grip = document.createElement('span');
      grip.className = 'grip';
      head.append(grip);
      grip.addEventListener('pointerdown', (event) => {
        event.preventDefault();
        const [from, had] = [event.clientX, head.offsetWidth];
        let width = had;
        const move = (now) => { width = Math.min(800, Math.max(60, Math.round(had + now.clientX - from))); put(head, width); };
        grip.setPointerCapture(event.pointerId);
        grip.addEventListener('pointermove', move);
        grip.addEventListener('pointerup', () => {
          grip.removeEventListener('pointermove', move);
          if (width === had) return;
          const field = menu.elements[`w-${head.dataset.key}`];
          if (field) field.value = width;
          const body = new URLSearchParams({ csrf_token: menu.elements.csrf_token.value, [`w-${head.dataset.key}`]: width });
          fetch(menu.action, { method: 'POST', body, ...AJAX });
        }, { once: true });
      });
    });
  }
  menu?.addEventListener('click', (event) => {
    const button = event.target.closest('button[name=up], button[name=down]');
    if (!button) return;
    event.preventDefault();
    const line = button.closest('li');
    const other = button.name === 'up' ? line.previousElementSibling : line.nextElementSibling;
    if (other) other[button.name === 'up' ? 'before' : 'after'](line);
    button.focus();
  });
  menu?.addEventListener('change', (event) => {
    if (event.target.name === 'show') $$('button', event.target.closest('li')).forEach((button) => { button.disabled = !event.target.checked; });
  });

  // Where the page stood when it was left for a form or a confirmation: there it stands again.
  const box = $('.grid .scroll');
  if (box) {
    const kept = JSON.parse(sessionStorage.getItem('grid') || '{}');
    const from = document.referrer && new URL(document.referrer).pathname;
    if (kept.at === location.pathname + location.search && from !== location.pathname) {
      scrollTo(0, kept.y);
      box.scrollTop = kept.inner;
    }
    addEventListener('pagehide', () => sessionStorage.setItem('grid', JSON.stringify({ at: location.pathname + location.search, y: scrollY, inner: box.scrollTop })));
  }

  // Menus close on a click outside and on Escape, which gives the focus back.
  const menus = () => $$('.drop[open], .drawer[open]');
  document.addEventListener('click', (event) => menus().forEach((menu) => { if (!event.composedPath().includes(menu)) menu.open = false; }));
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    menus().forEach((menu) => { menu.open = false; $('summary', menu).focus(); });
  });
})();
