// Rows of a grid by keyboard and in ranges: J/K and the arrows go from row to row, in the drawer too, X ticks
// one, Shift ticks all between two; a grid tells how it is left, so that the menu leads there again.
'use strict';
(() => {
  const MOVES = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 };
  // Where a key leads from row `at` (-1: none) of `count`; null where it leads nowhere.
  const direction = (key) => MOVES[key.length === 1 ? key.toLowerCase() : key];
  const moved = (key, at, count) => {
    const by = direction(key);
    if (!by || !count) return null;
    const to = at < 0 ? (by > 0 ? 0 : count - 1) : at + by;
    return to >= 0 && to < count ? to : null;
  };
  // The places a range takes in, in order; from nowhere it is the one place alone.
  const between = (from, to) => {
    if (from < 0) return [to];
    const [low, high] = from < to ? [from, to] : [to, from];
    return Array.from({ length: high - low + 1 }, (_, n) => low + n);
  };
  if (typeof window === 'undefined') { module.exports = { between, moved }; return; }

  const grid = document.querySelector('.card.grid');
  if (grid?.dataset.left) {
    const body = new URLSearchParams({ csrf_token: grid.dataset.token, state: location.search.slice(1) });
    fetch(grid.dataset.left, { method: 'POST', body, keepalive: true, headers: { 'X-Requested-With': 'XMLHttpRequest' } }).catch(() => {});
  }
  const table = document.querySelector('.grid table.cards');
  if (!table) return;
  const pane = document.querySelector('#pane');
  const form = table.closest('form');
  const boxes = () => [...form.querySelectorAll('input[name=rowid]')];

  let last = -1;
  let shift = false; // a label gives its click to the box without the keys that were held
  form.addEventListener('pointerdown', (event) => { shift = event.shiftKey; });
  form.addEventListener('keydown', (event) => { shift = event.shiftKey; });
  form.addEventListener('click', (event) => {
    if (event.target.name !== 'rowid') return;
    const all = boxes();
    const at = all.indexOf(event.target);
    if (shift || event.shiftKey) {
      between(last < all.length ? last : -1, at).forEach((n) => { all[n].checked = event.target.checked; });
      event.target.dispatchEvent(new Event('change', { bubbles: true }));
    }
    last = at;
  });

  const links = () => [...table.tBodies[0].querySelectorAll('a.open')];
  const typing = (target) => target.closest?.('input:not([type=checkbox]), select, textarea, [contenteditable], [role=listbox], dialog:not(#pane)');
  // What is typed into, a menu that is open, a list with keys of its own: there the keys are not ours.
  const taken = (event) => event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey
    || typing(event.target) || document.querySelector('dialog[open]:not(#pane), .drop[open], .drawer[open]');
  const go = (key, row) => {
    const all = links();
    const to = moved(key, row ? all.indexOf(row.querySelector('a.open')) : -1, all.length);
    if (to === null) return;
    all[to].focus({ preventScroll: true });
    all[to].closest('tr').scrollIntoView({ block: 'nearest' });
  };
  document.addEventListener('keydown', (event) => {
    if (taken(event)) return;
    const row = document.activeElement?.closest?.('.grid tbody tr');
    const by = direction(event.key);
    if (pane?.open && by) {
      event.preventDefault();
      pane.querySelector(`[data-step="${by}"]`)?.click();
    } else if (by && (row || !event.key.startsWith('Arrow'))) { // with arrows the page scrolls
      event.preventDefault();
      go(event.key, row);
    } else if (event.key.toLowerCase() === 'x' && !pane?.open) {
      row?.querySelector('input[name=rowid]')?.click();
    }
  });
})();
