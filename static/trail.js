// What one comes back to: the star notes a page, and every record that is opened is one seen last (side.js shows them).
'use strict';
(() => {
  const side = window.tcosSide;
  const button = document.querySelector('[data-star]');
  if (!side || !button) return;
  const [RECENT, STARS] = [4, 12];
  const { kept, here } = side;
  const title = () => {
    const record = document.querySelector('[data-recent]');
    const [head, tab] = ['h1', '.grid .tabs [aria-current]:not(:first-child)'].map((one) => document.querySelector(one)?.textContent.trim());
    return record?.dataset.recent || [head || document.title, tab].filter(Boolean).join(' · ');
  };
  const icon = () => document.querySelector('#side [data-fold]:not([data-fold=own]) [aria-current] use')?.getAttribute('href').split('#')[1] || 'star';
  const noted = () => {
    side.keep();
    side.draw();
    button.setAttribute('aria-pressed', kept.stars.some((one) => one.url === here()));
  };
  button.addEventListener('click', () => {
    const others = kept.stars.filter((one) => one.url !== here());
    const known = others.length < kept.stars.length;
    kept.stars = known ? others : [...others, { url: here(), text: title(), icon: icon() }].slice(-STARS);
    noted();
  });
  window.tcosEach('[data-recent]', ({ dataset }) => {
    const one = { url: dataset.url, text: dataset.recent, icon: dataset.icon };
    kept.recent = [one, ...kept.recent.filter((other) => other.url !== one.url)].slice(0, RECENT);
    noted();
  });
  noted();
  // Whoever logs out leaves no names behind.
  document.querySelector('form[action$="/logout"]')?.addEventListener('submit', () => { kept.recent = []; side.keep(); });
})();
