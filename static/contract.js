// A contract's form: the difference to its opportunity while it is typed, the plan by the payment term.
// The server works both out again; what a term means is asked of it, so that there is one reading.
'use strict';
(() => {
  const note = document.querySelector('[data-deal]');
  const source = document.querySelector('template[data-terms]');
  const form = document.querySelector('form[data-noun="contract"]');
  if (!form) return;
  const { fen, yuan } = window.tcosAmounts;

  const differ = () => {
    const gap = fen(form.elements.amount?.value) - Number(note.dataset.deal);
    note.querySelector('[data-gap-text]').textContent = gap ? note.dataset.gap.replace('{gap}', yuan(gap)) : '';
  };
  if (note) {
    ['input', 'restored'].forEach((kind) => form.addEventListener(kind, differ));
    differ();
  }

  const table = form.querySelector('[data-lines="plan"]');
  if (!table || !source) return;
  const field = table.closest('.field');
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'btn sm';
  button.textContent = source.dataset.label;
  const told = document.createElement('span');
  told.className = 'err';
  told.setAttribute('role', 'alert');
  field.querySelector('.sums').append(button, told);

  const body = table.tBodies[0];
  const put = (rows) => {
    body.querySelectorAll('tr').forEach((row) => row.remove());
    rows.forEach((row) => {
      field.querySelector('[data-add]').click();
      const place = body.lastElementChild;
      Object.entries(row).forEach(([key, text]) => {
        const input = place.querySelector(`[name$="-${key}"]`);
        if (!input) return;
        input.value = text;
        input.dispatchEvent(new Event('change', { bubbles: true }));
      });
    });
    form.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const term = () => {
    const method = form.elements.pay_term_id;
    return form.elements.terms.value.trim() || (method?.value ? method.selectedOptions[0].textContent.trim() : '');
  };
  button.addEventListener('click', async () => {
    const asked = new URLSearchParams({ terms: term() });
    ['signed_on', 'deliver_on'].forEach((key) => asked.set(key, form.elements[key]?.value || ''));
    told.textContent = '';
    const answer = await fetch(`${source.dataset.terms}?${asked}`, { headers: { 'X-Requested-With': 'XMLHttpRequest' } });
    const found = await answer.json().catch(() => ({}));
    if (answer.ok) put(found.rows);
    else told.textContent = found.error || '';
  });
})();
