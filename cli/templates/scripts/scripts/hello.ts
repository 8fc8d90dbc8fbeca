// GET /script/hello
//
// What a script returns is its answer. Types are taken off when it is loaded: there is nothing to build.

import type { Host } from "mik";
import { greeting } from "./lib/greeting.ts";

export default function (_: unknown, host: Host) {
  return { message: greeting(host.request.query.name), version: "0.1.0" };
}
