// A row opens beside the grid: its details page without the shell, through the same doors.
'use strict';
(() => {
  const pane = document.querySelector('#pane');
  const table = document.querySelector('.grid table.cards');
  if (!pane || !table) return;
  const content = pane.querySelector('[data-content]');
  const phone = matchMedia('(max-width: 760px)');
  const here = location.pathname + location.search;
  let shown = null; // the row in the pane
  let turn = 0;

  const rows = () => [...table.tBodies[0].rows];
  const step = (by) => rows()[rows().indexOf(shown) + by];
  const linkOf = (row) => row.querySelector('a.open');

  const close = () => {
    if (!pane.open) return;
    pane.close();
    content.replaceChildren();
    shown?.removeAttribute('aria-current');
    if (shown) linkOf(shown).focus();
    shown = null;
  };

  // What is done in the pane leads back to this filter and page.
  const prepare = (parts) => {
    parts.querySelectorAll('a[href*="/edit/?"]').forEach((link) => {
      const url = new URL(link.href);
      url.searchParams.set('next', here);
      link.href = url.pathname + url.search;
    });
    parts.querySelectorAll('form[method=post]').forEach((form) => {
      if (form.elements.next) { form.elements.next.value = here; return; }
      const next = document.createElement('input');
      Object.assign(next, { type: 'hidden', name: 'next', value: here });
      form.append(next);
    });
    return parts;
  };

  // The part that the row's link, or the address of the grid, leads to: #portrait.
  const part = (link) => {
    const name = decodeURIComponent((link.hash || location.hash).slice(1));
    return name ? content.querySelector(`#${CSS.escape(name)}`) : null;
  };
  const scroll = (to) => {
    content.scrollTop = 0;
    if (to) content.scrollTop = to.getBoundingClientRect().top - content.getBoundingClientRect().top;
  };

  const open = async (row) => {
    const mine = ++turn;
    const address = linkOf(row).href;
    const fragment = new URL(address);
    fragment.searchParams.set('drawer', '1');
    fragment.hash = '';
    shown?.removeAttribute('aria-current');
    shown = row;
    row.setAttribute('aria-current', 'true');
    pane.querySelectorAll('[data-step]').forEach((button) => { button.disabled = !step(Number(button.dataset.step)); });
    pane.querySelector('[data-place]').textContent = `${rows().indexOf(row) + 1} / ${rows().length}`;
    pane.querySelector('[data-full]').href = address;
    content.setAttribute('aria-busy', 'true');
    if (!pane.open) pane[phone.matches ? 'showModal' : 'show']();
    const answer = await fetch(fragment, { headers: { 'X-Requested-With': 'XMLHttpRequest' } }).catch(() => null);
    if (mine !== turn || !pane.open) return;
    content.removeAttribute('aria-busy');
    if (!answer?.ok) {
      content.textContent = pane.dataset.failed;
    } else {
      // Parsed apart: a script in it would not run.
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      content.replaceChildren(...prepare(page.querySelector('#main') || page.body).childNodes);
      content.dispatchEvent(new Event('draft:arrived', { bubbles: true }));
    }
    scroll(part(linkOf(row)));
    content.focus({ preventScroll: true });
    row.scrollIntoView({ block: 'nearest' });
  };

  const OWN = 'a:not(.open), button, input, select, label, summary';
  let timer;
  table.tBodies[0].addEventListener('click', (event) => {
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    const row = event.target.closest('tr');
    if (!plain || !row || !linkOf(row) || event.target.closest(OWN) || event.target.closest('.tick')) return;
    if (event.target.closest('a.open')) { event.preventDefault(); open(row); return; }
    if (phone.matches || String(getSelection())) return;
    // A double click edits the cell instead.
    clearTimeout(timer);
    if (event.detail === 1) timer = setTimeout(() => { if (!row.querySelector('td input:not([type=checkbox]):not([type=hidden]), td select')) open(row); }, 240);
  });
  pane.addEventListener('click', (event) => {
    const button = event.target.closest('[data-step]');
    if (button) { const row = step(Number(button.dataset.step)); if (row) open(row); }
    if (event.target.closest('[data-close]')) close();
  });
  pane.addEventListener('cancel', (event) => { event.preventDefault(); close(); });
  document.addEventListener('keydown', (event) => {
    const busy = document.querySelector('dialog[open]:not(#pane), .drop[open], .drawer[open]');
    if (event.key === 'Escape' && pane.open && !busy && !event.defaultPrevented) close();
  });
})();
