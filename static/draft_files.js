// Files chosen in a form are kept beside its draft (drafts.js): the store of texts has no room for them.
'use strict';
(() => {
  const NAME = 'files';
  const opened = () => new Promise((resolve, reject) => {
    const asked = indexedDB.open('tcos', 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(NAME);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  const work = async (mode, act) => {
    const base = await opened();
    try {
      return await new Promise((resolve, reject) => {
        const step = base.transaction(NAME, mode);
        const asked = act(step.objectStore(NAME));
        step.oncomplete = () => resolve(asked.result);
        step.onerror = () => reject(step.error);
        step.onabort = () => reject(step.error);
      });
    } finally { base.close(); }
  };
  const of = (key) => IDBKeyRange.bound([key], [key, []]); // every field of one draft
  const keep = (key, field) => work('readwrite', (files) => files.put([...field.files], [key, field.name]));
  const drop = (key) => work('readwrite', (files) => files.delete(of(key)));
  // Only what nobody has chosen anew; tells whether anything came back.
  const give = async (key, form) => {
    let given = false;
    for (const field of form.querySelectorAll('input[type=file][name]')) {
      const found = await work('readonly', (files) => files.get([key, field.name]));
      if (found?.length && !field.files.length) {
        const carrier = new DataTransfer();
        found.forEach((file) => carrier.items.add(file));
        field.files = carrier.files;
        field.dispatchEvent(new Event('change', { bubbles: true }));
        given = true;
      }
    }
    return given;
  };
  // What belongs to no draft any more goes with it.
  const tidy = async (known) => {
    const keys = await work('readonly', (files) => files.getAllKeys());
    await Promise.all([...new Set(keys.map(([key]) => key))].filter((key) => !known.includes(key)).map(drop));
  };
  // No room, or a private window: files are chosen again, everything else is as before.
  const safely = (act) => (...given) => act(...given).catch(() => false);
  window.tcosFiles = { keep: safely(keep), drop: safely(drop), give: safely(give), tidy: safely(tidy) };
})();
