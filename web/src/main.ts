import "./app.css";
import { mount } from "svelte";
import App from "./App.svelte";

const target = document.querySelector("#app");
if (target === null) throw new Error("index.html has an element with the id app");

target.replaceChildren();
mount(App, { target });
