// The core of the prelude. Each fresh world evaluates it, and what it holds is paid for by every
// request: so it has only the protocol of a run. Everything else is a part that is loaded at first
// use, and in the parts, too, what is seldom needed stands apart from what is often needed.
//
// It is called once with the host's two functions and gives back `deliver`, by which the host tells
// everything. `globals` says which globals to put in place, as [name, part, ...]: those that the
// script's text mentions.
//
// Scripts must never hold `native`, `part` or `shared`: none of them is ever given to a function
// that a script could have put in place, neither as an argument nor as `this`.
(function (native, part, globals) {
  "use strict";

  // Scripts may replace globals later on; these are the ones that were there at first.
  const { Error, JSON, Object } = globalThis;
  const { defineProperty } = Object;
  const world = globalThis;

  const loaded = { __proto__: null };
  // Never starts again, so that a reused world cannot mistake one run's operation for another's.
  let lastOp = 0;
  let entry; // the script's default export

  // What parts share. Some of them add to it.
  const shared = {
    __proto__: null,
    OVER: {}, // what is thrown when the run has been ended already
    begin,
    forget,
    group: undefined, // where the calls that begin at this moment are noted
    job,
    load,
    parse: JSON.parse,
    release,
    run: undefined, // the run under way, or the last one
    stringify: JSON.stringify,
    tag,
    target,
    waiting: { __proto__: null }, // op -> the job that waits for it
  };

  function load(name) {
    return (loaded[name] ??= part(name)(native, shared));
  }

  /** A call or another operation, from its beginning to what the script gets of it. */
  function job(module, settle, resolve, reject) {
    return {
      module,
      method: "GET",
      target: "/",
      headers: [],
      body: undefined,
      timeout: undefined,
      signal: undefined, // what gives it up
      as: undefined, // how the short form shows the body
      from: undefined, // the call whose body it reads
      trace: undefined, // an error of the moment when a call began, for its stack
      op: 0, // the number of the operation that it waits for
      status: 0, // of the answer
      handle: undefined, // the body to close if it is given up
      promise: undefined, // what the short form gave for it
      settle, // takes what the operation gives, as a method of the job
      resolve, // of the promise
      reject,
    };
  }

  /** Begins the operation that a job waits for next. */
  function begin(job, name, a, b, c, d, e, f) {
    if (shared.run === undefined || shared.run.open === 0) {
      throw new Error("calls and timers work only while a request is being handled");
    }
    job.op = ++lastOp;
    shared.waiting[lastOp] = job;
    const ready = native(name, lastOp, a, b, c, d, e, f);
    // A body that is in memory anyway is there at once.
    if (ready !== undefined && forget(job)) job.settle(ready);
  }

  /** Takes a job off; false when it waits for nothing. */
  function forget(job) {
    if (shared.waiting[job.op] !== job) return false;
    return delete shared.waiting[job.op];
  }

  /** Path and query as they are sent. */
  function target(path) {
    // Exactly what a URL parser would leave as it is: no dot segments, nothing to be escaped.
    const plain =
      /^(?:\/(?:[\w\-~!$&()*+,;=:@][\w.\-~!$&()*+,;=:@]*)?)+(?:\?[\w.\-~!$&()*+,;=:@\/?%]*)?$/;
    return typeof path === "string" && plain.test(path) ? path : load("rare_options").target(path);
  }

  /** Something of the run ended: the answer, a promise of `waitUntil`, a body that is written. */
  function release(run) {
    run.open -= 1;
    if (run.open === 0) native("done");
  }

  async function start(method, url, headers, body, requestId) {
    const run = { open: 1, requestId };
    shared.run = run;
    shared.waiting = { __proto__: null };
    try {
      const form = load(typeof entry === "function" ? "short" : "web");
      form.answer(await form.run(entry, { method, url, headers, body, bytes: undefined }));
    } catch (error) {
      if (error !== shared.OVER) load("errors").fail(error);
    }
    release(run);
  }

  function deliver(what, a, b, c, d, e) {
    const { waiting } = shared;
    const job = waiting[a];
    switch (what) {
      case "settle":
        delete waiting[a];
        job?.settle(b);
        break;
      case "reject":
        delete waiting[a];
        job?.reject(load("errors").callError(b, c, job.from ?? job));
        break;
      case "start":
        start(a, b, c, d, e);
        break;
      case "main":
        if (typeof a !== "function" && typeof a?.fetch !== "function") load("errors").unfit(a);
        entry = a;
        break;
      case "part":
        load(a);
    }
  }

  /** Names a class of the standards, as `Object.prototype.toString` shows it. */
  function tag(kind, name) {
    defineProperty(kind.prototype, Symbol.toStringTag, { value: name, configurable: true });
  }

  function put(name, value) {
    defineProperty(world, name, { value, writable: true, configurable: true });
    return value;
  }

  /** A global that is made when it is first used. A script may also put its own in that place. */
  function lazy(name, from) {
    accessor.get = () => put(name, load(from)[name]);
    accessor.set = (value) => put(name, value);
    defineProperty(world, name, accessor);
  }

  const accessor = { get: undefined, set: undefined, configurable: true };
  for (let at = 0; at < globals.length; at += 2) lazy(globals[at], globals[at + 1]);
  // A function there would be shown the functions on the stack, and those of the host stand on it.
  delete Error.prepareStackTrace;

  return deliver;
})
