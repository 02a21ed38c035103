// Passkeys: a form with data-passkey asks its device first, then goes out with what the device said.
(() => {
  const bytes = (text) => Uint8Array.from(
    atob(text.replace(/-/g, '+').replace(/_/g, '/')), (sign) => sign.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

  const ready = (options) => {
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    for (const list of [options.excludeCredentials, options.allowCredentials]) {
      for (const one of list || []) one.id = bytes(one.id);
    }
    return options;
  };

  const said = (made) => {
    const found = { id: made.id, rawId: text(made.rawId), type: made.type, response: {} };
    for (const key of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
      if (made.response[key]) found.response[key] = text(made.response[key]);
    }
    return JSON.stringify(found);
  };

  const ask = async (form) => {
    const answer = await fetch(form.dataset.passkey, {
      method: 'POST',
      headers: { Accept: 'application/json', 'X-CSRFToken': form.elements.csrf_token.value },
    });
    const options = await answer.json();
    if (options.location) {
      location.assign(options.location);
      return '';
    }
    if (!answer.ok) throw new Error(options.error);
    const publicKey = ready(options);
    const made = publicKey.user
      ? await navigator.credentials.create({ publicKey })
      : await navigator.credentials.get({ publicKey });
    return said(made);
  };

  const begin = async (form) => {
    const note = form.querySelector('[data-said]');
    note.hidden = true;
    form.setAttribute('aria-busy', 'true');
    try {
      const found = await ask(form);
      if (!found) return;
      form.elements.credential.value = found;
      form.submit();
    } catch {
      note.textContent = note.dataset.said;
      note.hidden = false;
    } finally {
      form.removeAttribute('aria-busy');
    }
  };

  if (!window.PublicKeyCredential || !navigator.credentials) return;
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    form.hidden = false;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (form.getAttribute('aria-busy') !== 'true') begin(form);
    });
  }
})();
