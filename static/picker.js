// Selects of more than ten choices become a box that is searched by name, pinyin and initials, by groups, with an
// input method and without a mouse. The select stays what the form sends, and is all there is without scripts.
'use strict';
(() => {
  const MOST = 10; // choices that are seen at a glance
  const texts = document.body.dataset;
  const { narrowed, only } = window.tcosMatch;
  const known = new WeakMap(); // select → its picker
  const ATTRIBUTES = ['aria-label', 'aria-invalid', 'aria-describedby', 'title', 'class', 'required'];

  const choice = (one) => [one.value, one.text.trim(), one.dataset.pinyin || '', one.closest('optgroup')?.label || ''];
  const choices = (select) => [...select.options].filter((one) => one.value && !one.disabled && !one.hidden).map(choice);
  const hit = ([value, text, , group], typed, now) => ({ value, text, group: typed ? '' : group, detail: typed ? group : '', now });
  const box = (placeholder, name) => {
    const element = document.createElement('input');
    Object.assign(element, { type: 'text', maxLength: 200, placeholder });
    if (name) element.setAttribute('aria-label', name);
    return element;
  };
  const told = (select) => ['input', 'change'].forEach((kind) => select.dispatchEvent(new Event(kind, { bubbles: true })));

  // Several at once: what was taken stands as chips before the box.
  const picks = ({ given, find, name, changed }) => {
    const picked = new Map(given);
    const node = Object.assign(document.createElement('span'), { className: 'picks holder' });
    const shown = Object.assign(document.createElement('span'), { className: 'picked' });
    const typing = box(texts.find, name);
    const draw = () => {
      shown.replaceChildren(...[...picked].map(([key, label]) => {
        const chip = Object.assign(document.createElement('button'), { type: 'button', className: 'chip on', title: texts.remove });
        const cross = Object.assign(document.createElement('span'), { textContent: ' ✕' });
        cross.setAttribute('aria-hidden', 'true');
        chip.append(label, cross);
        chip.addEventListener('click', () => { drop(key); typing.focus(); });
        return chip;
      }));
      changed?.([...picked.keys()]);
    };
    const drop = (key) => { picked.delete(key); draw(); };
    node.append(shown, typing);
    const list = window.tcosCombo(typing, {
      find: async (text) => (await find(text))?.filter(([key]) => !picked.has(key)).map((one) => hit(one, text)),
      wait: 120,
      dirty: () => Boolean(typing.value),
      take: ({ value, text }, event) => {
        picked.set(value, text);
        typing.value = '';
        typing.setCustomValidity('');
        draw();
        if (event.detail) list.ask(); // a finger may take several
        return Boolean(event.detail);
      },
      key: (event) => event.key === 'Backspace' && !typing.value && picked.size > 0 && (drop([...picked.keys()].pop()), true),
    });
    typing.addEventListener('input', () => typing.setCustomValidity(''));
    draw();
    return { node, box: typing, loose: () => typing.value.trim() !== '', keys: () => [...picked.keys()], set: (pairs) => { picked.clear(); pairs.forEach(([key, label]) => picked.set(key, label)); draw(); } };
  };

  const single = (select) => {
    const blank = [...select.options].find((one) => !one.value);
    const node = Object.assign(document.createElement('span'), { className: 'holder picker' });
    const typing = box(blank?.text.trim() || texts.find);
    const wrong = select.hasAttribute('aria-invalid'); // the server said so
    let stored = '';
    const show = () => {
      const one = select.selectedOptions[0];
      stored = one?.value ? one.text.trim() : '';
      Object.assign(typing, { value: stored, disabled: select.disabled });
      typing.setCustomValidity('');
      if (!wrong) typing.removeAttribute('aria-invalid');
    };
    const put = (value) => {
      if (select.value !== value) { select.value = value; told(select); }
      show();
    };
    const dirty = () => typing.value.trim() !== stored;
    // What was typed and not taken is the only choice it can mean, or stays to be seen: nothing is sent beside it.
    const leave = () => {
      const text = typing.value.trim();
      if (!dirty()) return;
      if (!text) { if (blank) put(blank.value); else show(); return; }
      const one = only(text, choices(select));
      if (one) put(one[0]); else typing.setAttribute('aria-invalid', 'true');
    };
    ATTRIBUTES.forEach((name) => { if (select.hasAttribute(name)) typing.setAttribute(name, select.getAttribute(name)); });
    select.before(node);
    node.append(select, typing);
    return { node, box: typing, show, leave, put, dirty, loose: () => Boolean(typing.value.trim()) && dirty() };
  };
  const searched = (select, own) => window.tcosCombo(own.box, {
    find: (text) => [
      ...(text || !select.value ? [] : [...select.options].filter((one) => !one.value).map((one) => ({ value: '', text: one.text.trim() }))),
      ...narrowed(text, choices(select)).map((one) => hit(one, text, one[0] === select.value)),
    ],
    take: ({ value }) => own.put(value),
    ...own,
  });
  const many = (select) => {
    const chosen = () => [...select.selectedOptions].map(choice);
    const own = picks({
      given: chosen(),
      name: select.getAttribute('aria-label') || select.labels[0]?.textContent.trim(),
      find: (text) => narrowed(text, choices(select)),
      changed: (keys) => {
        if (chosen().map(([key]) => key).join() === keys.join()) return;
        [...select.options].forEach((one) => { one.selected = keys.includes(one.value); });
        told(select);
      },
    });
    select.before(own.node);
    own.node.prepend(select);
    return { ...own, show: () => { if (chosen().map(([key]) => key).sort().join() !== own.keys().sort().join()) own.set(chosen()); }, leave: () => {} };
  };

  const picker = (select) => {
    if (known.has(select)) return known.get(select);
    if ([...select.options].filter((one) => one.value).length <= MOST || (select.size > 1 && !select.multiple)) return null;
    const labels = [...select.labels];
    const here = document.activeElement === select;
    const own = select.multiple ? many(select) : single(select);
    known.set(select, own);
    own.box.id = `${select.id || `pick-${Math.random().toString(36).slice(2)}`}-box`;
    labels.forEach((label) => {
      if (label.htmlFor) label.htmlFor = own.box.id;
      else own.box.setAttribute('aria-label', label.textContent.trim());
    });
    if (!select.multiple) searched(select, own);
    select.className = 'sr';
    select.required = false;
    select.tabIndex = -1;
    select.setAttribute('aria-hidden', 'true');
    select.addEventListener('focus', () => own.box.focus());
    ['change', 'restored'].forEach((kind) => select.addEventListener(kind, own.show));
    own.show();
    if (here) own.box.focus();
    return own;
  };
  // The part of a page that stands for a select: its picker, or itself where it is short.
  const shown = (select) => picker(select)?.node || select;
  const of = (root) => root.querySelectorAll('select');

  // A value that another script has set, or an option it has closed.
  document.addEventListener('change', (event) => setTimeout(() => {
    if (event.target.form) of(event.target.form).forEach((select) => { const own = known.get(select); if (own && !own.loose()) own.show(); });
  }));
  document.addEventListener('submit', (event) => {
    const own = [...of(event.target)].map((select) => known.get(select)).filter(Boolean);
    own.forEach((one) => one.leave());
    const boxes = [...own.filter((one) => one.loose()).map((one) => one.box), ...[...event.target.querySelectorAll('.holder.picks > input')].filter((one) => one.value.trim())];
    if (!boxes.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    boxes[0].setCustomValidity(texts.loose);
    boxes[0].addEventListener('input', () => boxes[0].setCustomValidity(''), { once: true });
    boxes[0].reportValidity();
  }, true);
  // The options of [value, label, spelling, group] that a script was told.
  const options = (given) => {
    const groups = new Map();
    return given.flatMap(([value, label, spelling, name]) => {
      const one = new Option(label, value);
      one.dataset.pinyin = spelling || '';
      if (!name) return [one];
      const begun = groups.get(name);
      const group = begun || Object.assign(document.createElement('optgroup'), { label: name });
      groups.set(name, group);
      group.append(one);
      return begun ? [] : [group];
    });
  };
  window.tcosPicker = { picker, picks, shown, options };
  window.tcosEach('select', picker);
})();
