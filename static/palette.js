// The search box at the top: hits while typing, arrows to choose, Enter to open. Without it: a form.
'use strict';
(() => {
  const box = document.querySelector('[data-palette]');
  if (!box) return;
  const form = box.form;
  const list = document.createElement('div');
  list.className = 'hits palette';
  list.id = 'palette';
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', box.getAttribute('aria-label'));
  list.hidden = true;
  form.append(list);
  box.setAttribute('role', 'combobox');
  box.setAttribute('aria-controls', 'palette');
  box.setAttribute('aria-expanded', 'false');
  box.autocomplete = 'off';
  let timer;
  let turn = 0;
  let chosen = -1;

  const options = () => [...list.querySelectorAll('a')];
  const close = () => { list.hidden = true; chosen = -1; box.setAttribute('aria-expanded', 'false'); box.removeAttribute('aria-activedescendant'); };
  const choose = (n) => {
    const all = options();
    if (!all.length) return;
    chosen = (n + all.length) % all.length;
    all.forEach((one, place) => one.setAttribute('aria-selected', place === chosen));
    all[chosen].scrollIntoView({ block: 'nearest' });
    box.setAttribute('aria-activedescendant', all[chosen].id);
  };
  const draw = (groups) => {
    list.replaceChildren();
    groups.forEach((group) => {
      const head = document.createElement('div');
      head.className = 'kind';
      head.textContent = group.caption;
      list.append(head);
      group.hits.forEach((hit) => {
        const link = document.createElement('a');
        link.href = hit.url;
        link.id = `hit-${options().length}`;
        link.setAttribute('role', 'option');
        const detail = document.createElement('small');
        detail.textContent = hit.detail;
        link.append(document.createTextNode(hit.text), detail);
        list.append(link);
      });
    });
    chosen = -1;
    list.hidden = groups.length === 0;
    box.setAttribute('aria-expanded', String(!list.hidden));
  };
  const ask = async () => {
    const mine = ++turn;
    const words = box.value.trim();
    if (!words) { close(); return; }
    const answer = await fetch(`${box.dataset.palette}?q=${encodeURIComponent(words)}`, { headers: { 'X-Requested-With': 'XMLHttpRequest' } });
    if (mine === turn && answer.ok) draw(await answer.json());
  };
  box.addEventListener('input', () => {
    if (chosen >= 0) options()[chosen]?.setAttribute('aria-selected', 'false');
    chosen = -1; // what was marked belongs to what stood there before
    clearTimeout(timer); timer = setTimeout(ask, 180);
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') { event.preventDefault(); choose(chosen + 1); }
    if (event.key === 'ArrowUp') { event.preventDefault(); choose(chosen - 1); }
    if (event.key === 'Escape') close();
    if (event.key === 'Enter' && chosen >= 0 && !event.isComposing) { event.preventDefault(); options()[chosen].click(); }
  });
  document.addEventListener('click', (event) => { if (!form.contains(event.target)) close(); });
})();
