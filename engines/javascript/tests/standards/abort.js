// `AbortController`, `AbortSignal`, `EventTarget` and `DOMException` by the DOM and Web IDL
// standards.
//
// Each case throws when it fails; a case may give a promise. `known` names the cases that fail by
// design.

export const known = {
  "events bubble": "there is no tree of targets here, so an event has no way to go",
};

function equal(actual, expected) {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${one} instead of ${other}`);
}

function throws(kind, action) {
  try {
    action();
  } catch (error) {
    if (typeof kind === "string" ? error.name === kind : error instanceof kind) return error;
    throw new Error(`${error} instead of a ${kind.name ?? kind}`);
  }
  throw new Error(`nothing thrown instead of a ${kind.name ?? kind}`);
}

const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default {
  "a controller has one signal": () => {
    const controller = new AbortController();
    equal(controller.signal === controller.signal, true);
    equal(controller.signal instanceof AbortSignal, true);
    equal(controller.signal instanceof EventTarget, true);
    equal([controller.signal.aborted, controller.signal.reason], [false, undefined]);
  },
  "a signal has no constructor": () => throws(TypeError, () => new AbortSignal()),
  "abort tells the listeners once": () => {
    const controller = new AbortController();
    const { signal } = controller;
    const seen = [];
    signal.addEventListener("abort", (event) => {
      seen.push(event.type, event.target === signal, event.isTrusted, signal.aborted);
    });
    controller.abort();
    controller.abort();
    equal(seen, ["abort", true, true, true]);
  },
  "onabort is a listener too": () => {
    const controller = new AbortController();
    const seen = [];
    equal(controller.signal.onabort, null);
    controller.signal.onabort = () => seen.push("never");
    controller.signal.onabort = function (event) {
      seen.push(event.type, this === controller.signal);
    };
    controller.abort();
    equal(seen, ["abort", true]);
  },
  "the reason is an AbortError by default": () => {
    const controller = new AbortController();
    controller.abort();
    const { reason } = controller.signal;
    equal([reason instanceof DOMException, reason.name, reason.code], [true, "AbortError", 20]);
  },
  "the reason is whatever was given": () => {
    for (const reason of ["text", 0, null, new Error("e")]) {
      const controller = new AbortController();
      controller.abort(reason);
      equal(controller.signal.reason === reason, true);
    }
  },
  "the first reason stays": () => {
    const controller = new AbortController();
    controller.abort("one");
    controller.abort("two");
    equal(controller.signal.reason, "one");
  },
  throwIfAborted: () => {
    const controller = new AbortController();
    controller.signal.throwIfAborted();
    const reason = new RangeError("r");
    controller.abort(reason);
    equal(throws(RangeError, () => controller.signal.throwIfAborted()) === reason, true);
  },
  "AbortSignal.abort": () => {
    equal([AbortSignal.abort().aborted, AbortSignal.abort().reason.name], [true, "AbortError"]);
    equal(AbortSignal.abort("r").reason, "r");
  },
  "AbortSignal.timeout": async () => {
    const signal = AbortSignal.timeout(5);
    equal(signal.aborted, false);
    await soon(30);
    equal([signal.aborted, signal.reason.name, signal.reason.code], [true, "TimeoutError", 23]);
    for (const wrong of [-1, NaN, "x", Infinity])
      throws(TypeError, () => AbortSignal.timeout(wrong));
  },
  "AbortSignal.any follows each": () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const signal = AbortSignal.any([one.signal, two.signal]);
    equal(signal.aborted, false);
    two.abort("two");
    equal([signal.aborted, signal.reason, one.signal.aborted], [true, "two", false]);
  },
  "AbortSignal.any of none and of aborted ones": () => {
    equal(AbortSignal.any([]).aborted, false);
    const signal = AbortSignal.any([AbortSignal.abort("a"), AbortSignal.abort("b")]);
    equal([signal.aborted, signal.reason], [true, "a"]);
    throws(TypeError, () => AbortSignal.any([{}]));
    throws(TypeError, () => AbortSignal.any());
  },
  "AbortSignal.any of such signals": () => {
    const controller = new AbortController();
    const outer = AbortSignal.any([
      AbortSignal.any([controller.signal]),
      new AbortController().signal,
    ]);
    const seen = [];
    outer.addEventListener("abort", () => seen.push("outer"));
    controller.signal.addEventListener("abort", () => seen.push("source"));
    controller.abort();
    equal([seen, outer.aborted], [["source", "outer"], true]);
  },
  "dependent signals are aborted before anybody is told": () => {
    const controller = new AbortController();
    const dependent = AbortSignal.any([controller.signal]);
    let seen;
    controller.signal.addEventListener("abort", () => (seen = dependent.aborted));
    controller.abort();
    equal(seen, true);
  },

  "listeners are called in order, each once": () => {
    const target = new EventTarget();
    const seen = [];
    const first = () => seen.push(1);
    target.addEventListener("x", first);
    target.addEventListener("x", () => seen.push(2));
    target.addEventListener("x", first);
    target.addEventListener("y", () => seen.push(3));
    target.dispatchEvent(new Event("x"));
    equal(seen, [1, 2]);
  },
  "capture tells listeners apart": () => {
    const target = new EventTarget();
    let count = 0;
    const listener = () => count++;
    target.addEventListener("x", listener);
    target.addEventListener("x", listener, true);
    target.removeEventListener("x", listener, { capture: true });
    target.dispatchEvent(new Event("x"));
    equal(count, 1);
  },
  once: () => {
    const target = new EventTarget();
    let count = 0;
    target.addEventListener("x", () => count++, { once: true });
    target.dispatchEvent(new Event("x"));
    target.dispatchEvent(new Event("x"));
    equal(count, 1);
  },
  "a listener may be an object": () => {
    const target = new EventTarget();
    const listener = {
      handleEvent(event) {
        this.seen = event.type;
      },
    };
    target.addEventListener("x", listener);
    target.dispatchEvent(new Event("x"));
    equal(listener.seen, "x");
  },
  "a listener may be removed by another": () => {
    const target = new EventTarget();
    const seen = [];
    const second = () => seen.push(2);
    target.addEventListener("x", () => target.removeEventListener("x", second));
    target.addEventListener("x", second);
    target.dispatchEvent(new Event("x"));
    equal(seen, []);
  },
  "a signal removes a listener": () => {
    const target = new EventTarget();
    const controller = new AbortController();
    let count = 0;
    target.addEventListener("x", () => count++, { signal: controller.signal });
    target.addEventListener("x", () => count++, { signal: AbortSignal.abort() });
    target.dispatchEvent(new Event("x"));
    controller.abort();
    target.dispatchEvent(new Event("x"));
    equal(count, 1);
  },
  preventDefault: () => {
    const target = new EventTarget();
    target.addEventListener("x", (event) => event.preventDefault());
    equal(target.dispatchEvent(new Event("x", { cancelable: true })), false);
    equal(target.dispatchEvent(new Event("x")), true);
  },
  "a passive listener prevents nothing": () => {
    const target = new EventTarget();
    target.addEventListener("x", (event) => event.preventDefault(), { passive: true });
    equal(target.dispatchEvent(new Event("x", { cancelable: true })), true);
  },
  stopImmediatePropagation: () => {
    const target = new EventTarget();
    const seen = [];
    target.addEventListener("x", (event) => {
      seen.push(1);
      event.stopImmediatePropagation();
    });
    target.addEventListener("x", () => seen.push(2));
    target.dispatchEvent(new Event("x"));
    equal(seen, [1]);
  },
  "a listener that throws does not stop the others": () => {
    const target = new EventTarget();
    const seen = [];
    target.addEventListener("x", () => {
      throw new Error("thrown by a listener on purpose");
    });
    target.addEventListener("x", () => seen.push(2));
    equal([target.dispatchEvent(new Event("x")), seen], [true, [2]]);
  },
  "an event knows its target while it is dispatched": () => {
    const target = new EventTarget();
    const event = new Event("x");
    let during;
    target.addEventListener("x", () => {
      during = [event.currentTarget === target, event.eventPhase, event.composedPath().length];
      throws("InvalidStateError", () => target.dispatchEvent(event));
    });
    equal([event.target, event.eventPhase], [null, 0]);
    target.dispatchEvent(event);
    equal(during, [true, 2, 1]);
    equal([event.target === target, event.currentTarget, event.eventPhase], [true, null, 0]);
  },
  "an event has what its init says": () => {
    const event = new Event("x", { bubbles: true, cancelable: true, composed: true });
    equal([event.type, event.bubbles, event.cancelable, event.composed], ["x", true, true, true]);
    equal([event.isTrusted, event.defaultPrevented], [false, false]);
    throws(TypeError, () => new Event());
  },
  "targets can be derived": () => {
    class Mine extends EventTarget {}
    const mine = new Mine();
    let seen = false;
    mine.addEventListener("x", () => (seen = true));
    mine.dispatchEvent(new Event("x"));
    equal(seen, true);
  },
  "null is no listener": () => {
    new EventTarget().addEventListener("x", null);
    throws(TypeError, () => new EventTarget().addEventListener("x", 1));
    throws(TypeError, () => new EventTarget().dispatchEvent({}));
  },
  "events bubble": () => {
    const parent = new EventTarget();
    const child = new EventTarget();
    child.parent = parent;
    let seen = false;
    parent.addEventListener("x", () => (seen = true));
    child.dispatchEvent(new Event("x", { bubbles: true }));
    equal(seen, true);
  },

  "DOMException: defaults": () => {
    const error = new DOMException();
    equal([error.name, error.message, error.code], ["Error", "", 0]);
    equal(error instanceof Error, true);
  },
  "DOMException: names and codes": () => {
    const codes = {
      NotFoundError: 8,
      SyntaxError: 12,
      AbortError: 20,
      DataCloneError: 25,
      Other: 0,
    };
    for (const name in codes) equal(new DOMException("m", name).code, codes[name]);
    equal([DOMException.ABORT_ERR, DOMException.NOT_FOUND_ERR], [20, 8]);
    equal([DOMException.prototype.DATA_CLONE_ERR, DOMException.INDEX_SIZE_ERR], [25, 1]);
    equal([DOMException.URL_MISMATCH_ERR, DOMException.INVALID_STATE_ERR], [21, 11]);
  },
  "DOMException: is text": () => {
    equal(`${new DOMException("m", "AbortError")}`, "AbortError: m");
    equal(Object.prototype.toString.call(new DOMException()), "[object DOMException]");
  },
};
