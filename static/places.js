// 省/市/区 by name and pinyin: which places a typed text means, the best one first.
'use strict';
(() => {
  // A node is [code, name, spelling, nodes below].
  const flatten = (nodes, above = '', path = []) => nodes.flatMap(([code, name, spelt, below]) => {
    // 市辖区 and 直辖县级 hold what belongs to the level above: they are no part of a name.
    const text = ['市辖区', '直辖县级'].includes(name) ? above : above + name;
    const syllables = [...path, ...spelt.split(' ')];
    const place = { code, name, text, below, leaf: !below.length, full: syllables.join(''), initials: syllables.map((one) => one[0]).join('') };
    return [place, ...flatten(below, text, syllables)];
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
    if (place.initials.includes(query) || place.full.includes(query)) return 2;
    return within(query, place.initials) ? 4 : -1;
  };
  const folded = (text) => text.trim().toLowerCase().replace(/\s+/g, '');
  const search = (text, places) => {
    const found = places.map((place) => [rank(place, folded(text)), place]).filter(([n]) => n >= 0);
    return found.sort((a, b) => a[0] - b[0] || a[1].text.length - b[1].text.length).map(([, place]) => place);
  };

  const own = { flatten, folded, search };
  if (typeof window === 'undefined') module.exports = own;
  else window.tcosPlaces = own;
})();
