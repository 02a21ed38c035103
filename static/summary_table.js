// The table of a summary: for a spreadsheet, its bars, its menu of columns.
'use strict';
(() => {
  // Cells as lines that a spreadsheet takes: no tabs in them, and no text of people that is a formula.
  const tabbed = (rows) => rows.map((cells) => cells.map(({ text, number }) => {
    const line = text.replace(/\s+/g, ' ').trim();
    return !number && /^[=+\-@]/.test(line) ? `'${line}` : line;
  }).join('\t')).join('\n');
  if (typeof document === 'undefined') { module.exports = { tabbed }; return; }

  // The table of the page for a spreadsheet; the button carries the text that tcos.js copies.
  const copying = document.querySelector('[data-copies]');
  const wording = (cell) => {
    const whole = cell.cloneNode(true);
    whole.querySelectorAll('.only, summary, .flag').forEach((part) => part.remove());
    return { text: whole.textContent, number: cell.classList.contains('r') };
  };
  copying?.addEventListener('click', () => {
    const rows = [...document.querySelector(copying.dataset.copies).rows].map((row) => [...row.cells].map(wording));
    copying.dataset.copy = tabbed(rows);
  });

  // The first columns that stay in sight stand beside each other, as wide as they are drawn, while most of the room is left.
  const table = document.querySelector('[data-freeze]');
  const ROOM = 0.7;
  const frozen = [...(table?.tHead.rows[0].cells ?? [])].slice(0, table?.dataset.freeze);
  const place = () => {
    let left = 0;
    frozen.forEach((head, n) => {
      const { width } = head.getBoundingClientRect();
      if (n) table.style.setProperty(`--left-${n}`, left + width <= table.parentElement.clientWidth * ROOM ? `${left}px` : 'auto');
      left += width;
    });
  };
  if (frozen.length > 1) {
    for (const row of table.rows) frozen.forEach((_, n) => { if (n) row.cells[n].classList.add('stick', `stick-${n}`); });
    const seen = new ResizeObserver(place);
    [table.parentElement, ...frozen].forEach((part) => seen.observe(part));
  }

  // Bars in cells; a column moves up in the menu of columns, the first one stays in sight.
  document.querySelectorAll('[data-share]').forEach((cell) => cell.style.setProperty('--share', `${cell.dataset.share}%`));
  document.querySelector('[data-order]')?.addEventListener('click', (event) => {
    const line = event.target.closest('[data-up]')?.closest('li');
    line?.previousElementSibling?.before(line);
    line?.querySelector('[data-up]').focus();
  });
  // A limit is a comparison and a number; what is left empty stays out of the address.
  const menu = document.querySelector('[data-order]')?.closest('form');
  menu?.addEventListener('input', ({ target }) => {
    const both = target.closest('.limit')?.children ?? [];
    const given = [...both].some((field) => field.value);
    for (const field of both) field.required = given;
  });
  menu?.addEventListener('formdata', ({ formData }) => {
    for (const name of new Set(formData.keys())) {
      const values = formData.getAll(name).filter(Boolean);
      formData.delete(name);
      values.forEach((value) => formData.append(name, value));
    }
  });
})();
