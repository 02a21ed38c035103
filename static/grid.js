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
      $('[data-everything]')?.setAttribute('data-total', found.count.toLocaleString('en'));
    }).catch(() => {});
  }

  // What a field can become in bulk: its choices, asked when it is picked; other values are typed.
  const bulk = $('#bulk-value');
  let asked = 0;
  const offer = async (select) => {
    const turn = (asked += 1);
    const answer = select.value ? await fetch(`${select.dataset.values}?field=${select.value}`, AJAX) : {};
    const choices = answer.ok ? (await answer.json()).filter(([key]) => key !== 'me') : [];
    if (turn !== asked) return;
    const place = $('[data-bulk-place]');
    if (!choices.length) { place.replaceChildren(bulk); return; }
    const field = Object.assign(document.createElement('select'), { name: 'value', id: 'bulk-choice' });
    field.setAttribute('aria-label', $('label[for=bulk-value]').textContent);
    field.append(new Option(select.dataset.blank, ''), ...window.tcosPicker.options(choices));
    place.replaceChildren(field);
  };
  $('[data-bulk-place]')?.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.isComposing || event.defaultPrevented) return;
    event.preventDefault(); // the form's first button is another verb
    $('button[value=edit]', event.target.form).click();
  });

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
    if (kept.at === location.pathname + location.search && (kept.stood || from !== location.pathname)) {
      scrollTo(0, kept.y);
      box.scrollTop = kept.inner;
    }
    // What asks once more stands in the place of the grid (in_place.js): its place is kept before.
    const keep = ({ type }) => {
      if (box.isConnected) sessionStorage.setItem('grid', JSON.stringify({ at: location.pathname + location.search, y: scrollY, inner: box.scrollTop, stood: type === 'leaves' }));
    };
    addEventListener('pagehide', keep);
    document.addEventListener('leaves', keep);
  }

  // Menus close on a click outside and on Escape, which gives the focus back.
  const menus = () => $$('.drop[open], .drawer[open]');
  document.addEventListener('click', (event) => menus().forEach((one) => { if (!event.composedPath().includes(one)) one.open = false; }));
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    menus().forEach((one) => { one.open = false; $('summary', one).focus(); });
  });
})();
