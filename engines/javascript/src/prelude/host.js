// All of `host` but the calls themselves.
(function (native, shared) {
  "use strict";

  const { load } = shared;
  const { effect, waitUntil } = load("effects");
  const { pairs } = load("values");

  /** Puts in place what the `host` of a run does not have yet. */
  function complete(host, asked) {
    if (host.all !== undefined) return host;
    let request;
    let env;
    const rest = {
      all: (calls) => load("group").all(calls),
      race: (calls) => load("group").race(calls),
      retry: (attempt, options) => load("group").retry(attempt, options),
      sleep,
      log,
      waitUntil,
      requestId: shared.run.requestId,
      get request() {
        return (request ??= load("asked").requestOf(asked));
      },
      get env() {
        return (env ??= Object.freeze(pairs(native("env"))));
      },
    };
    return Object.defineProperties(host, Object.getOwnPropertyDescriptors(rest));
  }

  async function sleep(ms) {
    await effect("timer", ms > 0 ? Math.min(ms, 0x7fffffff) : 0);
  }

  function log(...values) {
    load("console").console.log(...values);
  }

  return { __proto__: null, complete, sleep };
})
