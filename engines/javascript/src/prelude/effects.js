// Operations as promises, and what keeps a run open beside its answer.
(function (native, shared) {
  "use strict";

  const { begin, forget, job, load, release } = shared;

  /** Begins an effect. With `from`, what fails is said of that call. */
  function effect(name, a, b, from) {
    return new Promise((settle, reject) => {
      const made = job(undefined, settle, settle, reject);
      made.from = from;
      begin(made, name, a, b);
    });
  }

  /** The rest of a body; given up when the signal of the call that it comes from is aborted. */
  const readAll = (handle, from) => read(handle, true, from);

  /** The next chunk of a body, or null at its end. */
  const readChunk = (handle, from) => read(handle, false, from);

  function read(handle, all, from) {
    if (from?.signal === undefined) return effect("read", handle, all, from);
    return load("abort").guarded(from.signal, (settle, reject) => {
      const made = job(undefined, settle, settle, reject);
      made.from = from;
      made.handle = handle;
      begin(made, "read", handle, all);
      return made;
    });
  }

  /** Gives a job up that still waits for something; its promise is rejected with `reason`. */
  function giveUp(job, reason) {
    if (!forget(job)) return;
    native("cancel", job.op);
    if (job.handle !== undefined) native("close", job.handle);
    job.reject(reason);
  }

  /** Holds the run open until `promise` settles; what it is rejected with goes to the log. */
  async function hold(promise, what) {
    const { run } = shared;
    if (run === undefined || run.open === 0) return;
    run.open += 1;
    try {
      await promise;
    } catch (error) {
      load("errors").report(what, error);
    }
    release(run);
  }

  function waitUntil(promise) {
    hold(promise, "a promise given to waitUntil was rejected");
  }

  /** Ends the run because the script gave nothing that can be sent. */
  function unusable(message) {
    native("throw", "no-response", "TypeError", message, "");
  }

  return { __proto__: null, effect, readAll, readChunk, giveUp, hold, waitUntil, unusable };
})
