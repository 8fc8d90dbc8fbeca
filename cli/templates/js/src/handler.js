import { respond } from "./respond.js";

addEventListener("fetch", (event) => event.respondWith(respond(event.request)));
