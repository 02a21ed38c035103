// 待我处理: the next item by itself, keys, and a decision that can be undone for eight seconds.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const HOLD = 8000;

  document.addEventListener('click', (event) => {
    const word = event.target.closest('[data-word]');
    if (!word) return;
    const box = $('textarea[name=comment]', word.closest('form'));
    const said = word.dataset.word;
    const part = said.startsWith('@') ? ' ' : '；'; // a name stands within the sentence
    box.value = box.value ? `${box.value.trimEnd()}${part}${said}` : said;
    box.dispatchEvent(new Event('input', { bubbles: true }));
    box.focus();
  });

  // On the page of one request: no rejection leaves without its reason, and nothing typed is lost.
  document.addEventListener('click', (event) => {
    const verb = event.target.closest('#decide button[name=verb]');
    if (verb) $('#comment').required = verb.value !== 'approve';
  });

  const queue = $('[data-queue]');
  if (!queue) return;
  const text = queue.dataset;
  const rows = () => $$('tr[data-id]', queue).filter((row) => !row.hidden);
  const current = () => $('tr[aria-selected="true"]', queue);
  const typed = new Map(); // request id → what was typed for a decision that did not take effect
  let held = null;
  let flying = 0;

  const toast = (message, undo) => {
    const box = document.createElement('div');
    box.className = 'toast';
    box.textContent = `${message} `;
    if (undo) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'btn sm';
      button.textContent = text.undo;
      button.addEventListener('click', undo);
      box.append(button);
    }
    $('.toasts').append(box);
    return box;
  };

  // A page that is worked off is followed by the tasks that moved up to its place.
  const renew = () => {
    if (flying || held || rows().length) return;
    const address = new URL(location.href);
    ['page', 'id'].forEach((name) => address.searchParams.delete(name));
    address.hash = '';
    location.replace(address);
  };
  // What is counted on the page has one less: all, its type, what is late.
  const less = (row) => {
    const counted = ['', row.dataset.kind, row.dataset.late];
    $$('[data-n]').filter((one) => counted.includes(one.dataset.n)).forEach((one) => {
      one.textContent = one.textContent.replace(/\d[\d,]*(?=\D*$)/, (n) => Math.max(n.replaceAll(',', '') - 1, 0).toLocaleString('en'));
    });
  };

  // The held decision goes out after eight seconds, with the next one, or when the page is left.
  const send = (leaving) => {
    if (!held) return;
    const { url, data, box, timer, row, title } = held;
    held = null;
    clearTimeout(timer);
    box.remove();
    if (leaving) { navigator.sendBeacon(url, data); return; }
    flying += 1;
    window.tcosSending.send(url, data, { 'X-Requested-With': 'XMLHttpRequest' })
      .then(async (answer) => {
        if (answer.ok) {
          document.dispatchEvent(new CustomEvent('draft:saved', { detail: data.get('draft') }));
          if (row) { less(row); row.remove(); }
          return;
        }
        const problem = await answer.json().catch(() => ({}));
        throw new Error(problem.error || answer.status);
      })
      .catch((problem) => {
        if (row) row.hidden = false;
        typed.set(data.get('id'), data);
        const failed = toast(`${title}：${text.failed}。${problem.message}`);
        failed.classList.add('error');
        setTimeout(() => failed.remove(), 12000);
      })
      .finally(() => { flying -= 1; renew(); });
  };
  // What was typed comes back with its request.
  const refill = (form) => {
    const data = typed.get(form?.dataset.id);
    if (!data) return;
    typed.delete(form.dataset.id);
    [...form.elements].forEach((one) => {
      if (one.matches('textarea, select, input[type=text]') && data.get(one.name)) {
        one.value = data.get(one.name);
        const folded = one.closest('details');
        if (folded) folded.open = true;
      }
    });
  };
  const undo = () => {
    if (!held) return;
    clearTimeout(held.timer);
    held.box.remove();
    const { row, data } = held;
    held = null;
    if (!row) { location.reload(); return; }
    typed.set(data.get('id'), data);
    row.hidden = false;
    show(row);
  };
  window.addEventListener('pagehide', () => send(true));
  window.addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });

  const showNone = (panel) => {
    queue.classList.remove('picked');
    if (!panel) return;
    panel.inert = false;
    panel.replaceChildren(Object.assign(document.createElement('div'), { className: 'empty', textContent: text.empty }));
  };
  const arrive = (fresh) => {
    if (innerWidth < 1181) fresh.scrollIntoView(); // its head first: the thumb is on the acts
    fresh.dispatchEvent(new Event('draft:arrived', { bubbles: true }));
    refill($('[data-decide]', fresh));
  };
  // Until the new panel is in, the old one takes no decision: it is not of the row that is marked.
  const show = async (row) => {
    const old = $('#panel');
    if (row && row === current() && old && !old.inert) return;
    $$('tr[aria-selected]', queue).forEach((other) => other.removeAttribute('aria-selected'));
    if (!row) { showNone(old); return; }
    row.setAttribute('aria-selected', 'true');
    row.scrollIntoView({ block: 'nearest' });
    const link = $('a[href]', row);
    if (old) old.inert = true;
    const answer = await fetch(link.href).catch(() => ({}));
    if (current() !== row) return;
    // The log-in has ended: what is held is refused now and told, not lost with the page.
    if (answer.redirected && held) { send(false); return; }
    const page = answer.ok && new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = page && $('#panel', page);
    if (!fresh) { location.href = link.href; return; }
    const panel = $('#panel');
    if (!panel?.inert || current() !== row) return;
    panel.replaceWith(document.adoptNode(fresh));
    arrive(fresh);
  };

  queue.addEventListener('click', (event) => {
    const link = event.target.closest('tr[data-id] a[href*="id="]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || innerWidth < 1181) return;
    event.preventDefault();
    show(link.closest('tr'));
  });

  queue.addEventListener('submit', (event) => {
    const form = event.target.closest('[data-decide]');
    if (!form || !event.submitter) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    const verb = event.submitter.value;
    const box = $('textarea', form);
    const notes = [...form.elements].filter((one) => one.name.startsWith('note-') && one.value.trim());
    const stop = (at) => {
      event.preventDefault();
      at.setAttribute('aria-invalid', 'true');
      at.focus();
    };
    if (verb === 'reject' && !box.value.trim() && !notes.length) { stop(box); return; }
    if (verb === 'approve' && notes.length) {
      stop(notes[0]);
      const problem = toast(text.notes);
      problem.classList.add('error');
      setTimeout(() => problem.remove(), 8000);
      return;
    }
    form.dataset.sent = '1';
    // Files are too large for what a left page may send: such a decision takes effect at once.
    if ($$('input[type=file]', form).some((one) => one.files.length)) return;
    // What is filled in is judged at once, beside its field.
    if (verb === 'approve' && $('[data-fills]', form)) return;
    event.preventDefault();
    send(false);
    const data = new FormData(form, event.submitter);
    const row = $(`tr[data-id="${form.dataset.id}"]`, queue);
    const list = rows();
    const next = row ? list[list.indexOf(row) + 1] || list[list.indexOf(row) - 1] : null;
    const title = $('#panel h2').textContent;
    const label = verb === 'approve' ? text.approved : text.rejected;
    if (row) {
      row.hidden = true;
      $$('input[type=checkbox]', row).forEach((tick) => { tick.checked = false; });
    }
    held = { url: form.action, data, row, title, box: toast(`${label}：${title}`, undo), timer: setTimeout(() => send(false), HOLD) };
    show(next);
  });

  // Keys work only here, never while typing, and can be switched off.
  const line = $('[data-keys]');
  const button = $('[data-keys-switch]');
  let on = localStorage.getItem('tcos.keys') !== 'off';
  const label = () => {
    button.textContent = on ? button.dataset.on : button.dataset.off;
    button.setAttribute('aria-pressed', String(on));
  };
  line.hidden = false;
  label();
  button.addEventListener('click', () => {
    on = !on;
    localStorage.setItem('tcos.keys', on ? 'on' : 'off');
    label();
  });
  const move = (by) => {
    const list = rows();
    const row = list[Math.min(Math.max(list.indexOf(current()) + by, 0), list.length - 1)];
    if (row) show(row);
  };
  const press = (value) => $(`#panel:not([inert]) [data-decide] button[value=${value}]`)?.click();
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    x: () => { const tick = $('input[name=rowid]', current() || queue); if (tick) tick.click(); },
    a: () => press('approve'),
    r: () => press('reject'),
    t: () => $('#panel:not([inert]) [data-transfer]')?.click(),
    u: undo,
    '?': () => { const help = toast(text.help); setTimeout(() => help.remove(), 10000); },
  };
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest('input:not([type=checkbox]), textarea, select, [contenteditable], dialog');
    if (on && typing && event.key === 'Escape') event.target.blur(); // back to the keys
    if (!on || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key.toLowerCase()];
    if (act) { event.preventDefault(); act(); }
  });
  // All that match are more than what is ticked; who unticks a line does not mean all any more.
  queue.addEventListener('change', (event) => {
    const all = $('[data-scope]', queue);
    if (!all) return;
    if (event.target.matches('[name=rowid], [data-all]') && !event.target.checked) all.checked = false;
    if (event.target === all) {
      $$('input[name=rowid]', queue).forEach((tick) => { tick.checked = all.checked; });
      $$('[data-needs-tick]', queue).forEach((one) => { one.disabled = !all.checked; });
    }
    $('[data-ticked]', queue).textContent = all.checked ? all.dataset.total : $$('input[name=rowid]:checked', queue).length;
  });
  // How many will be approved: suspected duplicates among the ticked ones are left out.
  queue.addEventListener('change', () => {
    const [sound, told] = [$('[data-sound]', queue), $('[data-doubtful]', queue)];
    if (!sound) return;
    sound.dataset.label ??= sound.textContent;
    const ticked = $$('input[name=rowid]:checked', queue);
    const doubtful = ticked.filter((tick) => tick.closest('tr').matches('[data-flagged]')).length;
    const n = ticked.length - doubtful;
    const plain = $('[data-scope]', queue)?.checked || !n;
    sound.textContent = plain ? sound.dataset.label : `${sound.dataset.label} ${n}`;
    if (told && doubtful) told.textContent = told.dataset.doubtful.replace('{n}', doubtful);
  });
  $('.pager [rel=next]', queue)?.addEventListener('click', (event) => {
    if (rows().length) return;
    event.preventDefault();
    send(false);
    renew();
  });
})();
