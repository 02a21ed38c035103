// Cells that change in place: double click, or Enter on the focused cell; saved on leaving, with undo.
'use strict';
(() => {
  const grid = document.querySelector('[data-update]');
  if (!grid) return;
  const [saved, undo, asked, failed, edit] = grid.dataset.words.split('|');
  const AJAX = { 'X-Requested-With': 'XMLHttpRequest' };
  grid.querySelectorAll('[data-inline]').forEach((cell) => {
    cell.tabIndex = 0;
    cell.title = edit;
  });

  const tell = (text, action) => {
    const toast = document.createElement('div');
    toast.className = 'toast';
    toast.textContent = text;
    if (action) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'btn sm';
      button.textContent = undo;
      button.addEventListener('click', () => { toast.remove(); action(); });
      toast.append(' ', button);
    }
    document.querySelector('.toasts').append(toast);
    setTimeout(() => toast.remove(), 8000);
  };

  const save = async (cell, value, canUndo) => {
    const row = cell.closest('tr');
    const body = new URLSearchParams({
      csrf_token: grid.dataset.token, id: row.dataset.id, row_version: row.dataset.version, field: cell.dataset.inline, value,
    });
    const answer = await window.tcosSending.send(grid.dataset.update, body, AJAX).catch(() => null);
    if (!answer) { tell(`${failed}「${value}」：${document.body.dataset.unanswered}`); return; }
    const found = await answer.json().catch(() => ({}));
    // What was typed is told with the reason: the cell shows what is stored.
    if (!answer.ok) { tell(`${failed}「${value}」：${Object.values(found.fields || {})[0] || found.error || ''}`); return; }
    row.dataset.version = found.row_version;
    const seen = row.querySelector('input[name=seen]');
    if (seen) seen.value = `${found.id}:${found.row_version}`;
    // Parsed apart: a script in it would not run.
    cell.replaceChildren(...new DOMParser().parseFromString(found.html, 'text/html').body.childNodes);
    (found.told || []).forEach((text) => tell(text));
    tell(found.change_request ? asked : saved, canUndo && !found.change_request ? () => save(cell, found.before, false) : null);
  };

  const control = (found) => {
    let input;
    if (found.choices.length) {
      input = document.createElement('select');
      if (!found.must) input.append(new Option('', ''));
      input.append(...window.tcosPicker.options(found.choices));
    } else {
      input = document.createElement('input');
      input.type = found.kind === 'date' ? 'date' : 'text';
    }
    input.value = found.value;
    return input;
  };

  const open = async (cell) => {
    if (cell.querySelector('input, select')) return;
    const id = cell.closest('tr').dataset.id;
    const answer = await fetch(`${grid.dataset.choices}?id=${id}&field=${cell.dataset.inline}`, { headers: AJAX });
    if (!answer.ok) { if (answer.status !== 401) tell(failed); return; }
    const found = await answer.json();
    const before = [...cell.childNodes];
    const input = control(found);
    input.setAttribute('aria-label', cell.dataset.label);
    const own = input.matches('select') && window.tcosPicker.picker(input);
    const box = own ? own.box : input;
    cell.replaceChildren(own ? own.node : input);
    box.focus();
    let done = false;
    const leave = (keep) => {
      if (done) return;
      done = true;
      cell.replaceChildren(...before);
      if (keep && input.value !== found.value) save(cell, input.value, true);
    };
    if (own) input.addEventListener('change', () => { leave(true); cell.focus(); });
    box.addEventListener('blur', () => leave(true));
    box.addEventListener('keydown', (event) => {
      event.stopPropagation();
      if (event.defaultPrevented) return; // the list's
      if (event.key === 'Escape') { leave(false); cell.focus(); }
      if (event.key === 'Enter' && !event.isComposing) { event.preventDefault(); leave(true); cell.focus(); }
    });
  };

  grid.addEventListener('dblclick', (event) => {
    const cell = event.target.closest('[data-inline]');
    if (cell && !event.target.closest('a')) open(cell);
  });
  grid.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target.matches('[data-inline]')) { event.preventDefault(); open(event.target); }
  });
})();
