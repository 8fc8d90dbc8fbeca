import assert from "node:assert/strict";
import { test } from "node:test";

import { respond } from "../src/respond.ts";

test("greets", async () => {
  const response = respond(new Request("http://localhost/"));
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { message: "Hello from mik!", version: "0.1.0" });
});

test("knows nothing else", () => {
  assert.equal(respond(new Request("http://localhost/else")).status, 404);
});
