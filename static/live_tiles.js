// Numbers that a person keeps on the home page: each comes by itself, so that the page waits for none.
'use strict';
document.querySelectorAll('[data-live]').forEach(async (tile) => {
  const room = tile.querySelector('.v');
  try {
    const answer = await fetch(tile.dataset.live, { headers: { Accept: 'application/json' } });
    if (!answer.ok) throw new Error(answer.status);
    const { value, unit, exact, as_of: at } = await answer.json();
    room.textContent = value;
    room.append(Object.assign(document.createElement('small'), { textContent: ` ${unit}` }));
    room.title = [exact, at].filter(Boolean).join(' · ');
  } catch {
    room.textContent = '—';
    room.title = tile.dataset.failed;
  }
  room.removeAttribute('aria-busy');
});
