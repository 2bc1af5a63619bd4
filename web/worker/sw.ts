/**
 * The service worker: serves the page without a network, and each page from one version.
 *
 * A worker belongs to one build, whose files it fetches into a cache of their own before it is installed. Pages come from the
 * active worker's version. A page of an older version goes on until it is reloaded, and its files stay for as long.
 */
import { SHELL, answererOf, isHashed } from "./answers.ts";
import type { Build } from "./build.ts";
import { type Greeting, isMessage } from "./messages.ts";
import { CLIENTS_CACHE, INSTALLED_CACHE, cacheOf, unusedCaches } from "./versions.ts";

declare const self: ServiceWorkerGlobalScope;
/** The build plugin puts it in front of this script. */
declare const BUILD: Build;

const CACHE = cacheOf(BUILD.version);
const INSTALLED = "/version";

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(adopt()));

self.addEventListener("fetch", (event) => {
  const answerer = answererOf(event.request, self.location.origin, BUILD.files);
  switch (answerer.by) {
    case "network":
      return;
    case "shell":
      event.respondWith(shell(event.request, event.resultingClientId));
      return;
    case "version":
      event.respondWith(fromVersion(answerer.path, event.request));
      return;
    case "any version":
      event.respondWith(fromAnyVersion(answerer.path, event.request));
  }
});

self.addEventListener("message", (event) => {
  if (!isMessage(event.data)) return;
  switch (event.data.kind) {
    case "activate":
      event.waitUntil(self.skipWaiting());
      return;
    case "hello": {
      const same = Object.hasOwn(BUILD.files, event.data.script);
      event.ports[0]?.postMessage({ same } satisfies Greeting);
      event.waitUntil(deleteUnused());
    }
  }
});

/** All files, each with the content of this build, or nothing: then the worker is not installed. */
async function install(): Promise<void> {
  // An operator may have gone back to a version that tabs still run.
  const isNew = !(await caches.has(CACHE));
  const cache = await caches.open(CACHE);
  const add = async ([path, integrity]: [string, string]): Promise<void> => {
    // What the first view has loaded is not loaded again; of other files the name does not tell their content.
    const response = await fetch(path, {
      integrity,
      cache: isHashed(path) ? "default" : "no-cache",
    });
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
    await cache.put(path, response);
  };
  try {
    await Promise.all(Object.entries(BUILD.files).map(add));
    const notes = await caches.open(INSTALLED_CACHE);
    await notes.put(INSTALLED, new Response(BUILD.version));
  } catch (error) {
    if (isNew) await caches.delete(CACHE);
    throw error;
  }
}

/** The page that brought the first worker came over the network; the worker cares for what it will still load. */
async function adopt(): Promise<void> {
  await self.clients.claim();
  const pages = await self.clients.matchAll({ type: "window" });
  const known = new Set(await knownClients());
  await Promise.all(pages.filter(({ id }) => !known.has(id)).map(({ id }) => note(id)));
}

async function shell(request: Request, client: string): Promise<Response> {
  // Noted before the page is there: from now on nobody takes its files away.
  await note(client);
  return fromVersion(SHELL, request);
}

async function fromVersion(path: string, request: Request): Promise<Response> {
  return (await kept(path, CACHE)) ?? fetch(request);
}

async function fromAnyVersion(path: string, request: Request): Promise<Response> {
  return (await kept(path, CACHE)) ?? (await kept(path)) ?? fetch(request);
}

/** A browser whose storage fails has no copy; the network may still have one. */
async function kept(path: string, cacheName?: string): Promise<Response | undefined> {
  try {
    return await caches.match(path, cacheName === undefined ? {} : { cacheName });
  } catch {
    return undefined;
  }
}

async function note(client: string): Promise<void> {
  try {
    const notes = await caches.open(CLIENTS_CACHE);
    await notes.put(`/${client}`, new Response(BUILD.version));
  } catch {
    // Storage is full or fails. The page is served all the same.
  }
}

/** The ids of the clients of which there are notes, whether they are still there or not. */
async function knownClients(): Promise<string[]> {
  const notes = await caches.open(CLIENTS_CACHE);
  return (await notes.keys()).map(({ url }) => new URL(url).pathname.slice(1));
}

/** The versions of the pages that are there; notes of others go. */
async function versionsInUse(): Promise<Set<string>> {
  const notes = await caches.open(CLIENTS_CACHE);
  const versions = await Promise.all(
    (await knownClients()).map(async (id) => {
      const version = await (await notes.match(`/${id}`))?.text();
      // Of a page that is just being loaded it waits for the outcome.
      if ((await self.clients.get(id)) !== undefined) return version;
      await notes.delete(`/${id}`);
      return undefined;
    }),
  );
  return new Set(versions.filter((version) => version !== undefined));
}

/** Whether no worker has taken this one's place. Not every browser lets a worker ask for its own state. */
async function isNewest(): Promise<boolean> {
  const version = await caches.match(INSTALLED, { cacheName: INSTALLED_CACHE });
  return (await version?.text()) === BUILD.version;
}

async function deleteUnused(): Promise<void> {
  const names = await caches.keys();
  // The cache of a worker that is still to come looks as if nobody used it. It is spared by leaving all alone meanwhile.
  const { installing, waiting } = self.registration;
  if (installing !== null || waiting !== null || !(await isNewest())) return;
  const unused = unusedCaches(names, BUILD.version, await versionsInUse());
  await Promise.all(unused.map((name) => caches.delete(name)));
}
