// The filter builder: AND/OR groups of conditions, written into a readable address (services/filters.py).
'use strict';
(() => {
  const form = document.querySelector('[data-builder]');
  if (!form) return;
  const data = (name) => JSON.parse(form.dataset[name]);
  const [offer, tree, drop, texts] = ['offer', 'tree', 'drop', 'texts'].map(data);
  const FIELDS = new Map(offer.fields.map((one) => [one.key, one]));
  const known = new Map(); // field → its options, asked once
  let serial = 0;

  const make = (tag, options = {}, ...children) => {
    const element = document.createElement(tag);
    const { data: marks, ...rest } = options;
    Object.entries(rest).forEach(([key, value]) => (key in element ? (element[key] = value) : element.setAttribute(key, value)));
    Object.assign(element.dataset, marks || {});
    element.append(...children);
    return element;
  };
  const select = (label, pairs, value) => {
    const box = make('select', { 'aria-label': label }, ...pairs.map(([key, text]) => new Option(text, key)));
    box.value = value;
    return box;
  };
  const input = (value, type = 'text') => make('input', { type, value, maxLength: 200, 'aria-label': texts.value });

  const fieldSelect = (key) => {
    const box = make('select', { 'aria-label': texts.field }, new Option(texts.pick, ''));
    const groups = Map.groupBy ? Map.groupBy(offer.fields, (one) => one.group) : offer.fields.reduce((found, one) => found.set(one.group, [...(found.get(one.group) || []), one]), new Map());
    groups.forEach((some, group) => {
      const lines = some.map((one) => new Option(one.label, one.key));
      box.append(...(group ? [make('optgroup', { label: group }, ...lines)] : lines));
    });
    box.value = key;
    return box;
  };

  // Values: each control answers read() with the text after `op:`, '' when nothing was said.
  const choices = (field, text, labels) => {
    const picked = new Map(text.split(',').filter(Boolean).map((key) => [key, labels[key] || key]));
    const shown = make('span', { className: 'picked' });
    const box = input('');
    box.placeholder = texts.find;
    box.setAttribute('role', 'combobox');
    box.setAttribute('aria-expanded', 'false');
    const list = make('div', { className: 'hits', hidden: true, id: `hits-${(serial += 1)}`, role: 'listbox' });
    list.setAttribute('aria-label', texts.value);
    box.setAttribute('aria-controls', list.id);
    box.setAttribute('aria-autocomplete', 'list');
    const draw = () => shown.replaceChildren(...[...picked].map(([key, label]) => {
      const chip = make('button', { type: 'button', className: 'chip on' }, label, make('span', { 'aria-hidden': 'true' }, ' ✕'));
      chip.title = texts.remove;
      chip.addEventListener('click', () => { picked.delete(key); draw(); box.focus(); });
      return chip;
    }));
    const open = (on) => { list.hidden = !on; box.setAttribute('aria-expanded', on); };
    const find = async () => {
      const word = box.value.trim();
      // Of large entities the server finds what was typed; all others are asked for once and narrowed here.
      const asked = FIELDS.get(field)?.search ? `&query=${encodeURIComponent(word)}` : '';
      const url = `${form.dataset.values}?field=${encodeURIComponent(field)}${asked}`;
      if (!known.has(url)) {
        const answer = await fetch(url, { headers: { 'X-Requested-With': 'XMLHttpRequest' } }).catch(() => ({}));
        if (!answer.ok) { found = null; open(false); return; }
        known.set(url, await answer.json());
      }
      if (document.activeElement !== box || word !== box.value.trim()) return;
      found = word;
      const all = known.get(url).filter(([key]) => !picked.has(key));
      const hits = (asked ? all : window.tcosMatch.narrowed(word, all)).slice(0, 100);
      list.replaceChildren(...(hits.length ? hits.map(([key, label]) => {
        const hit = make('button', { type: 'button', tabIndex: -1, role: 'option', id: `${list.id}-${key}` }, label);
        hit.setAttribute('aria-selected', 'false');
        hit.addEventListener('click', (event) => {
          picked.set(key, label);
          box.value = '';
          box.setCustomValidity('');
          draw();
          if (event.detail) { find(); return; } // a finger may take several
          found = null;
          open(false); // by Enter: on a phone the list lies over what applies the filter
        });
        return hit;
      }) : [make('p', { className: 'muted' }, texts.none)]));
      box.removeAttribute('aria-activedescendant');
      if (word && hits.length) mark(0);
      open(true);
    };
    let timer;
    let found = null; // what the list was made for
    const mark = (at) => {
      const hits = [...list.querySelectorAll('button')];
      hits.forEach((hit, n) => hit.setAttribute('aria-selected', n === at));
      if (!hits[at]) return;
      box.setAttribute('aria-activedescendant', hits[at].id);
      hits[at].scrollIntoView({ block: 'nearest' });
    };
    // Only what matches what stands there now: a list that is still on its way is waited for.
    const take = async () => {
      clearTimeout(timer);
      if (found !== box.value.trim()) await find();
      if (found === box.value.trim()) list.querySelector('[aria-selected=true]')?.click();
    };
    box.addEventListener('focus', find);
    box.addEventListener('input', () => { clearTimeout(timer); box.setCustomValidity(''); timer = setTimeout(find, 160); });
    box.addEventListener('blur', () => open(false));
    list.addEventListener('mousedown', (event) => event.preventDefault());
    box.addEventListener('keydown', (event) => {
      const hits = [...list.querySelectorAll('button')];
      const at = hits.findIndex((hit) => hit.getAttribute('aria-selected') === 'true');
      if (event.key === 'Escape' && !list.hidden) { open(false); event.stopPropagation(); }
      if (event.key === 'Backspace' && !box.value && picked.size) { picked.delete([...picked.keys()].pop()); draw(); }
      const chosen = box.value.trim() || (at >= 0 && !list.hidden);
      if (event.key === 'Enter' && chosen) { event.preventDefault(); if (!event.isComposing) take(); }
      if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
      event.preventDefault();
      if (list.hidden) { find().then(() => mark(0)); return; }
      mark((at + (event.key === 'ArrowDown' ? 1 : -1) + hits.length) % hits.length);
    });
    draw();
    return { node: make('span', { className: 'picks holder' }, shown, box, list), read: () => [...picked.keys()].join(',') };
  };
  const pair = (text, type) => {
    const [low, high] = text.includes('..') ? text.split('..') : ['', ''];
    const ends = [input(low, type), input(high, type)];
    const read = () => (ends[0].value && ends[1].value ? `${ends[0].value}..${ends[1].value}` : '');
    return { node: make('span', { className: 'pair' }, ...ends), read };
  };
  const single = (control, unit) => ({ node: unit ? make('span', { className: 'pair' }, control, unit) : control, read: () => control.value.trim() });
  const DAY = /^(\d{4}-\d\d-\d\d)?$/;
  const valueOf = (one, op, text, labels) => {
    if (op === 'empty' || op === 'filled') return { node: make('span'), read: () => '-' };
    if (op === 'within') return single(select(texts.value, offer.periods, text || 'this_month'));
    if (one.widget === 'bool') return single(select(texts.value, [['1', texts.yes], ['0', texts.no]], text || '1'));
    if (one.widget === 'choice') return choices(one.key, text, labels);
    const type = one.widget === 'date' && text.split('..').every((part) => DAY.test(part)) ? 'date' : 'text';
    return op === 'between' ? pair(text, type) : single(input(text.includes('..') ? '' : text, type), one.unit);
  };

  const nodes = new WeakMap(); // element → () => its text inside of a group, or '' when it says nothing
  const remover = (element) => {
    const button = make('button', { type: 'button', className: 'btn sm', title: texts.remove, 'aria-label': texts.remove }, '✕');
    button.addEventListener('click', () => element.remove());
    return button;
  };
  const leaf = (part) => {
    const row = make('div', { className: 'rule' });
    let value = null;
    const field = fieldSelect(part.key);
    let op = null;
    const draw = (text, labels, wanted) => {
      const one = FIELDS.get(field.value);
      const ops = one ? [...new Set([...offer.ops[one.widget], ...(wanted ? [wanted] : [])])] : [];
      op = select(texts.op, ops.map((key) => [key, offer.words[key]]), ops.includes(wanted) ? wanted : ops[0]);
      op.disabled = !one;
      op.addEventListener('change', () => {
        value = valueOf(one, op.value, '', labels);
        row.children[2].replaceWith(value.node);
      });
      value = one ? valueOf(one, op.value, text, labels) : { node: make('span'), read: () => '' };
      row.replaceChildren(field, op, value.node, remover(row));
    };
    field.addEventListener('change', () => draw('', {}, ''));
    draw(part.text, part.labels || {}, part.op);
    nodes.set(row, () => {
      const text = value.read();
      if (!field.value || !text) return null;
      return [field.value, op.value === 'empty' || op.value === 'filled' ? op.value : `${op.value}:${text}`];
    });
    return row;
  };
  const BLANK = { key: '', op: '', text: '' };
  const group = (part, top) => {
    const word = select(texts.all, [['all', texts.all], ['any', texts.any]], part.word);
    const inner = make('div', { className: 'parts' }, ...part.parts.map((one) => (one.word ? group(one) : leaf(one))));
    const add = make('button', { type: 'button', className: 'btn sm' }, `＋ ${texts.add}`);
    const more = make('button', { type: 'button', className: 'btn sm' }, `＋ ${texts.group}`);
    const element = make('fieldset', { className: top ? 'rules' : 'rules inner' }, make('div', { className: 'word' }, word), inner, make('div', { className: 'row' }, add, more));
    if (!top) element.firstChild.append(remover(element));
    const put = (child) => { inner.append(child); child.querySelector('select').focus(); };
    add.addEventListener('click', () => put(leaf(BLANK)));
    more.addEventListener('click', () => put(group({ word: word.value === 'all' ? 'any' : 'all', parts: [BLANK] })));
    nodes.set(element, () => [word.value, [...inner.children].map((child) => nodes.get(child)()).filter((one) => one && (typeof one[1] === 'string' || one[1].length))]);
    return element;
  };

  const escaped = (text) => text.replace(/[\\;()]/g, '\\$&');
  const written = ([word, value]) => (typeof value === 'string' ? `${word}=${escaped(value)}` : `${word}(${value.map(written).join(';')})`);
  const root = group(tree.parts.length ? tree : { word: 'all', parts: [BLANK] }, true);
  form.querySelector('[data-plain]').replaceWith(root);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    // Typed and not taken: without it the filter would ask for more than was meant.
    const loose = [...root.querySelectorAll('.picks input')].find((box) => box.value.trim());
    if (loose) {
      loose.setCustomValidity(texts.loose);
      loose.reportValidity();
      return;
    }
    const url = new URL(location.href);
    const kept = [...url.searchParams].filter(([name]) => !drop.includes(name) && !/^(f\..*|g|page|filter)$/.test(name));
    const [word, parts] = nodes.get(root)();
    const asked = word === 'any' && parts.length > 1 ? [['g', written([word, parts])]]
      : parts.map((one) => (typeof one[1] === 'string' ? [`f.${one[0]}`, one[1]] : ['g', written(one)]));
    const query = new URLSearchParams([...kept, ...asked]).toString();
    // What needs no escape in a query is left as people read it.
    location.assign(`${url.pathname}?${query.replace(/%(?:2C|3A|3B|3D|28|29)/g, decodeURIComponent)}`);
  });
})();
