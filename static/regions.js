// 省/市/区: one box that is walked down level by level, or searched by name and pinyin.
'use strict';
(() => {
  const SHOWN = 40;
  const { flatten, folded, search } = window.tcosPlaces;

  const picker = async (holder) => {
    const field = holder.querySelector('input[name]');
    const tree = await (await fetch(holder.dataset.regions)).json();
    const places = flatten(tree);
    const byCode = new Map(places.map((place) => [place.code, place]));
    if (field.disabled) {
      field.value = byCode.get(field.value)?.text ?? field.value;
      return;
    }
    const text = () => byCode.get(field.value)?.text ?? field.value;
    const box = Object.assign(document.createElement('input'), { type: 'text', placeholder: holder.dataset.hint, value: text(), id: field.id });
    ['aria-invalid', 'aria-describedby'].forEach((name) => {
      if (field.hasAttribute(name)) box.setAttribute(name, field.getAttribute(name));
    });
    const entered = document.activeElement === field;
    field.id = `${field.id}-code`;
    field.type = 'hidden';
    field.after(box);
    let above = []; // the levels walked down
    let known = box.value; // what stands for the code; anything else was typed
    const show = () => { box.value = known = text(); };
    field.addEventListener('restored', show);
    const put = (code) => {
      field.value = code;
      above = [];
      show();
      field.dispatchEvent(new Event('change', { bubbles: true }));
    };
    const hit = (place, label) => ({ place, text: place.leaf ? label : `${label} ›` });
    const walk = () => {
      const here = above.at(-1);
      const back = here ? [{ text: `← ${holder.dataset.back} · ${here.text}` }] : [];
      return [...back, ...(here ? here.below : tree).map(([code, name]) => hit(byCode.get(code), name))];
    };
    const list = window.tcosCombo(box, {
      none: holder.dataset.none,
      dirty: () => box.value !== known,
      find: (typed) => (typed ? search(typed, places).slice(0, SHOWN).map((place) => hit(place, place.text)) : walk()),
      take: ({ place }) => {
        if (place?.leaf) { put(place.code); return false; }
        if (place) above.push(place); else above.pop();
        box.value = known = '';
        list.ask();
        return true;
      },
      key: (event) => {
        if (event.key !== 'ArrowLeft' || !above.length || box.value) return false;
        above.pop();
        list.ask();
        return true;
      },
      // Left in the midst: an exact name or code is taken, other words are the server's to judge.
      leave: () => {
        const typed = box.value.trim();
        const exact = places.find((place) => place.leaf && (place.text === typed || place.code === typed));
        if (exact && exact.code !== field.value) put(exact.code);
        else if (!typed && byCode.has(field.value) && above.length) show();
        above = [];
      },
    });
    box.addEventListener('input', () => { above = []; field.value = folded(box.value) ? box.value.trim() : ''; });
    if (entered) box.focus();
  };
  document.querySelectorAll('[data-regions]').forEach(picker);
})();
