// Asks once more for the page's script where it has not come: under load Chromium drops a request for a script now and then,
// though the service worker has answered it. A script that is there already is not run twice.
addEventListener("load", () => {
  /** @type {HTMLScriptElement | null} */
  const script = document.querySelector('script[type="module"]');
  import(script?.src ?? "").catch(() => {
    // Nor this time. The page says by itself that it has not started.
  });
});
