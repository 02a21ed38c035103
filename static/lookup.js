// References are found by typing; the key of what was picked goes along with its name.
'use strict';
(() => {
  const { fold } = window.tcosMatch;
  const lookUp = (input) => {
    const holder = input.closest('.holder');
    const [ident, label] = ['[data-ident]', '[data-label]'].map((mark) => holder.querySelector(mark));
    const pick = (hit) => {
      input.value = hit.text;
      ident.value = hit.id;
      label.value = hit.text;
      input.dispatchEvent(new Event('change', { bubbles: true }));
    };
    window.tcosCombo(input, {
      wait: 180,
      none: input.dataset.none,
      dirty: () => input.value !== label.value,
      find: async (text) => {
        const url = new URL(input.dataset.lookup, location.href);
        url.searchParams.set('query', text);
        const customer = input.form.elements.customer_id__id || input.form.elements.customer_id;
        if (customer && input.name !== 'customer_id') url.searchParams.set('customer_id', customer.value);
        const answer = await fetch(url, { headers: { 'X-Requested-With': 'XMLHttpRequest' } }).catch(() => ({}));
        return answer.ok ? answer.json() : null;
      },
      best: (hits, text) => hits.findIndex((hit) => fold(hit.text) === fold(text)),
      take: pick,
      // Left with one hit for what was typed: that is what was meant.
      leave: (hits) => { if (hits?.length === 1 && input.value.trim()) pick(hits[0]); },
    });
  };
  document.querySelectorAll('[data-lookup]').forEach(lookUp);
})();
