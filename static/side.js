// The side bar: groups that fold and remember, and on top what trail.js notes. Run at once, before it is painted.
'use strict';
(() => {
  const side = document.querySelector('#side');
  const { person } = document.body.dataset;
  if (!side || !person) return;
  const own = `side:${person}`;
  let kept = { folds: {}, stars: [], recent: [] };
  try {
    // What somebody else has left in this browser is nobody's.
    Object.keys(localStorage).filter((key) => key.startsWith('side:') && key !== own).forEach((key) => localStorage.removeItem(key));
    kept = { ...kept, ...JSON.parse(localStorage.getItem(own)) };
  } catch { /* a private window: nothing is remembered */ }
  const keep = () => { try { localStorage.setItem(own, JSON.stringify(kept)); } catch { /* no room */ } };
  const sprite = side.querySelector('use').getAttribute('href').split('#')[0];
  const groups = () => [...side.querySelectorAll('[data-fold]')];
  const make = (tag, marks, ...children) => {
    const element = Object.assign(document.createElement(tag), marks);
    element.append(...children);
    return element;
  };
  const icon = (name) => {
    const [picture, use] = ['svg', 'use'].map((tag) => document.createElementNS('http://www.w3.org/2000/svg', tag));
    picture.classList.add('icon');
    picture.setAttribute('aria-hidden', 'true');
    use.setAttribute('href', `${sprite}#${name}`);
    picture.append(use);
    return picture;
  };

  // What nobody has folded himself folds from below until the bar needs no scrolling.
  const fit = () => {
    const known = groups();
    known.filter((one) => one.dataset.fold in kept.folds).forEach((one) => { one.open = !kept.folds[one.dataset.fold]; });
    const free = known.filter((one) => !(one.dataset.fold in kept.folds));
    free.forEach((one) => { one.open = true; });
    const order = free.filter((one) => !one.querySelector('[aria-current]'));
    const over = () => side.scrollHeight > side.clientHeight;
    const folded = [];
    while (order.length && over()) {
      folded.unshift(order.pop());
      folded[0].open = false;
    }
    folded.forEach((one) => { one.open = true; one.open = !over(); });
  };
  const here = () => location.pathname + location.search.replace(/([?&])page=\d+&?/, '$1').replace(/[?&]$/, '');
  const line = ({ url, text, icon: name }) => {
    const link = make('a', { href: url, title: text }, icon(name), make('span', {}, text));
    return make('li', {}, link);
  };
  const local = ({ url }) => typeof url === 'string' && url.startsWith('/admin/');
  let mine = null;
  const draw = () => {
    const starred = kept.stars.filter(local);
    const seen = kept.recent.filter((one) => local(one) && !starred.some((star) => star.url === one.url));
    mine?.remove();
    mine = make('details', { open: true }, make('summary', { className: 'group' }, side.dataset.own), make('ul', {}, ...[...starred, ...seen].map(line)));
    mine.dataset.fold = 'own';
    if (starred.length + seen.length) side.querySelector('ul').after(mine);
    fit();
  };
  side.addEventListener('click', (event) => {
    const group = event.target.closest('summary')?.parentElement;
    if (!group) return;
    kept.folds[group.dataset.fold] = group.open; // it is about to be the other way
    keep();
  });
  draw();
  addEventListener('resize', fit);
  window.tcosSide = { kept, here, keep, draw };
})();
