/**
 * Who books here: a random id and a name, kept on this device and shared by the tabs of this browser.
 * Two people of one name stay apart by their ids.
 */
import { randomId } from "./random.ts";

const ID_KEY = "bayou:person";
const NAME_KEY = "bayou:name";

function stored(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Without storage the name lasts as long as the tab; the page says elsewhere that nothing is kept.
  }
}

export class Person {
  #id = $state("");
  #name = $state("");

  /** Until the first booking the id is only a proposal: another tab may have made one meanwhile. */
  readonly id = $derived(this.#id);
  readonly name = $derived(this.#name);

  constructor() {
    this.#adopt();
    if (this.#id === "") {
      store(ID_KEY, randomId());
      this.#id = stored(ID_KEY) ?? randomId();
    }
  }

  /** Follows what other tabs store; returns what ends that. */
  follow(): () => void {
    const adopt = (): void => this.#adopt();
    window.addEventListener("storage", adopt);
    return () => window.removeEventListener("storage", adopt);
  }

  rename(name: string): void {
    store(NAME_KEY, name);
    this.#name = name;
  }

  #adopt(): void {
    this.#id = stored(ID_KEY) ?? this.#id;
    this.#name = stored(NAME_KEY) ?? this.#name;
  }
}
