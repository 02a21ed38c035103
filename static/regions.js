// 省/市/区: one box that is walked down level by level, or searched by name and pinyin; keys work.
'use strict';
(() => {
  const SHOWN = 40;
  const flatten = (nodes, above = '', path = []) => nodes.flatMap(([code, name, spelt, below]) => {
    // 市辖区 and 直辖县级 hold what belongs to the level above: they are no part of a name.
    const text = ['市辖区', '直辖县级'].includes(name) ? above : above + name;
    const syllables = [...path, ...spelt.split(' ')];
    const own = { code, name, text, below, leaf: !below.length, full: syllables.join(''), initials: syllables.map((s) => s[0]).join('') };
    return [own, ...flatten(below, text, syllables)];
  });
  // Every letter in order, at any distance: whhs and wuhanhongshan find 湖北省武汉市洪山区.
  const within = (query, text) => {
    let at = -1;
    return [...query].every((letter) => { at = text.indexOf(letter, at + 1); return at >= 0; });
  };
  const rank = (place, query) => {
    if (place.name.startsWith(query)) return 0;
    if (place.text.includes(query)) return 1;
    if (!/^[a-z]+$/.test(query)) return within(query, place.text) ? 3 : -1;
    if (place.initials.includes(query)) return 2;
    if (place.full.includes(query)) return 2;
    return within(query, place.initials) ? 4 : -1;
  };

  const picker = async (holder) => {
    const field = holder.querySelector('input[name]');
    if (field.disabled) {
      const answer = await fetch(holder.dataset.regions);
      const known = flatten(await answer.json()).find((place) => place.code === field.value);
      if (known) field.value = known.text;
      return;
    }
    const tree = await (await fetch(holder.dataset.regions)).json();
    const places = flatten(tree);
    const byCode = new Map(places.map((place) => [place.code, place]));
    const box = document.createElement('input');
    const list = document.createElement('div');
    const text = () => byCode.get(field.value)?.text ?? field.value;
    box.type = 'text';
    box.autocomplete = 'off';
    box.placeholder = holder.dataset.hint;
    box.value = text();
    box.id = field.id;
    box.setAttribute('role', 'combobox');
    box.setAttribute('aria-expanded', 'false');
    box.setAttribute('aria-controls', `${field.id}-list`);
    ['aria-invalid', 'aria-describedby'].forEach((name) => {
      if (field.hasAttribute(name)) box.setAttribute(name, field.getAttribute(name));
    });
    list.id = `${field.id}-list`;
    list.className = 'hits';
    list.setAttribute('role', 'listbox');
    list.hidden = true;
    field.id = `${field.id}-code`;
    field.type = 'hidden';
    field.after(box, list);
    field.addEventListener('restored', () => { box.value = text(); });
    let above = []; // the levels walked down
    const open = (on) => { list.hidden = !on; box.setAttribute('aria-expanded', on); };
    const options = () => [...list.querySelectorAll('[role=option]')];
    const mark = (at) => {
      options().forEach((option, n) => option.setAttribute('aria-selected', n === at));
      const chosen = options()[at];
      if (!chosen) return box.removeAttribute('aria-activedescendant');
      box.setAttribute('aria-activedescendant', chosen.id);
      return chosen.scrollIntoView({ block: 'nearest' });
    };
    const option = (label, act) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.tabIndex = -1;
      button.setAttribute('role', 'option');
      button.id = `${list.id}-${list.children.length}`;
      button.textContent = label;
      button.onclick = act;
      list.append(button);
    };
    const choose = (place) => {
      if (!place.leaf) { above.push(place); box.value = ''; walk(); return; }
      field.value = place.code;
      box.value = place.text;
      open(false);
      above = [];
      box.dispatchEvent(new Event('input', { bubbles: true }));
      open(false);
    };
    const walk = () => {
      const here = above.at(-1);
      list.replaceChildren();
      if (here) option(`← ${holder.dataset.back} · ${here.text}`, () => { above.pop(); walk(); });
      (here ? here.below : tree).forEach(([code, name, , below]) => option(below.length ? `${name} ›` : name, () => choose(byCode.get(code))));
      open(true);
      mark(-1);
    };
    const search = () => {
      const query = box.value.trim().toLowerCase().replace(/\s+/g, '');
      if (!query) { field.value = ''; walk(); return; }
      field.value = box.value.trim();
      const found = places.map((place) => [rank(place, query), place]).filter(([n]) => n >= 0);
      found.sort((a, b) => a[0] - b[0] || a[1].text.length - b[1].text.length);
      list.replaceChildren();
      found.slice(0, SHOWN).forEach(([, place]) => option(place.leaf ? place.text : `${place.text} ›`, () => choose(place)));
      if (!found.length) {
        const none = document.createElement('div');
        none.className = 'empty';
        none.textContent = holder.dataset.none;
        list.append(none);
      }
      open(true);
      mark(found.length ? 0 : -1);
    };
    box.addEventListener('focus', () => { if (!box.value) walk(); else box.select(); });
    box.addEventListener('click', () => { if (list.hidden) { above = []; walk(); } });
    box.addEventListener('input', (event) => { if (event.isTrusted) { above = []; search(); } });
    box.addEventListener('blur', () => {
      open(false);
      const typed = box.value.trim();
      const exact = places.find((place) => place.leaf && (place.text === typed || place.code === typed));
      if (exact) { field.value = exact.code; box.value = exact.text; }
      else if (!typed && byCode.has(field.value)) box.value = text();
    });
    list.addEventListener('mousedown', (event) => event.preventDefault());
    box.addEventListener('keydown', (event) => {
      if (event.isComposing) return;
      const at = options().findIndex((one) => one.getAttribute('aria-selected') === 'true');
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        if (list.hidden) { walk(); return; }
        const n = options().length;
        mark((at + (event.key === 'ArrowDown' ? 1 : -1) + n) % n);
      } else if (event.key === 'Enter' && !list.hidden) {
        event.preventDefault();
        options()[at]?.click();
      } else if (event.key === 'ArrowLeft' && above.length && !box.value) {
        above.pop();
        walk();
      } else if (event.key === 'Escape') { open(false); }
    });
  };
  document.querySelectorAll('[data-regions]').forEach(picker);
})();
