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
  const enter = async (form) => {
    const page = await fetch(form.action, { headers: { 'X-In-Place': '1' } });
    const first = await page.text();
    if (page.headers.get('Content-Type')?.includes('json')) return ''; // somebody is in already
    const fresh = new DOMParser().parseFromString(first, 'text/html').querySelector('input[name=csrf_token]')?.value || '';
    const body = new URLSearchParams(new FormData(form));
    body.set('csrf_token', fresh);
    const answer = await fetch(form.action, { method: 'POST', body, headers: IN_PLACE });
    if (answer.headers.get('Content-Type')?.includes('json')) return (await json(answer)).error || '';
    const said = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('.note.bad');
    return said?.textContent || texts.failed;
  };
  // Asks for the log-in over the page; true once the same person is in and the page has its token.
  const over = () => {
    asking ??= new Promise((done) => {
      const form = $('form', dialog);
      const problem = $('[role=alert]', dialog);
      const end = (well) => {
        asking = null;
        form.elements.password.value = '';
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
        const said = await enter(form).catch(() => texts.unanswered);
        button.disabled = false;
        if (!said && await renew().catch(() => false)) { end(true); return; }
        problem.textContent = said || texts.failed;
        problem.hidden = false;
        form.elements.password.select();
      };
      dialog.onclose = () => end(false);
      $('[data-no]', dialog).onclick = () => dialog.close();
      dialog.showModal();
      (form.elements.email.value ? form.elements.password : form.elements.email).focus();
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
