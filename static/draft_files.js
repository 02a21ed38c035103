// Files chosen in a form wait beside its draft until the server has them: the store of texts has no room for them.
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
  const keep = (key, field, refused = false) => work('readwrite', (files) => files.put({ at: Date.now(), chosen: [...field.files], refused }, [key, field.name]));
  const drop = (key) => work('readwrite', (files) => files.delete(of(key)));
  const dropField = (key, name) => work('readwrite', (files) => files.delete([key, name]));
  const held = async (key, name) => (await work('readonly', (files) => files.get([key, name])))?.chosen || [];
  // What the server would not take stays here as long as a draft does; the rest is what still has to travel.
  const left = async (stale) => {
    const [keys, all] = await Promise.all(['getAllKeys', 'getAll'].map((name) => work('readonly', (files) => files[name]())));
    const found = keys.map(([key, name], n) => ({ key, name, ...all[n] }));
    await Promise.all(found.filter((one) => stale(one.key, one)).map((one) => dropField(one.key, one.name)));
    return found.filter((one) => !stale(one.key, one) && !one.refused);
  };
  // No room, or a private window: files are chosen again, everything else is as before.
  const safely = (act) => (...given) => act(...given).catch(() => false);
  window.tcosFiles = { keep: safely(keep), drop: safely(drop), dropField: safely(dropField), held: safely(held), left: safely(left) };
})();
