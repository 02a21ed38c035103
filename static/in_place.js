// Forms are sent without leaving their page: a refusal is told on it, and what was typed stays as it is.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const texts = document.body.dataset;
  const { meaning, same, spread } = window.tcosAnswers;
  const { send, ready } = window.tcosSending;
  const { any, clear, complain, focus, shown, take } = window.tcosBeside;

  const toast = (text, ...parts) => {
    const box = document.createElement('div');
    box.className = 'toast error';
    box.dataset.refusal = '';
    box.setAttribute('role', 'alert');
    box.append(text, ...parts);
    $('.toasts').append(box);
    setTimeout(() => box.remove(), 30000);
  };
  const button = (text, act) => {
    const found = Object.assign(document.createElement('button'), { type: 'button', className: 'btn sm', textContent: text });
    found.addEventListener('click', act);
    return found;
  };

  const action = (form) => new URL(form.getAttribute('action') || '', location.href).pathname;
  const twinOf = (form, page, status) => {
    const all = $$('form[method=post]', page).filter((one) => action(one) === action(form) && one.dataset.draft === form.dataset.draft);
    const inputs = (one) => $$('input[type=hidden]:not([name=csrf_token], [name^=idempotency], [name=row_version], [name=draft])', one).map((x) => x.name + x.value).join();
    const found = all.length > 1 ? all.find((one) => inputs(one) === inputs(form)) : all[0];
    return status >= 400 && found && any(found) ? found : null;
  };

  const tell = (form, found, status) => {
    const controls = [...form.elements].filter((one) => one.name && one.type !== 'hidden');
    const { beside, rest } = spread(found.fields, controls.map((one) => one.name));
    beside.forEach(([name, text]) => complain(shown(form, name), text));
    if (beside.length) focus(form);
    const words = rest.length ? rest.join('；') : found.error || texts.unanswered;
    if (!beside.length || rest.length) toast(`${words} ${status >= 500 && found.id ? `（${found.id}）` : ''}`);
  };

  // -- sending ---------------------------------------------------------------------------------
  const lead = (location_) => {
    const to = new URL(location_, location.href);
    if (!same(location, to)) { location.assign(to); return; }
    if (to.pathname.endsWith('/new/')) { location.replace(to); return; } // a blank form, not this one again
    if (to.hash) history.replaceState(history.state, '', to);
    location.reload();
  };
  // As a browser would: only where the answer is a page of its own, or a file.
  const plainly = (form, submitter) => {
    document.dispatchEvent(new Event('leaves'));
    form.dataset.plain = '';
    form.requestSubmit(submitter);
  };
  // What asks about chosen rows once more stands in the place of the grid; Back leads to the grid again.
  const ROWS = '[data-rows][action*="/action/"]';
  const stand = (page) => {
    document.dispatchEvent(new Event('leaves'));
    history.pushState(null, '', location.href);
    window.addEventListener('popstate', () => location.reload(), { once: true });
    $('#main').replaceChildren(...document.adoptNode($('#main', page)).childNodes);
    document.title = page.title;
    scrollTo(0, 0);
  };
  const anew = (form, submitter) => {
    const bytes = crypto.getRandomValues(new Uint8Array(24));
    form.elements.idempotency_key.value = [...bytes].map((one) => one.toString(16).padStart(2, '0')).join('');
    form.requestSubmit(submitter);
  };
  const read = (form, answer) => {
    const found = answer?.type.includes('json') ? JSON.parse(answer.text) : null;
    const page = found || !answer ? null : new DOMParser().parseFromString(answer.text, 'text/html');
    const status = answer?.status || 0; // 0: no answer
    const twin = page && twinOf(form, page, status);
    return { page, twin, result: meaning({ status, found, page: page && $('#main', page) && status < 500, twin }) };
  };
  const act = (form, submitter, answer, draft) => {
    const { page, twin, result } = read(form, answer);
    if (result.kind === 'lead') {
      if (draft && result.saved) document.dispatchEvent(new CustomEvent('draft:saved', { detail: draft }));
      // A page may show what became of it by itself.
      if (!form.dispatchEvent(new CustomEvent('led', { bubbles: true, cancelable: true, detail: result.location }))) return false;
      lead(result.location);
      return true;
    }
    form.inert = false;
    clear(form);
    delete form.dataset.sent;
    if (result.kind === 'beside' && take(form, twin)) return false;
    if (result.kind === 'page' || result.kind === 'beside') {
      if (form.matches(ROWS)) stand(page);
      else plainly(form, submitter);
      return true;
    }
    else if (result.kind === 'sent') {
      const way = Object.assign(document.createElement('a'), { className: 'btn sm', href: result.location, textContent: texts.seeSaved });
      way.dataset.keeps = '';
      toast(`${result.error} `, way, ' ', button(texts.saveAnother, () => anew(form, submitter)));
    } else tell(form, result, answer?.status);
    return false;
  };

  const busy = new WeakSet();
  const rest = (form) => {
    busy.delete(form);
    form.inert = false;
    form.removeAttribute('aria-busy');
  };
  const go = async (form, submitter) => {
    busy.add(form);
    const at = document.activeElement;
    form.setAttribute('aria-busy', 'true');
    const body = new FormData(form, submitter);
    const draft = body.get('draft');
    await window.tcosDrafts.rest(draft);
    const url = submitter?.hasAttribute('formaction') ? submitter.formAction : form.getAttribute('action') || location.href;
    const sent = form.getAttribute('enctype') === 'multipart/form-data' ? body : new URLSearchParams(body);
    form.inert = true; // what would be typed now belongs to no form
    let gone = false;
    const answer = await send(url, sent).then(async (one) => ({ status: one.status, type: one.headers.get('Content-Type') || '', text: await one.text() })).catch(() => null);
    try {
      gone = act(form, submitter, answer, draft);
    } finally {
      if (!gone) rest(form); // a second click while the next page comes is none
    }
    if (!gone && document.activeElement === document.body) at?.focus();
  };
  // What is answered with a file or a page of its own goes the plain way: chosen rows, an editor drawn anew (`_do`).
  const FILES = /^export_/;
  const plain = (form, submitter) => (submitter?.name === '_do' ? submitter.value !== 'save' : form.matches(ROWS) && FILES.test(submitter?.value));
  const pass = async (form, submitter) => {
    const well = await ready().catch(() => null);
    if (well) plainly(form, submitter);
    else toast(well === null ? texts.unanswered : texts.failed);
  };
  window.addEventListener('submit', (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute('method') !== 'post' || form.matches('[data-native], [data-keeps], [target]')) return;
    if ('plain' in form.dataset) { delete form.dataset.plain; return; }
    event.preventDefault();
    if (busy.has(form)) return;
    if (plain(form, event.submitter)) pass(form, event.submitter);
    else go(form, event.submitter);
  });
  // What is left of a double click on the page before presses nothing on this one: another button stands there now.
  let pressed = false;
  document.addEventListener('leaves', () => { pressed = false; });
  window.addEventListener('mousedown', (event) => { pressed ||= event.detail <= 1; }, true);
  window.addEventListener('click', (event) => {
    if (event.detail <= 1 || pressed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  // A page that comes back from the browser's memory can be sent again.
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) $$('form[aria-busy]').forEach(rest);
  });
})();
