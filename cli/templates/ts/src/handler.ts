import { respond } from "./respond.ts";

declare const self: ServiceWorkerGlobalScope;

self.addEventListener("fetch", (event) => event.respondWith(respond(event.request)));
