// Requests that outlive a log-in: where it has ended one logs in over the page, and the request goes out again.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const texts = document.body.dataset;
  const IN_PLACE = { 'X-In-Place': '1', Accept: 'text/html' };
  const json = (answer) => answer.clone().json().catch(() => ({}));
  const token = () => $('input[name=csrf_token]')?.value || '';

  // The page's forms go out with this token from now on. Tells whether the same person is in, null where nobody is.
  const renew = async () => {
    const answer = await fetch(texts.token, { headers: { 'X-Requested-With': 'XMLHttpRequest', 'X-In-Place': '1' } });
    if (!answer.ok) return answer.status === 401 ? null : false;
    const found = await answer.json();
    if (String(found.person) !== texts.person) { document.dispatchEvent(new Event('leaves')); location.reload(); return false; }
    $$('input[name=csrf_token]').forEach((field) => { field.value = found.token; });
    $$('[data-token]').forEach((one) => { if (one !== document.body) one.dataset.token = found.token; });
    return true;
  };

  const dialog = $('#log-in');
  let asking = null;
  // One step of the log-in, the password or the code: what is wrong, or where it leads; {} where the page asks for nothing.
  const step = async (address, body) => {
    const page = await fetch(address, { headers: { 'X-In-Place': '1' } });
    const read = async (answer) => new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (page.headers.get('Content-Type')?.includes('json')) return {}; // somebody is in already, or waited too long
    body.set('csrf_token', $('input[name=csrf_token]', await read(page))?.value || '');
    const answer = await fetch(address, { method: 'POST', body, headers: IN_PLACE });
    if (answer.headers.get('Content-Type')?.includes('json')) return json(answer);
    return { error: $('.note.bad, .err', await read(answer))?.textContent || texts.failed };
  };
  // Asks for the log-in over the page; true once the same person is in and the page has its token.
  const over = () => {
    asking ??= new Promise((done) => {
      const form = $('form', dialog);
      const problem = $('[role=alert]', dialog);
      const { email, password, code } = form.elements;
      let waits = ''; // the page that takes the code
      const ask = (address) => {
        waits = address;
        $('[data-first]', form).hidden = Boolean(address);
        $('[data-second]', form).hidden = code.disabled = !address;
        code.value = '';
      };
      const end = (well) => {
        asking = null;
        password.value = '';
        ask('');
        if (dialog.open) dialog.close();
        if (well) { $('[data-outside]')?.remove(); document.dispatchEvent(new Event('entered')); }
        done(well);
      };
      problem.hidden = true;
      form.onsubmit = async (event) => {
        event.preventDefault();
        const button = $('button.p', form);
        if (button.disabled) return;
        button.disabled = true;
        const body = new URLSearchParams(waits ? { code: code.value } : new FormData(form));
        const found = await step(waits || form.action, body).catch(() => ({ error: texts.unanswered }));
        button.disabled = false;
        problem.hidden = true;
        if (found.location?.startsWith(form.dataset.code)) { ask(found.location); code.focus(); return; }
        const said = found.error || (found.location?.startsWith(form.dataset.setup) && form.dataset.setUpFirst);
        if (!said && await renew().catch(() => false)) { end(true); return; }
        if (!said && waits) ask('');
        problem.textContent = said || texts.failed;
        problem.hidden = false;
        (waits ? code : password).select();
      };
      dialog.onclose = () => end(false);
      $('[data-no]', dialog).onclick = () => dialog.close();
      dialog.showModal();
      (email.value ? password : email).focus();
    });
    return asking;
  };

  // Sends a body with its token; where the log-in or the token has ended it is renewed first. Rejects without an answer.
  const send = async (url, body, headers = IN_PLACE, quiet = false) => {
    const once = () => fetch(url, { method: 'POST', body, headers: { 'X-In-Place': '1', ...headers } });
    let answer = await once();
    const outdated = answer.status === 400 && (await json(answer)).code === 'TOKEN';
    const again = (outdated && await renew()) || (answer.status === 401 && !quiet && dialog && await over());
    if (again) {
      body.set('csrf_token', token());
      answer = await once();
    }
    return answer;
  };

  // What has to go the plain way goes once the server is there and the person in.
  const ready = async () => await renew() ?? over();

  // What asked in the background and found the log-in ended says so once, with the way to it.
  const outside = (found) => {
    if (!found.login || $('[data-outside]') || dialog?.open) return;
    const box = document.createElement('div');
    const way = document.createElement('button');
    way.type = 'button';
    way.className = 'btn sm';
    way.textContent = texts.logIn;
    way.addEventListener('click', over);
    box.className = 'toast error';
    box.dataset.outside = '';
    box.append(`${found.error} `, way);
    $('.toasts').append(box);
  };
  const plain = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await plain(...asked);
    if (answer.status === 401 && dialog && !asked[1]?.headers?.['X-In-Place']) json(answer).then(outside);
    return answer;
  };

  window.tcosSending = { send, ready, outside, token };
})();
