// What the pages' scripts say, in the page's language. The server hands over the messages of a language
// that is not English; English is written where it is said and is the message's id.
(() => {
  "use strict";
  const COOKIE = "blender-ui-language";
  const told = document.querySelector('meta[name="blender-ui-language"]')?.content;
  const { code, messages } = told ? JSON.parse(told) : { code: "en", messages: {} };
  document.documentElement.lang = code;

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  // A message, with what it names in braces.
  window.tr = (message, values = {}) => fill(messages[message] ?? message, values);
  // One that depends on a number: for one, and for any other.
  window.trn = (one, many, n, values = {}) => window.tr(n === 1 ? one : many, { n, ...values });
  // The same in pieces, for values that are elements.
  window.trParts = (message, values) => (messages[message] ?? message).split(/(\{\w+\})/).filter(Boolean)
    .map((part) => values[part.slice(1, -1)] ?? part);
  window.sayNumber = (value, options) => value.toLocaleString(code, options);

  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-language]")) return;
    // In another site's frame a browser sends only cookies that say they may be.
    const rest = location.protocol === "https:" ? "; SameSite=None; Secure; Partitioned" : "; SameSite=Lax";
    document.cookie = `${COOKIE}=${event.target.value}; path=/; max-age=31536000${rest}`;
    location.reload();
  });
  const show = () => {
    for (const select of document.querySelectorAll("[data-language]")) if (select.value !== code) select.value = code;
  };
  new MutationObserver(show).observe(document, { childList: true, subtree: true });
})();
