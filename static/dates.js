// Dates and files in the language of the page: the browser's own controls speak the browser's. A date is typed
// as people write it, the calendar opens beside it; on a phone the wheels of its system are better.
'use strict';
(() => {
  const texts = document.body.dataset;
  const { tidy } = window.tcosDateText;
  const today = () => new Date(Date.now() + 8 * 3600 * 1000).toISOString().slice(0, 10); // of Shanghai
  const wide = matchMedia('(hover: hover) and (pointer: fine)').matches;
  const make = (tag, marks) => Object.assign(document.createElement(tag), marks);

  const date = (field) => {
    if (!wide || field.dataset.day !== undefined || field.classList.contains('sr')) return;
    const timed = field.type === 'datetime-local';
    const neat = () => { field.value = tidy(field.value, today(), timed); };
    const node = make('span', { className: 'holder day' });
    const native = make('input', { type: field.type, className: 'sr', tabIndex: -1 });
    const button = make('button', { type: 'button', className: 'open-day', title: texts.calendar, tabIndex: -1 });
    const here = document.activeElement === field;
    native.setAttribute('aria-hidden', 'true');
    button.setAttribute('aria-label', texts.calendar);
    Object.assign(field, { type: 'text', placeholder: timed ? texts.timeHint : texts.dayHint, autocomplete: 'off' });
    field.dataset.day = '';
    if (field.value) neat();
    field.before(node);
    node.append(field, native, button);
    if (here) field.focus();
    button.disabled = field.disabled;
    button.addEventListener('click', () => {
      native.value = tidy(field.value, today(), timed).replace(' ', 'T');
      native.showPicker();
    });
    native.addEventListener('input', (event) => event.stopPropagation());
    native.addEventListener('change', (event) => {
      event.stopPropagation();
      field.value = native.value;
      neat();
      ['input', 'change'].forEach((kind) => field.dispatchEvent(new Event(kind, { bubbles: true })));
    });
    field.addEventListener('change', neat);
    field.addEventListener('restored', neat);
    field.addEventListener('input', (event) => { if (!event.isTrusted) neat(); });
    field.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown' && event.altKey) { event.preventDefault(); button.click(); }
    });
  };

  const file = (field) => {
    if (field.classList.contains('sr')) return;
    if (!field.id) field.id = `file-${Math.random().toString(36).slice(2)}`;
    const node = make('span', { className: 'choose' });
    const button = make('label', { className: 'btn', htmlFor: field.id, textContent: field.multiple ? texts.chooseFiles : texts.chooseFile });
    const names = make('span', { className: 'muted' });
    const show = () => { names.textContent = [...field.files].map((one) => one.name).join('、') || texts.noFile; };
    const here = document.activeElement === field;
    field.before(node);
    node.append(field, button, names);
    field.classList.add('sr');
    if (here) field.focus();
    field.addEventListener('change', show);
    node.addEventListener('dragover', (event) => event.preventDefault());
    node.addEventListener('drop', (event) => {
      event.preventDefault();
      const given = new DataTransfer();
      [...event.dataTransfer.files].slice(0, field.multiple ? undefined : 1).forEach((one) => given.items.add(one));
      if (!given.files.length || field.disabled) return;
      field.files = given.files;
      field.dispatchEvent(new Event('change', { bubbles: true }));
    });
    show();
  };

  window.tcosEach('input[type=date], input[type=datetime-local]', date);
  window.tcosEach('input[type=file]', file);
  // Sent by a key from within the field: it has not been left, so it is made neat now.
  document.addEventListener('submit', (event) => event.target.querySelectorAll('[data-day]').forEach((field) => field.dispatchEvent(new Event('restored'))), true);
})();
