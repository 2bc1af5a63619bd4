/**
 * Event Calendar marks itself up as a table whose body holds everything at once. Here its parts are made
 * transparent or hidden, and each room's row becomes a row of the grid with the cells that the page puts there.
 */

const ROLES: readonly [selector: string, role: string][] = [
  [".ec", "presentation"],
  [".ec-main", "presentation"],
  [".ec-body", "presentation"],
  [".ec-grid", "presentation"],
  [".ec-body .ec-day", "row"],
];

const HIDDEN = [".ec-toolbar", ".ec-header", ".ec-sidebar", ".ec-events"];

function mark(frame: Element): void {
  for (const [selector, role] of ROLES) {
    for (const element of frame.querySelectorAll(selector)) {
      if (element.getAttribute("role") !== role) element.setAttribute("role", role);
    }
  }
  for (const element of frame.querySelectorAll(HIDDEN.join())) {
    if (!element.hasAttribute("aria-hidden")) element.setAttribute("aria-hidden", "true");
  }
}

/** Attached to the element around the calendar; keeps up with what the calendar draws anew. */
export function forAssistiveTechnology(frame: Element): () => void {
  const observer = new MutationObserver(() => mark(frame));
  observer.observe(frame, { childList: true, subtree: true });
  mark(frame);
  return () => observer.disconnect();
}
