// `Event` and `EventTarget` as `AbortSignal` needs them: there is no tree, and so only one phase.
(function (native, shared) {
  "use strict";

  const { load, tag } = shared;
  const { apply } = Reflect;
  const { DOMException } = load("exception");
  let announce;
  let eventOf;

  class Event {
    #event;

    constructor(type, init) {
      if (arguments.length === 0) throw new TypeError("an Event needs a type");
      this.#event = {
        __proto__: null,
        type: `${type}`,
        bubbles: Boolean(init?.bubbles),
        cancelable: Boolean(init?.cancelable),
        composed: Boolean(init?.composed),
        target: null,
        current: null,
        time: native("now"),
        dispatching: false,
        passive: false,
        prevented: false,
        stopped: false,
        trusted: false,
      };
    }

    get type() {
      return this.#event.type;
    }

    get bubbles() {
      return this.#event.bubbles;
    }

    get cancelable() {
      return this.#event.cancelable;
    }

    get composed() {
      return this.#event.composed;
    }

    get target() {
      return this.#event.target;
    }

    get currentTarget() {
      return this.#event.current;
    }

    get eventPhase() {
      return this.#event.dispatching ? 2 : 0;
    }

    get timeStamp() {
      return this.#event.time;
    }

    get isTrusted() {
      return this.#event.trusted;
    }

    get defaultPrevented() {
      return this.#event.prevented;
    }

    preventDefault() {
      const event = this.#event;
      if (event.cancelable && !event.passive) event.prevented = true;
    }

    stopPropagation() {}

    stopImmediatePropagation() {
      this.#event.stopped = true;
    }

    composedPath() {
      return this.#event.current === null ? [] : [this.#event.current];
    }

    static {
      eventOf = (object) => object.#event;
    }
  }

  class EventTarget {
    #listeners = []; // { type, callback, capture, once, passive, removed }

    addEventListener(type, callback, options) {
      const given =
        typeof options === "object" && options !== null ? options : { capture: options };
      const { signal } = given;
      if (signal !== undefined) load("abort").checked(signal);
      if (callback === null || callback === undefined || signal?.aborted) return;
      if (typeof callback !== "function" && typeof callback !== "object") {
        throw new TypeError("a listener is a function, or an object with handleEvent");
      }
      const listener = {
        __proto__: null,
        type: `${type}`,
        callback,
        capture: Boolean(given.capture),
        once: Boolean(given.once),
        passive: Boolean(given.passive),
        removed: false,
      };
      if (this.#find(listener) >= 0) return;
      this.#listeners.push(listener);
      if (signal !== undefined) load("abort").follow(signal, () => this.#remove(listener));
    }

    removeEventListener(type, callback, options) {
      const capture = Boolean(
        typeof options === "object" && options !== null ? options.capture : options,
      );
      this.#remove({ type: `${type}`, callback, capture });
    }

    dispatchEvent(object) {
      const event = eventOf(object);
      if (event.dispatching) throw new DOMException("dispatched already", "InvalidStateError");
      event.trusted = false;
      return this.#dispatch(object, event);
    }

    #dispatch(object, event) {
      event.dispatching = true;
      event.target = event.current = this;
      for (const listener of this.#listeners.slice()) {
        if (event.stopped) break;
        if (listener.removed || listener.type !== event.type) continue;
        if (listener.once) this.#remove(listener);
        event.passive = listener.passive;
        inform(this, listener.callback, object);
        event.passive = false;
      }
      event.current = null;
      event.dispatching = event.stopped = false;
      return !event.prevented;
    }

    #find({ type, callback, capture }) {
      return this.#listeners.findIndex(
        (known) => known.type === type && known.callback === callback && known.capture === capture,
      );
    }

    #remove(listener) {
      const at = this.#find(listener);
      if (at >= 0) this.#listeners.splice(at, 1)[0].removed = true;
    }

    static {
      // Dispatches an event that is nobody's but ours.
      announce = (target, type) => {
        const object = new Event(type);
        eventOf(object).trusted = true;
        target.#dispatch(object, eventOf(object));
      };
    }
  }

  function inform(target, callback, event) {
    try {
      if (typeof callback === "function") apply(callback, target, [event]);
      else callback.handleEvent(event);
    } catch (error) {
      load("errors").report("a listener threw", error);
    }
  }

  tag(Event, "Event");
  tag(EventTarget, "EventTarget");

  return { __proto__: null, Event, EventTarget, announce };
})
