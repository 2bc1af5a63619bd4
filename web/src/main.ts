import "./app.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { readView } from "./lib/settings.ts";
import { viewerZone } from "./lib/zone.ts";

const target = document.querySelector("#app");
if (target === null) throw new Error("index.html has an element with the id app");

mount(App, { target });

// The first questions about zones and about what is kept on this device have the browser read its tables and files, some
// 30 ms each: while the engine is fetched, not when the view is drawn.
setTimeout(viewerZone);
setTimeout(readView);
