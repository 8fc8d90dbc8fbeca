// The web-standard form: `export default { async fetch(request, env, ctx) { … } }`.
(function (native, shared) {
  "use strict";

  const { begin, load, target } = shared;
  const { answer: respond, answered, incoming } = load("fetch");

  function run(entry, asked) {
    const context = { waitUntil, passThroughOnException() {}, props: {} };
    return entry.fetch(incoming(asked), environment(), context);
  }

  function waitUntil(promise) {
    load("effects").waitUntil(promise);
  }

  function answer(value) {
    if (shared.isResponse(value)) return respond(value);
    const given = load("inspect").kind(value);
    load("effects").unusable(
      `fetch gave ${given}, not a Response: return new Response(…) or Response.json(…)`,
    );
  }

  /** Variables and modules by name. Modules are looked up when asked for, as there may be many. */
  function environment() {
    const list = native("env");
    const known = { __proto__: null };
    for (let at = 0; at < list.length; at += 2) known[list[at]] = list[at + 1];
    const bindings = { __proto__: null };

    function get(object, name) {
      if (typeof name !== "string") return object[name];
      if (bindings[name] !== undefined) return bindings[name];
      if (!native("has_module", name)) return known[name] ?? object[name];
      if (known[name] !== undefined) {
        throw new TypeError(
          `env.${name} is both a module and a variable of the script: rename the variable`,
        );
      }
      return (bindings[name] = { fetch: (input, init) => fetchFrom(name, input, init) });
    }

    // What is asked but getting a property is seldom, and in a part of its own.
    const rare = (traps, name) => (name === "get" ? get : load("env").traps(known, get)[name]);
    return new Proxy({}, new Proxy({}, { get: rare }));
  }

  function fetchFrom(module, input, init) {
    const job = shared.job(module, received);
    const promise = new Promise((resolve, reject) => {
      job.resolve = resolve;
      job.reject = reject;
      if (init === undefined && typeof input === "string" && input[0] === "/") {
        job.target = target(input);
      } else {
        load("request").prepare(job, input, init);
      }
      job.trace = new Error();
      begin(job, "call", module, job.method, job.target, job.headers, job.body, job.timeout);
    });
    if (job.signal !== undefined) load("abort").attend(job.signal, job, promise);
    return promise;
  }

  function received(answer) {
    this.resolve(answered(this, answer));
  }

  return { __proto__: null, answer, run };
})
