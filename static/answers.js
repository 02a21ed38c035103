// What the answer to a form means for the page it was sent from; in_place.js acts on it.
'use strict';
(() => {
  // Of an answer (status, whether it is JSON, its body as an object or a parsed page) what is to be done:
  // lead (to `location`), beside (errors of the same form in `page`), page (show what came), tell (`error`, `fields`).
  const meaning = ({ status, found, page, twin }) => {
    if (found) {
      if (found.location && status < 400) return { kind: 'lead', location: found.location, saved: Boolean(found.saved) };
      if (found.code === 'ALREADY_SENT') return { kind: 'sent', error: found.error, location: found.location };
      return { kind: 'tell', error: found.error || '', fields: found.fields || {}, id: found.request_id || '' };
    }
    if (twin) return { kind: 'beside' };
    // A page of ours may be shown; what a proxy makes of a fault may not.
    return page ? { kind: 'page' } : { kind: 'tell', error: '', fields: {}, id: '' };
  };
  // Whether the page has to be loaded anew to show what an address shows.
  const same = (from, to) => from.pathname === to.pathname && from.search === to.search;

  // What of a refusal stands beside a field (names that the form shows), and what is told as a whole.
  const spread = (fields, names) => {
    const pairs = Object.entries(fields);
    const beside = pairs.filter(([name]) => names.includes(name));
    const rest = pairs.filter(([name]) => !names.includes(name)).map(([, text]) => text);
    return { beside, rest };
  };

  const own = { meaning, same, spread };
  if (typeof window === 'undefined') module.exports = own;
  else window.tcosAnswers = own;
})();
