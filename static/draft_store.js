// Where drafts lie: on the server, and in this browser only until the server has them.
'use strict';
(() => {
  const texts = document.body.dataset;
  const content = window.tcosDraftContent;
  const files = window.tcosFiles;
  const { send, token, outside } = window.tcosSending;
  const AJAX = { headers: { 'X-Requested-With': 'XMLHttpRequest' } };
  const WAIT = 1200; // milliseconds after the last key
  const door = (path = '') => texts.drafts + path;
  let local;
  try { local = localStorage; local.getItem('draft'); } catch { local = null; } // a private window: the server alone

  const read = (key) => { try { return JSON.parse(local.getItem(key)); } catch { return null; } };
  const keys = () => (local ? Object.keys(local).filter((key) => key.startsWith('draft:')) : []);
  const mine = () => keys().filter((key) => content.parts(key)?.person === texts.person);
  const waiting = new Map(); // key → timer
  const latest = new Map(); // key → what the server does not have yet
  let line = Promise.resolve();
  let flying = 0;
  const inLine = (work) => {
    flying += 1;
    line = line.then(work, work).finally(() => { flying -= 1; });
    return line;
  };

  const body = (key, more) => {
    const { form, tab } = content.parts(key);
    const found = new FormData();
    const all = { csrf_token: token(), typed_by: texts.person, form, tab, ...more };
    Object.entries(all).forEach(([name, value]) => found.set(name, value));
    return found;
  };
  const post = async (path, given) => {
    const answer = await send(door(path), given, { Accept: 'application/json' }, true);
    if (answer.status === 401) outside(await answer.json().catch(() => ({})));
    return answer.status;
  };
  // The copy in this browser goes once the server has exactly what it holds.
  const give = async (key) => {
    const draft = latest.get(key);
    if (!draft) return true;
    const text = JSON.stringify({ data: draft.data, kept: draft.kept });
    const well = await post('', body(key, { content: text })).catch(() => 0) === 200;
    if (!well || latest.get(key) !== draft) return well;
    latest.delete(key);
    local?.removeItem(key);
    return true;
  };
  const flush = (key) => {
    clearTimeout(waiting.get(key));
    waiting.delete(key);
    return inLine(() => give(key));
  };
  const put = (key, draft) => {
    latest.set(key, draft);
    try { local?.setItem(key, JSON.stringify(draft)); } catch { /* no room: the server has */ }
    clearTimeout(waiting.get(key));
    waiting.set(key, setTimeout(() => flush(key), WAIT));
  };
  const forget = (key) => {
    clearTimeout(waiting.get(key));
    waiting.delete(key);
    latest.delete(key);
    local?.removeItem(key);
    files.drop(key);
  };
  // Nothing of this draft travels while its form does; the others go first, as the form may end the log-in.
  const rest = async (key) => {
    clearTimeout(waiting.get(key));
    waiting.delete(key);
    [...waiting.keys()].forEach(flush);
    await Promise.race([line, new Promise((go) => { setTimeout(go, 3000); })]);
  };
  const drop = (key) => {
    forget(key);
    // The page may be left at once, as by 取消: what is on its way already comes first otherwise.
    const tell = () => fetch(door('discard/'), { method: 'POST', body: body(key), headers: AJAX.headers, keepalive: true }).catch(() => {});
    return flying ? inLine(tell) : tell();
  };
  // The server forgot it with the save; what was late to arrive there is called back.
  const saved = (key) => (flying ? drop(key) : forget(key));
  // What was restored goes on under the key of its new form; the old one goes when the server has it.
  const move = (from, to) => { flush(to).then((well) => well && drop(from), () => {}); };

  const carry = (key, field) => {
    const given = body(key, { field: field.name });
    [...field.files].forEach((file) => given.append('files', file));
    return inLine(async () => {
      const status = await post('files/', given).catch(() => 0);
      if (status === 200) await files.dropField(key, field.name);
      else if ([413, 422].includes(status)) await files.keep(key, field, true);
    });
  };
  const choose = (key, field) => { files.keep(key, field); carry(key, field); };
  // The files of a draft for one field: from the server, else from this browser.
  const chosen = async (draft, key, name) => {
    const theirs = (draft.files || []).filter((one) => one.field === name);
    const found = await Promise.all(theirs.map(async (one) => {
      const answer = await fetch(door(`file/?id=${one.id}`), AJAX);
      return answer.ok ? new File([await answer.blob()], one.name, { type: answer.headers.get('Content-Type') || '' }) : null;
    }));
    return found.length ? found.filter(Boolean) : files.held(key, name);
  };

  const find = async (forms) => {
    // Before the question: what arrives at the server meanwhile may not be in its answer.
    const ours = mine().map((key) => ({ ...content.parts(key), ...read(key) })).filter((one) => forms.includes(one.form));
    const address = `${door()}?${new URLSearchParams(forms.map((form) => ['form', form]))}`;
    const answer = await fetch(address, AJAX).catch(() => null);
    const theirs = answer?.ok ? (await answer.json()).drafts : [];
    return content.joined(theirs.map((one) => ({ data: [], kept: [], ...one })), ours);
  };

  // What an earlier page could not send goes now, and again once somebody is back in.
  const left = () => mine().forEach((key) => {
    if (!latest.has(key)) latest.set(key, read(key));
    flush(key);
  });
  const leftFiles = async () => {
    const found = await files.left((key, one) => content.stale(key, one, Date.now()));
    (found || []).filter((one) => content.parts(one.key).person === texts.person).forEach((one) => carry(one.key, { name: one.name, files: one.chosen }));
  };
  const all = () => { left(); leftFiles(); };
  keys().forEach((key) => { if (content.stale(key, read(key), Date.now())) local.removeItem(key); });
  ['entered', 'online'].forEach((kind) => [document, window].forEach((one) => one.addEventListener(kind, all)));
  addEventListener('pagehide', () => waiting.forEach((_timer, key) => {
    const { data, kept } = latest.get(key) || {};
    if (data) fetch(door(), { method: 'POST', body: body(key, { content: JSON.stringify({ data, kept }) }), keepalive: true }).catch(() => {});
  }));
  if (texts.person) all();

  window.tcosDrafts = { put, drop, saved, rest, move, choose, chosen, find };
})();
