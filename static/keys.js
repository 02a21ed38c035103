// Forms without a mouse: Enter goes to the next field, Ctrl+Enter sends, and a new form begins in its first field.
'use strict';
(() => {
  const FIELDS = 'input:not([type=hidden]), select, textarea';
  const PLAIN = new Set(['checkbox', 'file', 'submit', 'button', 'image', 'reset']); // Enter is theirs, or means nothing
  const open = (field) => !field.disabled && field.tabIndex >= 0 && field.getClientRects().length > 0;
  // A group of radios is one field: the chosen one.
  const one = (field, all) => field.type !== 'radio' || field.checked || !all.some((other) => other.name === field.name && other.checked);
  const fields = (form) => [...form.querySelectorAll(FIELDS)].filter(open);
  const first = (form) => { const all = fields(form); return all.find((field) => field.type !== 'file' && one(field, all)); };
  const sender = (form) => form.querySelector('.foot button, button.p:not([type=button]), button:not([type=button])');

  const next = (field) => {
    const all = fields(field.form);
    const after = all.slice(all.indexOf(field) + 1);
    return after.find((other) => (field.type !== 'radio' || other.name !== field.name) && one(other, all)) || sender(field.form);
  };
  const enters = (event) => event.key === 'Enter' && !event.defaultPrevented && !event.isComposing && event.keyCode !== 229;
  const moves = (form, field) => !PLAIN.has(field.type) && field.tagName !== 'TEXTAREA' && (form.matches('.composer') || form.querySelector('.foot'));
  document.addEventListener('keydown', (event) => {
    const field = event.target;
    const form = field.form;
    if (!enters(event) || !form?.matches('form[data-draft]') || !field.matches(FIELDS)) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      sender(form)?.click();
    } else if (moves(form, field)) {
      event.preventDefault();
      const other = next(field);
      other?.focus();
      other?.select?.(); // as Tab does
    }
  });

  // Not on a phone: there the keyboard would come up over a form that nobody has looked at yet.
  const form = document.querySelector('form[data-draft][data-new]');
  if (form && !location.hash && matchMedia('(min-width: 761px) and (hover: hover)').matches && document.activeElement === document.body) {
    first(form)?.focus({ preventScroll: true });
  }
})();
