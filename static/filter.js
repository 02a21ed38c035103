// The filter builder: AND/OR groups of conditions, written into a readable address (services/query/filters.py).
'use strict';
(() => {
  const form = document.querySelector('[data-builder]');
  if (!form) return;
  const data = (name) => JSON.parse(form.dataset[name]);
  const [offer, tree, drop, texts] = ['offer', 'tree', 'drop', 'texts'].map(data);
  const { condition, said, query } = window.tcosFilterAddress;
  const FIELDS = new Map(offer.fields.map((one) => [one.key, one]));
  const known = new Map(); // field → its options, asked once

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
      const lines = some.map((one) => {
        const line = new Option(one.label, one.key);
        line.dataset.pinyin = one.spelling;
        return line;
      });
      box.append(...(group ? [make('optgroup', { label: group }, ...lines)] : lines));
    });
    box.value = key;
    return box;
  };

  // Values: each control answers read() with the text after `op:`, '' when nothing was said.
  const choices = (field, text, labels) => {
    const own = window.tcosPicker.picks({
      name: texts.value,
      given: text.split(',').filter(Boolean).map((key) => [key, labels[key] || key]),
      find: async (word) => {
        // Of large entities the server finds what was typed; all others are asked for once and narrowed here.
        const asked = FIELDS.get(field)?.search ? `&query=${encodeURIComponent(word)}` : '';
        const url = `${form.dataset.values}?field=${encodeURIComponent(field)}${asked}`;
        if (!known.has(url)) {
          const answer = await fetch(url, { headers: { 'X-Requested-With': 'XMLHttpRequest' } }).catch(() => ({}));
          if (!answer.ok) return null;
          known.set(url, await answer.json());
        }
        return asked ? known.get(url) : window.tcosMatch.narrowed(word, known.get(url));
      },
    });
    return { node: own.node, read: () => own.keys().join(',') };
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

  const nodes = new WeakMap(); // element → () => its part of the tree, null where it says nothing
  const remover = (element) => {
    const button = make('button', { type: 'button', className: 'btn sm', title: texts.remove, 'aria-label': texts.remove }, '✕');
    button.addEventListener('click', () => element.remove());
    return button;
  };
  const leaf = (part) => {
    const row = make('div', { className: 'rule' });
    let value = null;
    const field = fieldSelect(part.key);
    const shown = window.tcosPicker.shown(field);
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
      // The field stays where it is: taken out and put back it would lose the keyboard.
      if (!row.firstChild) row.append(shown);
      while (row.children.length > 1) row.lastChild.remove();
      row.append(window.tcosPicker.shown(op), value.node, remover(row));
    };
    field.addEventListener('change', () => draw('', {}, ''));
    draw(part.text, part.labels || {}, part.op);
    nodes.set(row, () => condition(field.value, op.value, value.read()));
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
    nodes.set(element, () => [word.value, [...inner.children].map((child) => nodes.get(child)()).filter(said)]);
    return element;
  };

  const root = group(tree.parts.length ? tree : { word: 'all', parts: [BLANK] }, true);
  form.querySelector('[data-plain]').replaceWith(root);
  const address = () => query(location.search, nodes.get(root)(), drop);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    location.assign(`${location.pathname}?${address()}`);
  });

  // How many match while it is built: asked when nothing was changed for a moment, the last question alone is answered.
  const live = form.querySelector('[data-live]');
  let [last, wait] = ['', 0];
  const count = async () => {
    const now = address();
    if (now === last) return;
    last = now;
    const answer = await fetch(`${form.dataset.counted}?${now}`, { headers: { 'X-Requested-With': 'XMLHttpRequest' } }).catch(() => ({}));
    const told = answer.ok ? await answer.json() : null;
    if (now === last) live.textContent = told ? told.complaints[0] || texts.count.replace('{n}', told.count.toLocaleString('en')) : '';
  };
  const changed = () => {
    clearTimeout(wait);
    wait = setTimeout(count, 400);
  };
  ['input', 'change', 'click'].forEach((name) => form.addEventListener(name, changed));
})();
