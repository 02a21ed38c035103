// What is typed stays in this browser until a page confirms that it was saved. A draft belongs to one
// person, one form and one tab; it is offered to nobody else and comes back whole, lines included.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const texts = document.body.dataset;
  const KEEP = 14 * 24 * 3600 * 1000; // milliseconds
  const OTHER = new Set(['csrf_token', 'typed_by', 'draft', 'seen', '_refill', 'idempotency_key']); // of the page, not typed
  let store;
  try { store = localStorage; store.getItem('draft'); } catch { return; } // no storage: no drafts
  const read = (key) => { try { return JSON.parse(store.getItem(key)); } catch { return null; } };
  const keys = () => Object.keys(store).filter((key) => key.startsWith('draft:'));

  // Drafts of older versions name no person: they are nobody's. What is too old is not asked for any more.
  keys().forEach((key) => { if (!/^draft:\d+:/.test(key) || !(Date.now() - read(key)?.at < KEEP)) store.removeItem(key); });
  $$('[data-saved]').forEach((mark) => store.removeItem(mark.dataset.saved));
  window.tcosFiles.tidy(keys());
  if (!texts.person) return;

  const tab = sessionStorage.getItem('tab') || Math.random().toString(36).slice(2, 10);
  sessionStorage.setItem('tab', tab);
  const place = () => {
    const asked = new URLSearchParams(location.search);
    ['next', 'url'].forEach((name) => asked.delete(name)); // where it leads is no part of the form
    return location.pathname + (asked.size ? `?${asked}` : '');
  };
  const base = (form) => `draft:${texts.person}:${(form.dataset.draft || place()).slice(0, 150)}:`;
  const keyOf = (form) => $('input[type=hidden][name=draft]', form)?.value || base(form) + tab;

  const secret = (form) => new Set($$('input[type=password]', form).map((one) => one.name));
  const typed = (form) => {
    const hidden = secret(form);
    const data = [...new FormData(form)].filter(([name, value]) => typeof value === 'string' && !OTHER.has(name) && !hidden.has(name));
    // Files that were uploaded already are known by a token; their names are only on the page.
    const kept = $$('input[name=kept]:checked', form).map((one) => [one.value, one.parentElement.textContent.trim()]);
    return { at: Date.now(), data, kept };
  };
  const changed = new Set();
  const write = (form) => {
    changed.add(form);
    try { store.setItem(keyOf(form), JSON.stringify(typed(form))); } catch { /* no room: no draft */ }
  };
  const drop = (key) => {
    store.removeItem(key);
    window.tcosFiles.drop(key);
  };

  const fill = (form, key) => {
    const draft = read(key);
    const values = new Map();
    draft.data.forEach(([name, value]) => values.set(name, [...(values.get(name) || []), value]));
    // First the rows the draft had, then their values.
    $$('[data-lines]', form).forEach((table) => {
      if (!values.has(`${table.dataset.lines}-sent`)) return;
      const start = `${table.dataset.lines}-`;
      const rows = [...values.keys()].filter((name) => name.startsWith(start)).map((name) => name.slice(start.length).match(/^(\w*\d+)-/)?.[1]);
      table.dispatchEvent(new CustomEvent('rows', { detail: [...new Set(rows.filter(Boolean))] }));
    });
    const hidden = secret(form);
    [...form.elements].forEach((field) => {
      if (!field.name || field.disabled || OTHER.has(field.name) || hidden.has(field.name) || ['file', 'submit', 'button'].includes(field.type)) return;
      const given = values.get(field.name) || [];
      if (['checkbox', 'radio'].includes(field.type)) field.checked = given.includes(field.value);
      else if (given.length) field.value = given.shift();
      else return;
      field.dispatchEvent(new Event('restored'));
    });
    const files = $('input[type=file]', form);
    draft.kept.filter(([token]) => !$$('input[name=kept]', form).some((one) => one.value === token)).forEach(([token, name]) => {
      const label = document.createElement('label');
      label.className = 'radio';
      label.append(Object.assign(document.createElement('input'), { type: 'checkbox', name: 'kept', value: token, checked: true }), name);
      files?.before(label);
    });
    form.dispatchEvent(new Event('restored'));
    write(form);
    return window.tcosFiles.give(key, form).then(() => { if (key !== keyOf(form)) drop(key); });
  };

  const again = async (form) => {
    if (await window.tcosFiles.give(keyOf(form), form)) $('[data-files-gone]', form)?.remove();
  };

  // The newest draft of this form, of this tab before others.
  const found = (form) => {
    const own = keyOf(form);
    if (read(own)) return own;
    return keys().filter((key) => key.startsWith(base(form))).sort((a, b) => read(b).at - read(a).at)[0];
  };
  const note = (form) => {
    const box = Object.assign(document.createElement('div'), { className: 'note info', textContent: `${texts.draftBack} ` });
    const forget = Object.assign(document.createElement('button'), { type: 'button', className: 'btn sm', textContent: texts.draftForget });
    forget.dataset.forget = '';
    box.dataset.restored = '';
    box.setAttribute('role', 'status');
    box.append(forget);
    form.prepend(box);
    return forget;
  };
  const offer = (form) => {
    if (form.dataset.drafted) return;
    form.dataset.drafted = '1';
    if ($('[data-focus-error], [aria-invalid=true]', form) || 'typed' in form.dataset) {
      write(form);
      // What came back from the server came with its files, where they reached it.
      if ('typed' in form.dataset && !$('input[name=kept]', form)) again(form);
      else window.tcosFiles.drop(keyOf(form));
      return;
    }
    const key = found(form);
    if (!key) return;
    const box = $('[data-restore]', form);
    if (!box) { // a short form is simply as it was left
      fill(form, key);
      note(form).addEventListener('click', () => { [key, keyOf(form)].forEach(drop); changed.delete(form); location.reload(); });
      return;
    }
    $('[data-when]', box).textContent = new Date(read(key).at).toLocaleString(document.documentElement.lang, { dateStyle: 'short', timeStyle: 'short' });
    box.hidden = false;
    $('[data-use]', box).addEventListener('click', () => {
      fill(form, key);
      box.hidden = true;
    });
    $('[data-forget]', box).addEventListener('click', () => { drop(key); box.hidden = true; });
  };

  const own = (event) => event.target.closest?.('form[data-draft]');
  ['input', 'change'].forEach((kind) => document.addEventListener(kind, (event) => {
    const form = own(event);
    if (!form) return;
    write(form);
    if (event.target.type === 'file' && kind === 'change') window.tcosFiles.keep(keyOf(form), event.target);
  }));
  // The key goes along: the page that confirms the save names it.
  document.addEventListener('formdata', (event) => { if (own(event)) event.formData.set('draft', keyOf(event.target)); });
  window.addEventListener('submit', (event) => { if (own(event) && !event.defaultPrevented) changed.delete(event.target); });
  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-keeps]')) changed.clear(); // what is kept need not be asked about
    const away = event.target.closest('form[data-draft] [data-discard]');
    if (!away) return;
    changed.delete(own(event));
    drop(keyOf(own(event)));
  });
  window.addEventListener('beforeunload', (event) => { if ([...changed].some((form) => form.isConnected)) event.preventDefault(); });
  document.addEventListener('draft:saved', (event) => drop(event.detail));
  document.addEventListener('draft:arrived', (event) => $$('form[data-draft]', event.target).forEach(offer));
  // The other scripts of the page build their rows first.
  document.addEventListener('DOMContentLoaded', () => $$('form[data-draft]').forEach(offer));
})();
