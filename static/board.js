// Dragging a card is the same form as its menu: a drop chooses the stage and sends it. What moved is shown at once,
// where one stands, and can be taken back.
'use strict';
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const board = $('[data-board]');
  if (!board) return;
  let dragged = null;
  board.addEventListener('dragstart', (event) => {
    dragged = event.target.closest('[data-deal]');
    if (dragged) event.dataTransfer.setData('text/plain', dragged.dataset.deal);
  });
  const over = (lane) => board.querySelectorAll('.lane').forEach((one) => one.classList.toggle('over', one === lane));
  board.addEventListener('dragover', (event) => {
    const lane = event.target.closest('[data-stage]');
    if (!dragged || !lane) return;
    event.preventDefault();
    over(lane);
  });
  board.addEventListener('dragend', () => over(null));
  board.addEventListener('drop', (event) => {
    const lane = event.target.closest('[data-stage]');
    if (!dragged || !lane || lane.contains(dragged)) return;
    event.preventDefault();
    const form = $('form', dragged);
    form.elements.stage_id.value = lane.dataset.stage;
    if ('ask' in lane.dataset) {
      // A loss needs its reason: the card's menu asks for it.
      $('details', dragged).open = true;
      form.elements.lost_reason_id.required = true;
      form.elements.lost_reason_id.focus();
      return;
    }
    $('button', form).click();
  });
  // What closes an opportunity is asked about once more: no move takes it back.
  board.addEventListener('change', (event) => {
    if (event.target.name === 'stage_id') ask(event.target.form);
  });
  board.addEventListener('click', (event) => {
    if (event.target.matches('form button')) ask(event.target.form);
  }, true);
  const ask = (form) => {
    const lane = $(`[data-stage="${form.elements.stage_id.value}"]`, board);
    const words = lane?.dataset.sure?.replace('{name}', $('b', form.closest('[data-deal]')).textContent);
    const button = $('button', form);
    if (words) button.dataset.confirm = words;
    else delete button.dataset.confirm;
  };

  const back = (deal, stage) => {
    const form = $(`[data-deal="${deal}"] form`, board);
    if (!form) return;
    form.elements.stage_id.value = stage;
    form.dataset.back = '1';
    form.requestSubmit();
  };
  const tell = (page, undo) => page.querySelectorAll('.toasts .toast').forEach((toast) => {
    if (undo) {
      const button = Object.assign(document.createElement('button'), { type: 'button', className: 'btn sm', textContent: board.dataset.undo });
      button.addEventListener('click', () => { toast.remove(); undo(); });
      toast.append(' ', button);
    }
    $('.toasts').append(document.adoptNode(toast));
    setTimeout(() => toast.remove(), 8000);
  });
  // Only the lanes and the forecast are drawn anew: the page and every lane stay where they were scrolled to.
  board.addEventListener('led', async (event) => {
    event.preventDefault();
    const form = event.target;
    const deal = form.closest('[data-deal]').dataset.deal;
    const from = form.closest('[data-stage]').dataset.stage;
    const closed = $(`[data-stage="${form.elements.stage_id.value}"]`, board)?.matches('.end');
    const places = new Map([...board.querySelectorAll('.lane')].map((lane) => [lane.dataset.stage, lane.scrollTop]));
    const [left, top] = [board.scrollLeft, scrollY];
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) { location.reload(); return; }
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = $('[data-board]', page);
    if (!fresh) { location.reload(); return; }
    // What only asked for its move still stands where it stood: there is nothing to take back.
    const stays = $(`[data-deal="${deal}"]`, fresh)?.closest('[data-stage]').dataset.stage === from;
    tell(page, closed || stays || form.dataset.back ? null : () => back(deal, from));
    board.replaceChildren(...document.adoptNode(fresh).childNodes);
    const [old, months] = [$('[data-months]'), $('[data-months]', page)];
    if (old && months) old.replaceWith(document.adoptNode(months));
    board.querySelectorAll('.lane').forEach((lane) => { lane.scrollTop = places.get(lane.dataset.stage) || 0; });
    board.scrollLeft = left;
    scrollTo(scrollX, top);
    $(`[data-deal="${deal}"] summary`, board)?.focus({ preventScroll: true });
  });
})();
