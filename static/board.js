// Dragging a card is the same form as its menu: a drop chooses the stage and sends it.
'use strict';
(() => {
  const board = document.querySelector('[data-board]');
  if (!board) return;
  let dragged = null;
  board.addEventListener('dragstart', (event) => {
    dragged = event.target.closest('[data-deal]');
    if (dragged) event.dataTransfer.setData('text/plain', dragged.dataset.deal);
  });
  board.addEventListener('dragover', (event) => {
    const lane = event.target.closest('[data-stage]');
    if (!dragged || !lane) return;
    event.preventDefault();
    board.querySelectorAll('.over').forEach((one) => one.classList.toggle('over', one === lane));
    lane.classList.add('over');
  });
  board.addEventListener('dragend', () => board.querySelectorAll('.over').forEach((one) => one.classList.remove('over')));
  board.addEventListener('drop', (event) => {
    const lane = event.target.closest('[data-stage]');
    if (!dragged || !lane || lane.contains(dragged)) return;
    event.preventDefault();
    const form = dragged.querySelector('form');
    form.elements.stage_id.value = lane.dataset.stage;
    if ('ask' in lane.dataset) {
      // A loss needs its reason: the card's menu asks for it.
      dragged.querySelector('details').open = true;
      form.elements.lost_reason_id.required = true;
      form.elements.lost_reason_id.focus();
    } else {
      form.submit();
    }
  });
})();
