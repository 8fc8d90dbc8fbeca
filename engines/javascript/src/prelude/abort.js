// `AbortController` and `AbortSignal` of the DOM standard, and how operations follow a signal.
(function (native, shared) {
  "use strict";

  const { begin, job, load, tag } = shared;
  const { giveUp } = load("effects");
  const { DOMException } = load("exception");
  const { EventTarget, announce } = load("events");
  const MAKE = {}; // proves that a construction is internal
  let signalOf; // undefined for what is no signal

  class AbortSignal extends EventTarget {
    #signal = {
      __proto__: null,
      aborted: false,
      reason: undefined,
      steps: new Set(), // what follows the signal inside the prelude: told before listeners
      sources: new Set(), // the signals that this one depends on, none of which depends on others
      dependents: new Set(),
      handler: undefined,
    };

    constructor(proof) {
      if (proof !== MAKE) throw new TypeError("signals come from an AbortController");
      super();
    }

    static abort(reason) {
      const signal = new AbortSignal(MAKE);
      abort(signal, reason);
      return signal;
    }

    static any(signals) {
      return dependent(...[...signals].map(checked));
    }

    static timeout(ms) {
      const delay = +ms;
      if (!(delay >= 0 && delay <= Number.MAX_SAFE_INTEGER)) {
        throw new TypeError("AbortSignal.timeout needs a number of milliseconds");
      }
      const signal = new AbortSignal(MAKE);
      const late = () => abort(signal, new DOMException("the time was up", "TimeoutError"));
      begin(job(undefined, late), "timer", Math.min(delay, 0x7fffffff));
      return signal;
    }

    get aborted() {
      return this.#signal.aborted;
    }

    get reason() {
      return this.#signal.reason;
    }

    throwIfAborted() {
      if (this.#signal.aborted) throw this.#signal.reason;
    }

    get onabort() {
      return this.#signal.handler ?? null;
    }

    set onabort(handler) {
      const signal = this.#signal;
      if (signal.handler === undefined) {
        this.addEventListener("abort", (event) => signal.handler?.call(this, event));
      }
      signal.handler = typeof handler === "function" ? handler : null;
    }

    static {
      signalOf = (value) =>
        typeof value === "object" && value !== null && #signal in value ? value.#signal : undefined;
    }
  }

  class AbortController {
    #signal = new AbortSignal(MAKE);

    get signal() {
      return this.#signal;
    }

    abort(reason) {
      abort(this.#signal, reason);
    }
  }

  function checked(value) {
    if (signalOf(value) === undefined) throw new TypeError("a signal is an AbortSignal");
    return value;
  }

  /** Aborts a signal and those that depend on it. All know the reason before anybody is told. */
  function abort(signal, reason) {
    const state = signalOf(signal);
    if (state.aborted) return;
    const why = reason === undefined ? new DOMException("it was aborted", "AbortError") : reason;
    const told = [signal];
    for (const other of state.dependents) if (!signalOf(other).aborted) told.push(other);
    for (const each of told) {
      signalOf(each).aborted = true;
      signalOf(each).reason = why;
    }
    for (const each of told) {
      const { steps, dependents } = signalOf(each);
      for (const step of steps) step();
      steps.clear();
      dependents.clear();
      announce(each, "abort");
    }
  }

  /** A signal that is aborted when the first of the others is; they may also be undefined. */
  function dependent(...signals) {
    const signal = new AbortSignal(MAKE);
    const state = signalOf(signal);
    const first = signals.find((each) => signalOf(each)?.aborted);
    if (first !== undefined) {
      state.aborted = true;
      state.reason = signalOf(first).reason;
      return signal;
    }
    for (const each of signals) {
      const sources = signalOf(each)?.sources ?? [];
      for (const source of sources.size === 0 ? [each] : sources) {
        state.sources.add(source);
        signalOf(source).dependents.add(signal);
      }
    }
    return signal;
  }

  /** Has `step` run when the signal is aborted; gives what undoes that. */
  function follow(signal, step) {
    const { steps } = signalOf(signal);
    steps.add(step);
    return () => steps.delete(step);
  }

  /** Has a job given up when the signal is aborted, until its promise settles. */
  async function attend(signal, job, promise) {
    const leave = follow(signal, () => giveUp(job, signalOf(signal).reason));
    try {
      await promise;
    } catch {
      // Whoever has the promise sees to that.
    }
    leave();
  }

  /** The promise of a job that `start` begins, unless the signal is aborted already. */
  function guarded(signal, start) {
    let begun;
    const promise = new Promise((settle, reject) => {
      const { aborted, reason } = signalOf(signal);
      if (aborted) reject(reason);
      else begun = start(settle, reject);
    });
    if (begun !== undefined) attend(signal, begun, promise);
    return promise;
  }

  tag(AbortSignal, "AbortSignal");
  tag(AbortController, "AbortController");

  return {
    __proto__: null,
    AbortController,
    AbortSignal,
    attend,
    checked,
    dependent,
    follow,
    guarded,
  };
})
