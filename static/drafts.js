// What is typed is kept while it is typed, for the person who types it, and comes back whole, lines included.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const texts = document.body.dataset;
  const content = window.tcosDraftContent;
  const store = window.tcosDrafts;
  if (!texts.person) return;

  let tab;
  try { tab = sessionStorage.getItem('tab'); } catch { tab = null; }
  tab ||= Math.random().toString(36).slice(2, 10);
  try { sessionStorage.setItem('tab', tab); } catch { /* every page is a window of its own then */ }
  const keysOf = new WeakMap();
  const nameOf = (form) => form.dataset.draft || content.place(location.pathname, location.search);
  // Every rendered form has a draft of its own: what is offered and not taken stays.
  const keyOf = (form) => {
    const sent = $('input[type=hidden][name=draft]', form)?.value;
    if (content.parts(sent)) return sent;
    if (!keysOf.has(form)) keysOf.set(form, content.key(texts.person, nameOf(form), `${tab}-${Math.random().toString(36).slice(2, 8)}`));
    return keysOf.get(form);
  };

  const secret = (form) => new Set($$('input[type=password]', form).map((one) => one.name));
  const typed = (form) => {
    const data = content.typed([...new FormData(form)], secret(form));
    // Files that were uploaded already are known by a token; their names are only on the page.
    const kept = $$('input[name=kept]:checked', form).map((one) => [one.value, one.parentElement.textContent.trim()]);
    return { at: Date.now(), data, kept };
  };
  const changed = new Set();
  const write = (form) => {
    changed.add(form);
    store.put(keyOf(form), typed(form));
  };

  // A form whose parts the server draws is sent to it to be shown again (views/web/reentry.py), under its own key.
  const again = (form, draft) => {
    const carrier = Object.assign(document.createElement('form'), { method: 'post', action: form.getAttribute('action') });
    const own = ['csrf_token', 'typed_by'].map((name) => [name, form.elements[name].value]);
    [...own, ['_refill', '1'], ['draft', content.key(texts.person, draft.form, draft.tab)], ...draft.data].forEach(([name, value]) => {
      carrier.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
    });
    document.body.append(carrier);
    HTMLFormElement.prototype.submit.call(carrier);
  };
  const fill = async (form, draft) => {
    if ('again' in form.dataset) { again(form, draft); return; }
    const values = content.grouped(draft.data);
    // First the rows the draft had, then their values.
    $$('[data-lines]', form).forEach((table) => {
      const rows = content.rows(values, table.dataset.lines);
      if (rows) table.dispatchEvent(new CustomEvent('rows', { detail: rows }));
    });
    content.restore([...form.elements], values, secret(form)).forEach((field) => {
      field.dispatchEvent(new Event('restored'));
      if (content.altered(field)) field.closest('details')?.setAttribute('open', '');
    });
    const place = $('input[type=file]', form);
    draft.kept.filter(([token]) => !$$('input[name=kept]', form).some((one) => one.value === token)).forEach(([token, name]) => {
      const label = document.createElement('label');
      label.className = 'radio';
      label.append(Object.assign(document.createElement('input'), { type: 'checkbox', name: 'kept', value: token, checked: true }), name);
      place?.before(label);
    });
    form.dispatchEvent(new Event('restored'));
    write(form);
    const from = content.key(texts.person, draft.form, draft.tab);
    await files(form, draft, from);
    if (from !== keyOf(form)) store.move(from, keyOf(form));
  };
  // Only where nobody has chosen anew; tells whether anything came back.
  const files = async (form, draft, key) => {
    let came = false;
    for (const field of $$('input[type=file][name]', form)) {
      const found = await store.chosen(draft, key, field.name);
      if (!found?.length || field.files.length) continue;
      const carrier = new DataTransfer();
      found.forEach((file) => carrier.items.add(file));
      field.files = carrier.files;
      field.dispatchEvent(new Event('change', { bubbles: true }));
      came = true;
    }
    return came;
  };

  const note = (form) => {
    const box = Object.assign(document.createElement('div'), { className: 'note info', textContent: `${texts.draftBack} ` });
    const away = Object.assign(document.createElement('button'), { type: 'button', className: 'btn sm', textContent: texts.draftForget });
    away.dataset.forget = '';
    box.dataset.restored = '';
    box.setAttribute('role', 'status');
    box.append(away);
    form.prepend(box);
    return away;
  };
  const show = (form, drafts) => {
    const box = $('[data-restore]', form);
    box.hidden = !drafts.length;
    if (!drafts.length) return;
    const [draft, ...others] = drafts;
    $('[data-when]', box).textContent = new Date(draft.at).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone: 'Asia/Shanghai' });
    $('[data-use]', box).onclick = () => { fill(form, draft); box.hidden = true; };
    $('[data-forget]', box).onclick = () => {
      store.drop(content.key(texts.person, draft.form, draft.tab));
      show(form, others);
    };
  };
  const offer = async (form, found) => {
    const drafts = content.offered(nameOf(form), tab, found);
    if ('typed' in form.dataset) { // it came back from the server; its files have to be found
      const own = found.find((one) => content.key(texts.person, one.form, one.tab) === keyOf(form));
      const came = !$('input[name=kept]', form) && await files(form, own || {}, keyOf(form));
      if (came) $('[data-files-gone]', form)?.remove();
    } else if (drafts.length && $('[data-restore]', form)) show(form, drafts);
    else if (drafts.length && !changed.has(form)) { // a short form is simply as it was left
      await fill(form, drafts[0]);
      note(form).addEventListener('click', async () => {
        changed.delete(form);
        await store.drop(keyOf(form));
        location.reload();
      });
    }
  };
  const open = async (forms) => {
    const fresh = forms.filter((form) => !form.dataset.drafted);
    fresh.forEach((form) => {
      form.dataset.drafted = '1';
      if ('typed' in form.dataset || $('[data-focus-error], [aria-invalid=true]', form)) write(form);
    });
    const asked = fresh.filter((form) => 'typed' in form.dataset || !changed.has(form));
    if (!asked.length) return;
    const found = await store.find([...new Set(asked.map(nameOf))]);
    asked.forEach((form) => offer(form, found));
  };

  const own = (event) => event.target.closest?.('form[data-draft]');
  ['input', 'change'].forEach((kind) => document.addEventListener(kind, (event) => {
    const form = own(event);
    if (!form) return;
    write(form);
    if (event.target.type === 'file' && kind === 'change') store.choose(keyOf(form), event.target);
  }));
  // Of a form that only asks its address has all that was chosen, once it is sent.
  const asks = (form) => form.getAttribute('method') === 'get';
  // The key goes along: what saves the form forgets its draft.
  document.addEventListener('formdata', (event) => { if (own(event) && !asks(event.target)) event.formData.set('draft', keyOf(event.target)); });
  const saved = (key) => {
    [...changed].filter((form) => keyOf(form) === key).forEach((form) => changed.delete(form));
    store.saved(key);
  };
  document.addEventListener('draft:saved', (event) => saved(event.detail));
  // A form that is sent the plain way leaves with its page.
  window.addEventListener('submit', (event) => {
    if (!own(event) || event.defaultPrevented) return;
    changed.delete(event.target);
    if (asks(event.target)) store.drop(keyOf(event.target));
  });
  document.addEventListener('leaves', () => changed.clear());
  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-keeps]')) changed.clear(); // what is kept need not be asked about
    const away = event.target.closest('form[data-draft] [data-discard]');
    if (!away) return;
    changed.delete(own(event));
    store.drop(keyOf(own(event)));
  });
  window.addEventListener('beforeunload', (event) => { if ([...changed].some((form) => form.isConnected)) event.preventDefault(); });
  document.addEventListener('draft:arrived', (event) => open($$('form[data-draft]', event.target)));
  $$('[data-saved]').forEach((mark) => store.saved(mark.dataset.saved));
  // The other scripts of the page build their rows first.
  document.addEventListener('DOMContentLoaded', () => open($$('form[data-draft]')));
})();
