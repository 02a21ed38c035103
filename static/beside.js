// Errors stand beside the fields of a form; what has no field that is seen stands at the top of the form. No message is dropped.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const TOLD = '[data-focus-error]:not(input, select, textarea)'; // a field that has the focus is no note
  const BOX = 'td, .field, .rule, fieldset';
  const NAMED = 'input[name]:not([type=hidden]), select[name], textarea[name]';

  const ids = (one) => (one.getAttribute('aria-describedby') || '').split(' ').filter(Boolean);
  // What else describes a field, as its help, stays.
  const describe = (one, id) => {
    const kept = ids(one).filter((part) => !part.endsWith('-err'));
    if (id) kept.push(id);
    if (kept.length) one.setAttribute('aria-describedby', kept.join(' '));
    else one.removeAttribute('aria-describedby');
  };
  // Some fields of a form stand outside of it (`form="…"`), and their errors with them.
  const invalid = (form) => [...new Set([...$$('[aria-invalid]', form), ...[...form.elements].filter((one) => one.hasAttribute('aria-invalid'))])];
  const errors = (form) => {
    const outside = invalid(form).flatMap(ids).map((id) => id.endsWith('-err') && form.ownerDocument.getElementById(id));
    return [...new Set([...$$('.err', form), ...outside.filter(Boolean)])];
  };
  const any = (form) => Boolean(errors(form).length || invalid(form).length || $('[data-focus-error]', form));
  const clear = (form) => {
    errors(form).forEach((one) => one.remove());
    invalid(form).forEach((one) => { one.removeAttribute('aria-invalid'); describe(one, ''); });
    $$(TOLD, form).forEach((one) => one.remove());
    $$('[data-refusal]').forEach((one) => one.remove());
  };

  const shown = (form, name) => [...form.elements].find((one) => one.name === name && one.type !== 'hidden');
  const mark = (control, err) => {
    err.id ||= `${control.id || control.name}-err`;
    // A list that is searched stands in a box of its own beside its select (picker.js).
    [control, control.id && $(`#${CSS.escape(control.id)}-box`)].forEach((one) => {
      if (!one) return;
      one.setAttribute('aria-invalid', 'true');
      describe(one, err.id);
    });
    const box = control.closest(BOX) || (control.closest('label') || control).parentElement;
    const help = $(':scope > .help', box);
    if (help) help.before(err);
    else box.append(err);
  };
  const lift = (form, err) => {
    err.tabIndex = -1;
    err.dataset.focusError = '';
    form.prepend(err);
  };
  const complain = (control, text) => mark(control, Object.assign(document.createElement('div'), { className: 'err', textContent: text }));

  // The field an error of the answer is about: the one it describes there, else the one its id names, else the first of its box.
  const about = (form, twin, err) => {
    const described = err.id && $(`[aria-describedby~="${CSS.escape(err.id)}"]`, twin.ownerDocument);
    const near = described || (err.id ? null : err.closest(BOX) && $(NAMED, err.closest(BOX)));
    const id = near ? near.id : err.id.replace(/-err$/, '');
    return (id && $(`#${CSS.escape(id)}`, form)) || (near?.name && shown(form, near.name)) || null;
  };
  const focus = (form) => {
    errors(form).forEach((err) => {
      for (let one = err.closest('details'); one; one = one.parentElement.closest('details')) one.open = true;
      if (!err.getClientRects().length) lift(form, err); // its field is not shown now
    });
    const at = $(TOLD, form) || invalid(form)[0];
    at?.closest('details')?.setAttribute('open', '');
    at?.focus();
    at?.scrollIntoView({ block: 'center' });
  };
  const asked = (form) => $('input[type=checkbox][name=_known]', form)?.value;
  // The same form in the page that came: its errors, version and locks go over, what was typed is not touched.
  // False where the whole page has to be shown: nothing is seen here, or what is to be checked is something else by now.
  const take = (form, twin) => {
    clear(form);
    // Approvers that are asked for only now.
    const people = $('fieldset.people', twin)?.closest('section');
    if (people && !$('fieldset.people', form)) $('.foot', form)?.before(document.adoptNode(people));
    const found = errors(twin).map((err) => [err, about(form, twin, err)]);
    found.forEach(([err, control]) => {
      if (control) mark(control, document.adoptNode(err));
      else lift(form, document.adoptNode(err));
    });
    const version = $('input[name=row_version]', twin);
    if (version && form.elements.row_version) form.elements.row_version.value = version.value;
    $$('[disabled][name]', twin).forEach((one) => { if (form.elements[one.name]) form.elements[one.name].disabled = true; });
    const told = $(TOLD, twin);
    if (told) form.prepend(document.adoptNode(told));
    if (asked(form) && asked(twin) && asked(form) !== asked(twin)) return false;
    focus(form);
    return [...errors(form), ...$$(TOLD, form)].some((one) => one.getClientRects().length);
  };

  window.tcosBeside = { any, clear, complain, focus, shown, take };
})();
