// What a filter asks, as a readable address: f.level=in:a,b and g=any(…;…); services/query/filters.py reads it.
// A tree is [word, parts], a part is [field, text] or a tree.
'use strict';
(() => {
  const BARE = ['empty', 'filled']; // ask for no value
  const condition = (field, op, text) => (field && text ? [field, BARE.includes(op) ? op : `${op}:${text}`] : null);
  const said = (part) => Boolean(part) && part[1].length > 0;
  const escaped = (text) => text.replace(/[\\;()]/g, '\\$&');
  const written = ([word, value]) => (typeof value === 'string' ? `${word}=${escaped(value)}` : `${word}(${value.map(written).join(';')})`);
  const asked = ([word, parts]) => {
    if (word === 'any' && parts.length > 1) return [['g', written([word, parts])]];
    return parts.map((one) => (typeof one[1] === 'string' ? [`f.${one[0]}`, one[1]] : ['g', written(one)]));
  };
  // The new query keeps what is no filter; `drop` names older parameters that this one takes the place of.
  const query = (search, tree, drop) => {
    const kept = [...new URLSearchParams(search)].filter(([name]) => !drop.includes(name) && !/^(f\..*|g|page|filter)$/.test(name));
    // What needs no escape in a query is left as people read it.
    return new URLSearchParams([...kept, ...asked(tree)]).toString().replace(/%(?:2C|3A|3B|3D|28|29)/g, decodeURIComponent);
  };

  const own = { condition, said, query };
  if (typeof window === 'undefined') module.exports = own;
  else window.tcosFilterAddress = own;
})();
