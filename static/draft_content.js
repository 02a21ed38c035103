// What a draft holds, whose it is and how it comes back; drafts.js puts it into the store and the form.
'use strict';
(() => {
  const KEEP = 30 * 24 * 3600 * 1000; // milliseconds, as the server keeps them
  const OTHER = new Set(['csrf_token', 'typed_by', 'draft', 'seen', '_refill', 'idempotency_key', 'idempotency_next']); // of the page, not typed
  const NEVER = ['file', 'submit', 'button'];

  // A key is draft:person:form:tab. Drafts of older versions name no person: they are nobody's.
  const key = (person, form, tab) => `draft:${person}:${form}:${tab}`;
  const parts = (text) => {
    const found = text?.match(/^draft:(\d+):(.{1,200}):([^:]{1,40})$/s);
    return found ? { person: found[1], form: found[2], tab: found[3] } : null;
  };
  const stale = (text, draft, now) => !parts(text) || !(now - draft?.at < KEEP);
  // The form of an address: where it leads afterwards is no part of it.
  const place = (path, search) => {
    const asked = new URLSearchParams(search);
    ['next', 'url'].forEach((name) => asked.delete(name));
    return (path + ([...asked].length ? `?${asked}` : '')).slice(0, 150);
  };
  // The drafts of a form as they are offered: those of this window first, then the newest.
  const offered = (form, tab, drafts) => {
    const own = (one) => (one.tab.startsWith(tab) ? 1 : 0);
    return drafts.filter((one) => one.form === form && one.data.length).sort((a, b) => own(b) - own(a) || b.at - a.at);
  };
  // What the server has and what only this browser has: of one window the later one counts.
  const joined = (theirs, ours) => {
    const found = new Map();
    [...theirs, ...ours].forEach((one) => {
      const name = `${one.form}:${one.tab}`;
      const other = found.get(name);
      const files = one.files || other?.files || [];
      found.set(name, { ...(other && other.at > one.at ? other : one), files });
    });
    return [...found.values()];
  };

  // Of the pairs of a form what a person typed; `secret` names its passwords.
  const typed = (pairs, secret) => pairs.filter(([name, value]) => typeof value === 'string' && !OTHER.has(name) && !secret.has(name));
  const grouped = (pairs) => {
    const values = new Map();
    pairs.forEach(([name, value]) => values.set(name, [...(values.get(name) || []), value]));
    return values;
  };
  // The rows a line table had, in their order: plan-3, plan-new101; null where the draft knows no such table.
  const rows = (values, table) => {
    if (!values.has(`${table}-sent`)) return null;
    const start = `${table}-`;
    const found = [...values.keys()].filter((name) => name.startsWith(start)).map((name) => name.slice(start.length).match(/^(\w*\d+)-/)?.[1]);
    return [...new Set(found.filter(Boolean))];
  };
  const closed = (field, secret) => !field.name || field.disabled || OTHER.has(field.name) || secret.has(field.name) || NEVER.includes(field.type);
  // Puts the values back and returns the fields that got theirs; what the draft does not name stays, an unticked box is unticked.
  const restore = (fields, values, secret) => {
    const left = new Map([...values].map(([name, some]) => [name, [...some]]));
    return fields.filter((field) => {
      if (closed(field, secret)) return false;
      const given = left.get(field.name) || [];
      if (['checkbox', 'radio'].includes(field.type)) field.checked = given.includes(field.value);
      else if (field.type === 'select-multiple') [...field.options].forEach((one) => { one.selected = given.includes(one.value); });
      else if (given.length) field.value = given.shift();
      else return false;
      return true;
    });
  };

  // Whether a field holds something else than the page gave it: what is folded away is opened then.
  const altered = (field) => {
    if (['checkbox', 'radio'].includes(field.type)) return field.checked !== field.defaultChecked;
    if (field.type === 'select-multiple') return [...field.options].some((one) => one.selected !== one.defaultSelected);
    if (field.type === 'select-one') {
      const given = [...field.options].find((one) => one.defaultSelected) || field.options[0];
      return field.value !== (given?.value ?? '');
    }
    return field.value !== field.defaultValue;
  };

  const own = { altered, key, parts, stale, place, offered, joined, typed, grouped, rows, restore };
  if (typeof window === 'undefined') module.exports = own;
  else window.tcosDraftContent = own;
})();
