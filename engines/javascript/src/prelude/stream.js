// `ReadableStream` of the Streams standard, as an object. How it moves is in `streaming.js`, how it
// is made of something else in `stream_body.js`.
//
// A stream that stands for a body remembers that as `content` until somebody reads, so that an
// untouched stream can be handed on without a byte of it entering JavaScript.
(function (native, shared) {
  "use strict";

  const { load, tag } = shared;
  const MAKE = {}; // the first argument of internal constructions
  // The reader of a stream that was taken as a whole.
  const SEALED = { state: undefined, requests: [], closed: undefined };
  let stateOf;

  class ReadableStream {
    #state;

    constructor(source, strategy) {
      this.#state = source === MAKE ? strategy : newState();
      if (source !== MAKE) load("streaming").begin(this.#state, source, strategy);
    }

    static from(iterable) {
      return load("stream_body").fromIterable(iterable);
    }

    get locked() {
      return this.#state.reader !== undefined;
    }

    async cancel(reason) {
      if (this.locked) throw new TypeError("a locked stream is cancelled through its reader");
      return load("streaming").cancel(this.#state, reason);
    }

    getReader(options) {
      return load("streaming").readerOf(this, options);
    }

    tee() {
      return load("stream_body").tee(this, false);
    }

    values(options) {
      return load("streaming").iterate(this.#state, options);
    }

    static {
      stateOf = (stream) => stream.#state;
      shared.isStream = (value) => typeof value === "object" && value !== null && #state in value;
    }
  }

  Object.defineProperty(ReadableStream.prototype, Symbol.asyncIterator, {
    value: ReadableStream.prototype.values,
    writable: true,
    configurable: true,
  });
  tag(ReadableStream, "ReadableStream");

  function newState() {
    return {
      status: "readable", // or "closed" or "errored"
      error: undefined,
      content: undefined, // the body that an untouched stream stands for
      from: undefined, // the call that it answers
      disturbed: false,
      reader: undefined,
      queue: [], // { chunk, size }
      queued: 0,
      size: undefined, // a function of a chunk; without it each counts as 1
      highWaterMark: 0,
      pull: undefined,
      cancel: undefined,
      started: true,
      pulling: false,
      pullAgain: false,
      closing: false, // no more chunks will come, but some are still queued
    };
  }

  /** The stream of what a body holds: text, bytes, or the number of a body of the host. */
  function from(content, call) {
    const state = newState();
    state.content = content;
    state.from = call;
    return new ReadableStream(MAKE, state);
  }

  /** The stream of a body that was read before anybody asked for a stream. */
  function spent() {
    const stream = from("");
    seize(stateOf(stream));
    return stream;
  }

  /**
   * Takes what an untouched stream stands for, if anything; to scripts it is then read and locked.
   */
  function seize(state) {
    const { content } = state;
    if (content === undefined) return undefined;
    state.content = undefined;
    state.disturbed = true;
    state.status = "closed";
    state.reader = SEALED;
    return content;
  }

  /** The state of a stream that nobody has read of. */
  function untouched(stream) {
    const state = stateOf(stream);
    if (state.disturbed || state.reader !== undefined) {
      throw new TypeError("the stream has been read already, or is being read");
    }
    return state;
  }

  /** Takes a stream as a body for the host: what it stands for, or a pipe that it is written to. */
  function take(stream) {
    const state = untouched(stream);
    return seize(state) ?? load("stream_body").pipe(state);
  }

  return {
    __proto__: null,
    MAKE,
    ReadableStream,
    from,
    newState,
    seize,
    spent,
    stateOf,
    take,
    untouched,
    isDisturbed: (stream) => stateOf(stream).disturbed,
    isLocked: (stream) => stateOf(stream).reader !== undefined,
  };
})
