// What the browser keeps between visits.

/** Storage may be switched off in a browser: then nothing is kept and everything else works. */
const store = (area) => ({
  get(name) {
    try {
      return window[area].getItem(`oms-explorer.${name}`);
    } catch (error) {
      if (error instanceof DOMException) return null;
      throw error;
    }
  },
  set(name, value) {
    try {
      window[area].setItem(`oms-explorer.${name}`, value);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
  },
});
export const session = store("sessionStorage");
export const local = store("localStorage");
/** JSON from storage or from an editor, or `fallback` where it is none. */
export const parsed = (text, fallback) => {
  try {
    return JSON.parse(text) ?? fallback;
  } catch {
    return fallback;
  }
};
