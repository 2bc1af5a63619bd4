import "./app.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { viewerZone } from "./lib/zone.ts";

const target = document.querySelector("#app");
if (target === null) throw new Error("index.html has an element with the id app");

target.replaceChildren();
mount(App, { target });

// The first question about zones has the browser read its tables, some 30 ms: while the engine is fetched, not when the
// view is drawn.
setTimeout(viewerZone);
