// What every page does beyond plain links and forms: confirm before loss, shortcuts, ticked rows.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const dialog = $('#confirm');

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
  $$('[data-submit-on-change]').forEach((control) => control.addEventListener('change', () => control.form.submit()));
  $$('[data-show-password]').forEach((button) => button.addEventListener('click', () => {
    const field = $(`#${button.dataset.showPassword}`);
    field.type = field.type === 'password' ? 'text' : 'password';
    button.setAttribute('aria-pressed', field.type === 'text');
  }));

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
    history.replaceState({ ...history.state, keys: keys.map((field) => field.value) }, '');
  }

  // An ended log-in is told once, in words, with the way to it and back; whatever asked in the background.
  const plain = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await plain(...asked);
    if (answer.status === 401) answer.clone().json().then(outside, () => {});
    return answer;
  };
  const outside = (found) => {
    if (!found.login || $('[data-outside]')) return;
    const box = document.createElement('div');
    const link = document.createElement('a');
    box.className = 'toast error';
    box.dataset.outside = '';
    link.className = 'btn sm';
    link.dataset.keeps = '';
    link.href = found.login;
    link.textContent = document.body.dataset.logIn;
    box.append(`${found.error} `, link);
    $('.toasts').append(box);
  };

  // A page that answers a refused form stands at the address of the log-in: reloading it sends nothing.
  const at = $('[data-at]')?.dataset.at;
  if (at) history.replaceState(null, '', at);
  $('[data-forward] form')?.submit();

  $('[data-focus-error]')?.focus();
})();
