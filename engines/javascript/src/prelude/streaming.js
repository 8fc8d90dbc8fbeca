// How a `ReadableStream` moves: its queue, its readers and its controller, as in the Streams
// standard.
(function (native, shared) {
  "use strict";

  const { load, tag } = shared;
  const { MAKE, ReadableStream, newState, stateOf } = load("stream");
  const { apply } = Reflect;

  class ReadableStreamDefaultReader {
    #reader;

    constructor(stream) {
      this.#reader = acquire(stateOf(stream));
    }

    get closed() {
      return this.#reader.closed.promise;
    }

    read() {
      return next(this.#reader);
    }

    async cancel(reason) {
      return cancel(held(this.#reader), reason);
    }

    releaseLock() {
      release(this.#reader);
    }
  }

  class ReadableStreamDefaultController {
    #state;

    constructor(proof, state) {
      if (proof !== MAKE) throw new TypeError("Illegal constructor");
      this.#state = state;
    }

    get desiredSize() {
      return desiredSize(this.#state);
    }

    close() {
      const state = this.#state;
      if (!isOpen(state)) throw new TypeError("the stream is closed already");
      close(state);
    }

    enqueue(chunk) {
      const state = this.#state;
      if (!isOpen(state)) throw new TypeError("the stream is closed: nothing more can be enqueued");
      enqueue(state, chunk);
    }

    error(reason) {
      fail(this.#state, reason);
    }
  }

  /** Starts a stream upon an underlying source of a script. */
  function begin(state, source, strategy) {
    const { highWaterMark = 1, size } = strategy ?? {};
    state.highWaterMark = +highWaterMark;
    state.size = size;
    state.started = false;
    if (!(state.highWaterMark >= 0)) throw new RangeError("highWaterMark is a number of 0 or more");
    if (size !== undefined && typeof size !== "function") throw new TypeError("size is a function");
    if (source === null) throw new TypeError("the source of a stream is an object");
    const { start, pull, cancel, type } = source ?? {};
    if (type !== undefined) throw new TypeError(`streams of type "${type}" are not supported`);
    for (const method of [start, pull, cancel]) {
      if (method !== undefined && typeof method !== "function") {
        throw new TypeError("start, pull and cancel of a stream's source are functions");
      }
    }
    const controller = new ReadableStreamDefaultController(MAKE, state);
    if (pull !== undefined) state.pull = () => apply(pull, source, [controller]);
    if (cancel !== undefined) state.cancel = (reason) => apply(cancel, source, [reason]);
    const begun = start === undefined ? undefined : apply(start, source, [controller]);
    (async () => {
      try {
        await begun;
        state.started = true;
        pullIfNeeded(state);
      } catch (error) {
        fail(state, error);
      }
    })();
  }

  /** A stream of the prelude's own, which makes its chunks only when they are asked for. */
  function byDemand(pull, cancel) {
    const state = newState();
    state.pull = () => pull(state);
    state.cancel = cancel;
    return new ReadableStream(MAKE, state);
  }

  const isOpen = (state) => state.status === "readable" && !state.closing;

  function desiredSize(state) {
    if (state.status === "errored") return null;
    return state.status === "closed" ? 0 : state.highWaterMark - state.queued;
  }

  function enqueue(state, chunk) {
    if (state.reader?.requests.length > 0) {
      state.reader.requests.shift().chunk(chunk);
    } else {
      try {
        const { size: measure } = state;
        const size = measure === undefined ? 1 : +measure(chunk);
        if (!(size >= 0) || size === Infinity) throw new RangeError("a chunk's size is a number");
        state.queue[state.queue.length] = { chunk, size };
        state.queued += size;
      } catch (error) {
        fail(state, error);
        throw error;
      }
    }
    pullIfNeeded(state);
  }

  function close(state) {
    state.closing = true;
    if (state.queue.length === 0) finish(state);
  }

  function finish(state) {
    state.status = "closed";
    state.pull = state.cancel = undefined;
    const { reader } = state;
    if (reader === undefined) return;
    for (const request of reader.requests.splice(0)) request.done();
    reader.closed.resolve(undefined);
  }

  function fail(state, error) {
    if (state.status !== "readable") return;
    state.status = "errored";
    state.error = error;
    state.queue = [];
    state.queued = 0;
    state.pull = state.cancel = undefined;
    const { reader } = state;
    if (reader === undefined) return;
    for (const request of reader.requests.splice(0)) request.fail(error);
    reader.closed.reject(error);
  }

  function pullIfNeeded(state) {
    const asked = state.reader?.requests.length > 0;
    if (!isOpen(state) || !state.started) return;
    if (!asked && !(desiredSize(state) > 0)) return;
    if (state.pulling) state.pullAgain = true;
    else pull(state);
  }

  async function pull(state) {
    state.pulling = true;
    try {
      await state.pull?.();
      state.pulling = false;
      if (state.pullAgain) {
        state.pullAgain = false;
        pullIfNeeded(state);
      }
    } catch (error) {
      fail(state, error);
    }
  }

  async function cancel(state, reason) {
    touch(state);
    if (state.status === "errored") throw state.error;
    if (state.status === "closed") return;
    const stop = state.cancel;
    state.queue = [];
    state.queued = 0;
    finish(state);
    await stop?.(reason);
  }

  /** Marks a stream as read. One that stands for a body begins to give its chunks with that. */
  function touch(state) {
    const { content, from: call } = state;
    state.disturbed = true;
    state.content = undefined;
    if (typeof content === "number") {
      state.cancel = () => native("close", content);
      state.pull = async () => {
        const chunk = await load("effects").readChunk(content, call);
        if (chunk === null) close(state);
        else enqueue(state, chunk);
      };
    } else if (content !== undefined) {
      const bytes = typeof content === "string" ? native("utf8_encode", content) : content;
      if (bytes.byteLength > 0) enqueue(state, bytes);
      close(state);
    }
  }

  // Readers

  function acquire(state) {
    if (state.reader !== undefined) throw new TypeError("the stream has a reader already");
    const reader = { __proto__: null, state, requests: [], closed: deferred() };
    if (state.status === "closed") reader.closed.resolve(undefined);
    if (state.status === "errored") reader.closed.reject(state.error);
    state.reader = reader;
    return reader;
  }

  function deferred() {
    const parts = { __proto__: null };
    parts.promise = new Promise((resolve, reject) => {
      parts.resolve = resolve;
      parts.reject = reject;
    });
    // Nobody need look at `closed`: that it is rejected is no failure that was overlooked.
    parts.promise.then(undefined, () => {});
    return parts;
  }

  /** The stream of a reader that has not let go of it. */
  function held(reader) {
    if (reader.state === undefined) throw new TypeError("the reader has released its stream");
    return reader.state;
  }

  function release(reader) {
    if (reader.state === undefined) return;
    const error = new TypeError("the reader has released its stream");
    if (reader.state.status === "readable") reader.closed.reject(error);
    else (reader.closed = deferred()).reject(error);
    reader.state.reader = undefined;
    reader.state = undefined;
    for (const request of reader.requests.splice(0)) request.fail(error);
  }

  /** Asks for a chunk; `request` is told by one of its functions `chunk`, `done` and `fail`. */
  function ask(state, request) {
    touch(state);
    if (state.status === "closed") return request.done();
    if (state.status === "errored") return request.fail(state.error);
    if (state.queue.length === 0) {
      state.reader.requests.push(request);
      return pullIfNeeded(state);
    }
    const { chunk, size } = state.queue.shift();
    state.queued = Math.max(0, state.queued - size);
    if (state.closing && state.queue.length === 0) finish(state);
    else pullIfNeeded(state);
    request.chunk(chunk);
  }

  function next(reader) {
    return new Promise((resolve, reject) => {
      ask(held(reader), {
        __proto__: null,
        chunk: (value) => resolve({ value, done: false }),
        done: () => resolve({ value: undefined, done: true }),
        fail: reject,
      });
    });
  }

  function readerOf(stream, options) {
    if (options?.mode === undefined) return new ReadableStreamDefaultReader(stream);
    throw new TypeError("streams have default readers only");
  }

  /** An iterator that has the stream locked from now on. */
  function iterate(state, options) {
    return chunks(acquire(state), Boolean(options?.preventCancel));
  }

  async function* chunks(reader, preventCancel) {
    let ended = false;
    try {
      for (;;) {
        const { value, done } = await next(reader);
        if (done) break;
        yield value;
      }
      ended = true;
    } catch (error) {
      ended = true;
      throw error;
    } finally {
      const { state } = reader;
      release(reader);
      if (!ended && !preventCancel) await cancel(state);
    }
  }

  tag(ReadableStreamDefaultReader, "ReadableStreamDefaultReader");
  tag(ReadableStreamDefaultController, "ReadableStreamDefaultController");

  return {
    __proto__: null,
    acquire,
    ask,
    begin,
    byDemand,
    cancel,
    close,
    deferred,
    enqueue,
    fail,
    iterate,
    next,
    readerOf,
    touch,
  };
})
