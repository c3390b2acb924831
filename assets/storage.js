// Where a browser keeps nothing for a page, as for a frame of another site, a page keeps things until it is left.
//
// Without this each script that remembers something, Gradio's too, would end at its first line.
// Non-goal: to be remembered; somebody who comes back is somebody new, and their votes count as such.
(() => {
  "use strict";
  const makeStorage = () => {
    const kept = new Map();
    return {
      getItem: (name) => kept.get(String(name)) ?? null,
      setItem: (name, value) => void kept.set(String(name), String(value)),
      removeItem: (name) => void kept.delete(String(name)),
      clear: () => kept.clear(),
      key: (place) => [...kept.keys()][place] ?? null,
      get length() { return kept.size; },
    };
  };
  for (const name of ["localStorage", "sessionStorage"]) {
    try {
      window[name].getItem("");
    } catch {
      Object.defineProperty(window, name, { value: makeStorage(), configurable: true });
    }
  }
})();
