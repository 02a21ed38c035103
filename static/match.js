// What matches what was typed: names by any part, Chinese ones by pinyin and its initials too. The best
// hit is first, and Enter takes nothing else; the same for every list that is narrowed by typing.
'use strict';
(() => {
  const fold = (text) => String(text || '').normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
  const folded = new Map(); // a list is narrowed at every key
  const plain = (label) => folded.get(label) ?? folded.set(label, fold(label)).get(label);
  const rank = (query, [, label, spelt, group]) => {
    const name = plain(label);
    if (name === query) return 0;
    if (name.startsWith(query)) return 1;
    const spellings = (spelt || '').split(' ');
    if (spellings.includes(query)) return 2;
    const found = query.split(' ').every((word) => name.includes(word) || spellings.some((one) => one.includes(word)));
    return found ? 3 : group && plain(group).includes(query) ? 4 : -1;
  };
  // Options are [value, label, spelling?, group?]; a group's name stands for all in it; nothing typed leaves all of them, in their order.
  const narrowed = (text, options) => {
    const query = fold(text);
    if (!query) return options;
    const ranked = options.map((one) => [rank(query, one), one]).filter(([n]) => n >= 0);
    return ranked.sort((a, b) => a[0] - b[0]).map(([, one]) => one);
  };
  // The one option a text stands for: its name, or the only one that matches; otherwise null.
  const only = (text, options) => {
    const all = narrowed(text, options);
    const named = all.filter((one) => rank(fold(text), one) < 4);
    const hits = named.length ? named : all; // a group's name counts where nothing else does
    const same = hits.filter((one) => fold(one[1]) === fold(text));
    if (!fold(text)) return null;
    return same.length === 1 ? same[0] : hits.length === 1 ? hits[0] : null;
  };
  const own = { fold, narrowed, only };
  if (typeof window === 'undefined') module.exports = own;
  else window.tcosMatch = own;
})();
