// The step line: a planned date is dragged by its handle, or moved by the arrow keys and saved by Enter.
'use strict';
(() => {
  const WIDTH = 10; // pixels a day
  const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -7, PageUp: 7 };
  const daysOf = (pixels) => Math.trunc(pixels / WIDTH);
  // The day so many days after one (2026-02-28), counted in UTC, where every day has 24 hours.
  const shifted = (day, by) => {
    const [year, month, date] = day.split('-').map(Number);
    const found = new Date(Date.UTC(year, month - 1, date + by));
    return Number.isNaN(found.getTime()) ? day : found.toISOString().slice(0, 10);
  };
  // By how many days a grip is moved: keys add up, a drag begins where the step stands.
  const moved = () => ({
    by: 0,
    key(name) { this.by += KEYS[name]; },
    press() { this.by = 0; },
    drag(pixels) { this.by = daysOf(pixels); },
  });
  if (typeof window === 'undefined') { module.exports = { daysOf, shifted, moved, KEYS }; return; }

  window.tcosEach('[data-steps]', (line) => {
    const [words, early, late] = line.dataset.words.split('|');
    line.querySelectorAll('[data-grip]').forEach((grip) => {
      const form = line.querySelector(`form[data-step="${grip.dataset.grip}"]`);
      const input = form?.elements.planned_on;
      if (!input?.value) return;
      const start = input.value;
      const [told] = grip.parentElement.querySelectorAll('summary span');
      const before = told.textContent;
      const move = moved();
      const show = () => {
        const { by } = move;
        input.value = shifted(start, by);
        const how = by ? `（${(by < 0 ? early : late).replace('{n}', Math.abs(by))}）` : '';
        told.textContent = by ? words.replace('{day}', input.value) + how : before;
        told.setAttribute('aria-live', 'polite');
      };
      const save = () => { if (move.by) form.requestSubmit(form.querySelector('[value="save"]')); };
      const reset = () => { move.press(); show(); };
      grip.hidden = false;
      grip.addEventListener('keydown', (event) => {
        if (event.key === 'Enter') { event.preventDefault(); save(); } else if (event.key === 'Escape') reset();
        else if (KEYS[event.key]) { event.preventDefault(); move.key(event.key); show(); }
      });
      grip.addEventListener('pointerdown', (event) => {
        const from = event.clientX;
        event.preventDefault();
        grip.focus();
        reset();  // what keys moved and nobody saved
        grip.setPointerCapture(event.pointerId);
        const held = new AbortController();
        const { signal } = held;
        grip.addEventListener('pointermove', (at) => { move.drag(at.clientX - from); show(); }, { signal });
        grip.addEventListener('pointerup', () => { held.abort(); save(); }, { signal });
        grip.addEventListener('pointercancel', () => { held.abort(); reset(); }, { signal });
      });
    });
  });
})();
