/** What Playwright lacks of an ordinary Firefox, which it drives by WebDriver BiDi. */
import type { Browser, Page } from "@playwright/test";

interface Session {
  send: (method: string, parameters: object) => Promise<unknown>;
  once: (event: string, listener: (parameters: { filepath?: string }) => void) => void;
}

/** What is read of Playwright's own side of a browser and of a page, which it does not publish. */
interface Inside {
  _connection?: { toImpl?: (of: Browser | Page) => InsideBrowser & InsidePage };
}
interface InsideBrowser {
  _browserSession?: Session;
}
interface InsidePage {
  delegate?: { _session?: Session };
}

function inside(of: Browser | Page): InsideBrowser & InsidePage {
  return (of as Inside)._connection?.toImpl?.(of) ?? {};
}

function found(session: Session | undefined): Session {
  if (session === undefined) {
    throw new Error("This version of Playwright keeps its session with Firefox elsewhere.");
  }
  return session;
}

/**
 * Lets Playwright make contexts in a Firefox that has no command for media features.
 *
 * Playwright gives every context a colour scheme, asked or not, and makes none when the browser refuses. So a test that
 * asks for one does not get it there.
 */
export function doWithoutMediaFeatures(browser: Browser): void {
  // What all sessions share, so that it holds for browsers that a test starts itself.
  const shared = Object.getPrototypeOf(found(inside(browser)._browserSession)) as Session;
  const { send } = shared;
  shared.send = function (method, parameters) {
    return method === "emulation.setMediaFeaturesOverride"
      ? Promise.resolve({})
      : send.call(this, method, parameters);
  };
}

/** Where the file is put that the page saves next. Playwright tells of no download that a page makes itself. */
export function nextFile(page: Page): Promise<string> {
  const session = found(inside(page).delegate?._session);
  return new Promise((resolve, reject) => {
    session.once("browsingContext.downloadEnd", ({ filepath }) => {
      if (filepath === undefined) reject(new Error("the download was cancelled"));
      else resolve(filepath);
    });
  });
}

/**
 * What Firefox tells of as of uncaught errors, though no script of the page could have caught it: a socket that finds no
 * relay or is closed with its page, and the style `body {}` that Playwright tries to put into a page for a picture.
 */
export const NO_FAULT =
  /^(?:Firefox can’t establish a connection|The connection) to (?:the server at )?ws:|'sha256-YjaKGiklmzC6wjXA513HAMmzus8VE61XCOT\+SmwNZWA='/;
