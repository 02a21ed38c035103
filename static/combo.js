// A text box with a list under it: typed into, walked with keys, read aloud. Every list that is longer than
// a glance stands on it: selects (picker.js), references (lookup.js), regions and the grid's filter.
'use strict';
(() => {
  const SHOWN = 200; // options that are drawn at once
  const [GAP, LEAST, HIGHEST, PAGE] = [4, 96, 320, 8];
  const texts = document.body.dataset;
  const say = (text, n) => (text || '').replace('{n}', n);
  const make = (tag, marks, ...children) => {
    const element = document.createElement(tag);
    Object.entries(marks).forEach(([key, value]) => element.setAttribute(key, value));
    element.append(...children);
    return element;
  };
  let serial = 0;

  // Above or below the box, wherever the list has room beside the bars that stay on the page.
  const place = (box, list) => {
    const at = box.getBoundingClientRect();
    const view = window.visualViewport;
    const bar = box.closest('form')?.querySelector('.foot');
    const top = box.closest('dialog') ? 0 : document.querySelector('.top')?.offsetHeight || 0;
    const above = at.top - view.offsetTop - top - GAP;
    const below = view.offsetTop + view.height - (bar?.offsetHeight || 0) - at.bottom - GAP;
    const up = below < Math.min(HIGHEST, list.scrollHeight) && above > below;
    const width = Math.min(Math.max(at.width, 260), innerWidth - 2 * GAP);
    Object.assign(list.style, {
      left: `${Math.max(GAP, Math.min(at.left, innerWidth - width - GAP))}px`,
      width: `${width}px`,
      maxHeight: `${Math.max(LEAST, Math.min(HIGHEST, up ? above : below))}px`,
      top: up ? 'auto' : `${at.bottom + 2}px`,
      bottom: up ? `${innerHeight - at.top + 2}px` : 'auto',
    });
  };

  const fitted = (box, list) => {
    const name = box.getAttribute('aria-label') || box.labels?.[0]?.textContent.trim() || '';
    if (name) list.setAttribute('aria-label', name);
    Object.entries({
      role: 'combobox', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false',
      'aria-autocomplete': 'list', 'aria-haspopup': 'listbox', 'aria-expanded': 'false', 'aria-controls': list.id,
    }).forEach(([key, value]) => box.setAttribute(key, value));
  };

  // find(text) → hits {text, detail?, group?, now?}, null for no list; take(hit, event) → true where the list stays open;
  // dirty() → something is typed that was not taken; leave(hits) is called when the box is left.
  const combo = (box, { find, take, dirty, leave, key, best, wait = 0, none }) => {
    const list = make('div', { class: 'hits', id: `hits-${(serial += 1)}`, role: 'listbox', popover: 'manual' });
    const voice = make('span', { class: 'sr', role: 'status' });
    list.hidden = true;
    let [hits, at, asked, timer, found, composing] = [[], -1, 0, 0, null, false];
    box.after(list, voice);
    fitted(box, list);

    const follow = () => place(box, list);
    const open = (on) => {
      if (list.hidden !== on) { if (on) follow(); return; }
      list.hidden = !on;
      box.setAttribute('aria-expanded', on);
      if (on) list.showPopover?.(); else list.hidePopover?.();
      ['scroll', 'resize'].forEach((kind) => window[on ? 'addEventListener' : 'removeEventListener'](kind, follow, true));
      if (on) follow(); else { box.removeAttribute('aria-activedescendant'); at = -1; voice.textContent = ''; }
    };
    const options = () => [...list.querySelectorAll('[role=option]')];
    const mark = (n) => {
      at = n;
      options().forEach((one, m) => one.setAttribute('aria-selected', m === n));
      const one = options()[n];
      if (!one) { box.removeAttribute('aria-activedescendant'); return; }
      box.setAttribute('aria-activedescendant', one.id);
      one.scrollIntoView({ block: 'nearest' });
    };
    const choose = (n, event) => { if (hits[n] && !take(hits[n], event)) { found = null; open(false); } };
    const option = (hit, n) => {
      const one = make('button', { type: 'button', tabindex: '-1', role: 'option', id: `${list.id}-${n}`, 'aria-selected': 'false' }, hit.text);
      if (hit.now) one.className = 'now';
      if (hit.detail) one.append(make('small', {}, hit.detail));
      one.addEventListener('click', (event) => choose(n, event));
      return one;
    };
    const draw = () => {
      let group = list;
      list.replaceChildren();
      hits.slice(0, SHOWN).forEach((hit, n) => {
        if ((hit.group || '') !== (group.dataset.group || '')) {
          group = list;
          if (hit.group) {
            group = make('div', { role: 'group', 'aria-label': hit.group, 'data-group': hit.group }, make('div', { class: 'kind', 'aria-hidden': 'true' }, hit.group));
            list.append(group);
          }
        }
        group.append(option(hit, n));
      });
      const told = hits.length ? say(texts.hits, hits.length) : none || texts.noHits;
      if (hits.length > SHOWN) list.append(make('p', { class: 'muted' }, say(texts.moreHits, hits.length - SHOWN)));
      if (!hits.length) list.append(make('p', { class: 'muted' }, told));
      list.classList.toggle('none', !hits.length); // what it lies over can still be clicked
      voice.textContent = told;
    };
    const typed = () => Boolean(box.value.trim()) && dirty();
    const ask = async () => {
      clearTimeout(timer);
      const [turn, text] = [(asked += 1), box.value];
      const some = await find(typed() ? text : '');
      if (turn !== asked || composing || text !== box.value || document.activeElement !== box) return;
      if (!some) { open(false); return; }
      [hits, found] = [some, text];
      draw();
      open(true);
      mark(typed() ? (hits.length ? Math.max(0, best?.(hits, text) ?? 0) : -1) : hits.findIndex((hit) => hit.now));
    };
    // Enter takes what was typed and nothing else: a list that is still on its way is waited for.
    const enter = async (event) => {
      if (!typed() && (list.hidden || at < 0)) return; // the key goes on to the next field
      event.preventDefault();
      if (typed() && found !== box.value) await ask();
      if (found === box.value) choose(at, event);
    };
    const move = (n) => {
      if (list.hidden) { ask().then(() => { if (at < 0) mark(0); }); return; }
      if (hits.length) mark((n + options().length) % options().length);
    };
    const last = () => options().length - 1;
    const KEYS = {
      ArrowDown: () => move(at + 1),
      ArrowUp: (event) => { if (event.altKey) open(false); else move(at < 0 ? last() : at - 1); },
      PageDown: () => move(Math.min(last(), at + PAGE)),
      PageUp: () => move(Math.max(0, at - PAGE)),
      Home: () => move(0),
      End: () => move(last()),
    };
    const WALKS = new Set(['PageDown', 'PageUp', 'Home', 'End']); // without a list these are the box's own

    box.addEventListener('compositionstart', () => { composing = true; clearTimeout(timer); });
    box.addEventListener('compositionend', () => { composing = false; timer = setTimeout(ask, wait); });
    box.addEventListener('input', (event) => {
      clearTimeout(timer);
      if (event.isTrusted !== false && !composing && !event.isComposing) timer = setTimeout(ask, wait);
    });
    box.addEventListener('focus', () => { if (box.value && !dirty()) box.select(); });
    box.addEventListener('click', () => { if (list.hidden) ask(); });
    box.addEventListener('blur', () => {
      clearTimeout(timer);
      const known = found === box.value && dirty() ? hits : null;
      asked += 1;
      open(false);
      leave?.(known);
    });
    list.addEventListener('mousedown', (event) => event.preventDefault());
    box.addEventListener('keydown', (event) => {
      if (composing || event.isComposing || event.keyCode === 229) return; // an input method's own keys
      if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) { enter(event); return; }
      if (event.key === 'Escape' && !list.hidden) {
        open(false);
        event.preventDefault();
        event.stopPropagation();
      } else if (key?.(event, { ask, mark })) event.preventDefault();
      else if (KEYS[event.key] && !(WALKS.has(event.key) && (list.hidden || at < 0))) {
        event.preventDefault();
        KEYS[event.key](event);
      }
    });
    return { ask, close: () => open(false) };
  };
  window.tcosCombo = combo;
})();
