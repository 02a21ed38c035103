// The editor of a flow: only what the kind of a step or field needs is shown, and the preview follows.
'use strict';
(() => {
  const form = document.querySelector('[data-flow]');
  if (!form) return;
  document.documentElement.classList.add('scripted');
  const $$ = (selector, root = form) => [...root.querySelectorAll(selector)];
  const line = form.querySelector('[data-line]');

  const fit = () => {
    $$('.step').forEach((step) => {
      const kind = step.querySelector('[data-kind-of]').value;
      $$('[data-when]', step).forEach((part) => { part.hidden = part.dataset.when !== kind; });
    });
    $$('.rule').forEach((rule) => {
      const field = rule.querySelector('[data-field]');
      const op = rule.querySelector('[data-op]');
      const value = rule.querySelector('[data-value]');
      const kind = field.selectedOptions[0]?.dataset.kind;
      [...op.options].forEach((one) => { one.hidden = one.disabled = Boolean(kind) && !one.dataset.for.split(' ').includes(kind); });
      if (op.selectedOptions[0]?.disabled) op.value = [...op.options].find((one) => !one.disabled)?.value;
      value.hidden = op.value === 'empty' || op.value === 'filled';
      const list = `of-${field.value}`;
      if (document.getElementById(list)) value.setAttribute('list', list); else value.removeAttribute('list');
    });
  };

  let timer;
  let asked = 0;
  const show = async () => {
    const turn = ++asked;
    const answer = await fetch(form.dataset.flow, { method: 'POST', body: new FormData(form), headers: { 'X-Requested-With': 'XMLHttpRequest' } });
    if (turn !== asked || !answer.ok) return;
    line.textContent = (await answer.json()).line;
  };
  form.addEventListener('change', (event) => {
    if (event.target.matches('[data-field]')) event.target.closest('.rule').querySelector('[data-value]').value = '';
    fit();
  });
  form.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(show, 250); });
  fit();
})();
