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

  $$('form[data-rows]').forEach((form) => {
    const bar = $('[data-bulk]', form);
    const every = $('[data-everything]', form);
    const show = () => bar?.classList.toggle('on', every?.checked || $$('input[name=rowid]:checked', form).length > 0);
    form.addEventListener('change', (event) => {
      if (event.target === every && every.checked) $$('input[name=rowid]', form).forEach((box) => { box.checked = true; });
      if (event.target.name === 'rowid' && !event.target.checked && every) every.checked = false;
      if (event.target.matches('[data-all]') && !event.target.checked && every) every.checked = false;
      if (event.target.matches('[data-bulk-field]')) $('#bulk-value').setAttribute('list', `bulk-of-${event.target.value}`);
      show();
    });
    show();
  });

  // Menus close on a click outside and on Escape, which gives the focus back.
  const menus = () => $$('.drop[open], .drawer[open]');
  document.addEventListener('click', (event) => menus().forEach((menu) => { if (!event.composedPath().includes(menu)) menu.open = false; }));
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    menus().forEach((menu) => { menu.open = false; $('summary', menu).focus(); });
  });
})();
