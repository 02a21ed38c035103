// What every page does beyond plain links and forms: confirm before loss, shortcuts, ticked rows.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const dialog = $('#confirm');

  // What a selector finds now, and whatever arrives later; the rows that line tables copy are left as they are.
  window.tcosEach = (selector, act) => {
    const all = (root) => $$(selector, root).forEach((one) => { if (!one.closest('[data-model]')) act(one); });
    all(document);
    new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) => {
      if (node.nodeType !== Node.ELEMENT_NODE || !node.isConnected) return;
      if (node.matches(selector) && !node.closest('[data-model]')) act(node);
      all(node);
    }))).observe(document.body, { childList: true, subtree: true });
  };

  // One listener for every control that loses something.
  document.addEventListener('click', (event) => {
    const control = event.target.closest('[data-confirm]');
    if (!control || control.dataset.sure || !dialog) return;
    event.preventDefault();
    $('#confirm-text').textContent = control.dataset.confirm;
    $('[data-yes]', dialog).onclick = () => {
      dialog.close();
      control.dataset.sure = '1';
      control.click();
      delete control.dataset.sure;
    };
    $('[data-no]', dialog).onclick = () => dialog.close();
    dialog.showModal();
  });

  $('[data-toggle-side]')?.addEventListener('click', () => $('#side').classList.toggle('open'));
  document.addEventListener('click', (event) => {
    if (!event.target.closest('#side, [data-toggle-side]')) $('#side')?.classList.remove('open');
  });
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      const box = $('[data-ctrl-k]');
      if (box) { event.preventDefault(); box.focus(); box.select(); }
    }
    if (event.key === 'Escape') $('#side')?.classList.remove('open');
  });
  setTimeout(() => $$('.toast').forEach((toast) => toast.remove()), 8000);

  // Ticking rows: the batch bar says how many.
  const count = (form) => {
    const n = $$('input[name=rowid]:checked', form).length;
    const shown = $('[data-ticked]', form);
    if (shown) shown.textContent = n;
    $$('[data-needs-tick]', form).forEach((button) => { button.disabled = n === 0; });
  };
  $$('form[data-rows]').forEach((form) => {
    count(form);
    form.addEventListener('change', (event) => {
      if (event.target.matches('[data-all]')) {
        $$('input[name=rowid]', form).forEach((box) => { box.checked = event.target.checked; });
      }
      count(form);
    });
  });
  $$('[data-submit-on-change]').forEach((control) => control.addEventListener('change', () => control.form.requestSubmit()));
  $$('[data-show-password]').forEach((button) => button.addEventListener('click', () => {
    const field = $(`#${button.dataset.showPassword}`);
    field.type = field.type === 'password' ? 'text' : 'password';
    button.setAttribute('aria-pressed', field.type === 'text');
  }));

  // A number or address goes to the clipboard; where the browser keeps that shut (no https) by way of a selection.
  const copied = async (button) => {
    const { copy, copied: told } = button.dataset;
    try { await navigator.clipboard.writeText(copy); } catch {
      const box = Object.assign(document.createElement('textarea'), { value: copy, className: 'sr' });
      button.after(box);
      box.select();
      document.execCommand('copy');
      box.remove();
      button.focus();
    }
    const toast = Object.assign(document.createElement('div'), { className: 'toast', textContent: told ?? `${document.body.dataset.copied} ${copy}` });
    $('.toasts').append(toast);
    setTimeout(() => toast.remove(), 3000);
  };
  document.addEventListener('click', (event) => { const button = event.target.closest('[data-copy]'); if (button) copied(button); });

  // A file above the limit is told before it travels.
  $$('input[type=file][data-most]').forEach((input) => input.addEventListener('change', () => {
    const large = [...input.files].some((file) => file.size > Number(input.dataset.most));
    const whole = [...input.files].reduce((sum, file) => sum + file.size, 0);
    const much = whole > Number(input.dataset.all || Infinity);
    input.setCustomValidity(large ? input.dataset.tooLarge : much ? input.dataset.tooMuch : '');
    input.reportValidity();
    const label = input.dataset.chosen && $(`label[for="${input.id}"]`);
    if (label) label.textContent = input.files.length ? `✓ ${input.dataset.chosen}` : label.textContent;
  }));

  // Back makes the page anew around what was typed: it is still the form that was sent.
  const keys = $$('input[name=idempotency_key]');
  const held = history.state?.keys;
  if (performance.getEntriesByType('navigation')[0]?.type === 'back_forward' && held?.length === keys.length) {
    keys.forEach((field, n) => { field.value = held[n]; });
  } else if (keys.length) {
    // A page that was asked for is a new form; without this script the server tells it by what comes (idempotency.py).
    $$('input[name=idempotency_next]').forEach((next) => { next.form.elements.idempotency_key.value = next.value; });
    history.replaceState({ ...history.state, keys: keys.map((field) => field.value) }, '');
  }

  $$('input[name=idempotency_next]').forEach((next) => next.remove());

  // A page that answers a refused form stands at the address of the log-in: reloading it sends nothing.
  const at = $('[data-at]')?.dataset.at;
  if (at) history.replaceState(null, '', at);
  $('[data-forward] form')?.submit();

  $('[data-focus-error]')?.focus();
})();
