// Timers, microtasks, and the `fetch` that is not there.
(function (native, shared) {
  "use strict";

  const { begin, forget, job, load } = shared;
  const LONGEST = 0x7fffffff;

  let run; // the run that the timers belong to
  let jobs; // what setTimeout gave -> job

  function timer(callback, ms, args, repeats) {
    if (typeof callback !== "function") throw new TypeError("a timer needs a function to call");
    if (run !== shared.run) {
      run = shared.run;
      jobs = { __proto__: null };
    }
    const least = repeats ? 1 : 0;
    const delay = ms > least ? (ms < LONGEST ? +ms : LONGEST) : least;
    const made = job(undefined, tick);
    begin(made, "timer", delay);
    const id = made.op;
    jobs[id] = made;

    function tick() {
      if (repeats) begin(made, "timer", delay);
      else delete jobs[id];
      guard(() => callback(...args), "a timer's function threw");
    }
    return id;
  }

  /** What a callback throws is its own affair: the run goes on. */
  function guard(callback, what) {
    try {
      callback();
    } catch (error) {
      load("errors").report(what, error);
    }
  }

  function clearTimeout(id) {
    const made = run === shared.run ? jobs?.[id] : undefined;
    if (made === undefined) return;
    delete jobs[id];
    if (forget(made)) native("cancel", made.op);
  }

  function setTimeout(callback, ms, ...args) {
    return timer(callback, ms, args, false);
  }

  function setInterval(callback, ms, ...args) {
    return timer(callback, ms, args, true);
  }

  function clearInterval(id) {
    clearTimeout(id);
  }

  // In place of the engine's own, where there is one: that would end the run with what is thrown.
  function queueMicrotask(callback) {
    if (typeof callback !== "function") throw new TypeError("queueMicrotask needs a function");
    (async () => {
      await undefined;
      guard(() => callback(), "a microtask threw");
    })();
  }

  async function fetch() {
    throw new TypeError(
      "scripts reach modules only: call env.NAME.fetch(path, init), or host.call(name, options)",
    );
  }

  return {
    __proto__: null,
    clearInterval,
    clearTimeout,
    fetch,
    queueMicrotask,
    setInterval,
    setTimeout,
  };
})
