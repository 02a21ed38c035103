// The editor of a flow: only what the kind of a step or field needs is shown, and the preview follows.
'use strict';
(() => {
  const form = document.querySelector('[data-flow]');
  if (!form) return;
  document.documentElement.classList.add('scripted');
  const $$ = (selector, root = form) => [...root.querySelectorAll(selector)];
  const line = form.querySelector('[data-line]');

  // A value that is one of a list is taken from it, as in a grid's filter; what is sent stays the text.
  const lists = new WeakMap(); // value → the list it is taken from
  const parts = (text) => text.split(/[,，]/).map((one) => one.trim()).filter(Boolean).map((one) => [one, one]);
  const offered = (value, list) => {
    const now = lists.get(value);
    if (now && now.list === list && now.own.keys().join(',') !== value.value) now.own.set(parts(value.value)); // a draft
    if ((now?.list || null) === list) return;
    now?.own.node.remove();
    lists.delete(value);
    value.classList.toggle('sr', Boolean(list));
    value.tabIndex = list ? -1 : 0;
    if (!list) return;
    const options = [...list.options].map((one) => [one.value, one.value, one.dataset.pinyin]);
    const own = window.tcosPicker.picks({
      name: value.getAttribute('aria-label'),
      given: parts(value.value),
      find: (text) => window.tcosMatch.narrowed(text, options),
      changed: (keys) => {
        if (!lists.has(value) || value.value === keys.join(',')) return;
        value.value = keys.join(',');
        value.dispatchEvent(new Event('input', { bubbles: true }));
      },
    });
    value.after(own.node);
    lists.set(value, { list, own });
  };

  const fit = () => {
    $$('.step').forEach((step) => {
      const kind = step.querySelector('[data-kind-of]').value;
      $$('[data-when]', step).forEach((part) => { part.hidden = part.dataset.when !== kind; });
      const place = step.querySelector('[data-place-of]').value;
      $$('[data-place]', step).forEach((part) => { part.hidden = place === 'trunk'; });
      step.classList.toggle('forked', place !== 'trunk');
    });
    $$('.rule').forEach((rule) => {
      const field = rule.querySelector('[data-field]');
      const op = rule.querySelector('[data-op]');
      const value = rule.querySelector('[data-value]');
      const kind = field.selectedOptions[0]?.dataset.kind;
      [...op.options].forEach((one) => { one.hidden = one.disabled = Boolean(kind) && !one.dataset.for.split(' ').includes(kind); });
      if (op.selectedOptions[0]?.disabled) op.value = [...op.options].find((one) => !one.disabled)?.value;
      value.hidden = op.value === 'empty' || op.value === 'filled';
      value.removeAttribute('list');
      const open = kind && !value.hidden ? document.getElementById(`of-${field.value}`) : null;
      offered(value, op.value === 'contains' ? null : open);
    });
  };

  let timer;
  let asked = 0;
  const show = async () => {
    const turn = ++asked;
    const body = new FormData(form);
    body.delete('draft'); // looked at, not saved
    const answer = await fetch(form.dataset.flow, { method: 'POST', body, headers: { 'X-Requested-With': 'XMLHttpRequest' } }).catch(() => null);
    if (turn !== asked || !answer?.ok) return;
    const told = await answer.json();
    line.textContent = told.line;
    form.querySelector('[data-copying]').textContent = told.copying;
  };
  form.addEventListener('change', (event) => {
    if (event.target.matches('[data-field]')) event.target.closest('.rule').querySelector('[data-value]').value = '';
    fit();
  });
  form.addEventListener('restored', fit);
  form.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(show, 250); });
  fit();
})();
