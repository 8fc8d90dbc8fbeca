// `host.all`, `host.race` and `host.retry`.
(function (native, shared) {
  "use strict";

  const { load } = shared;
  const { giveUp } = load("effects");
  const { sleep } = load("host");
  const { call } = load("short");
  const { isArray } = Array;

  // No later try of such a call can do better.
  const HOPELESS = ["MODULE_NOT_FOUND", "LOOP_DETECTED"];

  /** What a group waits for: promises, and the calls that are its own to give up. */
  function start(calls, method) {
    if (typeof calls !== "object" || calls === null) {
      throw new TypeError(`host.${method} needs a list or an object of calls`);
    }
    const group = { __proto__: null, promises: [], jobs: [], controller: undefined };
    for (const name of Object.keys(calls)) group.promises.push(enter(group, calls[name]));
    return group;
  }

  function enter(group, entry) {
    if (typeof entry === "function") return collect(group.jobs, () => run(group, entry));
    if (isArray(entry)) return collect(group.jobs, () => call(entry[0], entry[1]));
    return entry;
  }

  /** Runs `begin`, noting in `jobs` the calls that it begins. */
  function collect(jobs, begin) {
    const outer = shared.group;
    shared.group = jobs;
    try {
      return begin();
    } finally {
      shared.group = outer;
    }
  }

  // An async function, so that what the thunk throws is a rejection as well. The signal is for what
  // the thunk does after its first wait: calls that it begins later are not known to the group.
  async function run(group, thunk) {
    if (thunk.length === 0) return thunk();
    group.controller ??= new (load("abort").AbortController)();
    return thunk(group.controller.signal);
  }

  /** Gives up what is still under way. */
  function abandon(group, why) {
    if (group.jobs.length === 0 && group.controller === undefined) return;
    const { DOMException } = load("exception");
    const reason = new DOMException(why, "AbortError");
    for (const job of group.jobs) giveUp(job, reason);
    group.controller?.abort(reason);
  }

  async function all(calls) {
    const group = start(calls, "all");
    let values;
    try {
      values = await Promise.all(group.promises);
    } catch (error) {
      abandon(group, "another call of host.all failed");
      throw error;
    }
    if (isArray(calls)) return values;
    const result = {};
    Object.keys(calls).forEach((name, at) => (result[name] = values[at]));
    return result;
  }

  async function race(calls) {
    const group = start(calls, "race");
    if (group.promises.length === 0) throw new TypeError("host.race needs at least one call");
    for (const job of Object.values(shared.waiting)) {
      if (job.promise !== undefined && group.promises.includes(job.promise)) group.jobs.push(job);
    }
    try {
      return await Promise.race(group.promises);
    } finally {
      abandon(group, "another call of host.race was first");
    }
  }

  async function retry(attempt, options) {
    if (typeof attempt !== "function") throw new TypeError("host.retry needs a function");
    const { times = 3, backoff = 100, max = 5000 } = options ?? {};
    for (let count = 1; ; count++) {
      try {
        return await attempt(count);
      } catch (error) {
        if (!(count < times) || HOPELESS.includes(error?.code)) throw error;
        // Between half and all of it, so that those that failed together do not come back together.
        const delay = Math.min(max, backoff * 2 ** (count - 1));
        await sleep(delay * (0.5 + Math.random() / 2));
      }
    }
  }

  return { __proto__: null, all, race, retry };
})
