// Streams that are made of iterables or of other streams, and streams as bodies.
(function (native, shared) {
  "use strict";

  const { load } = shared;
  const { effect, hold } = load("effects");
  const { from, seize, stateOf, untouched } = load("stream");
  const { acquire, ask, byDemand, cancel, close, deferred, enqueue, fail, next, touch } =
    load("streaming");
  const { apply } = Reflect;

  function fromIterable(iterable) {
    const method = iterable[Symbol.asyncIterator] ?? iterable[Symbol.iterator];
    if (typeof method !== "function") throw new TypeError("ReadableStream.from needs an iterable");
    const iterator = apply(method, iterable, []);
    const pull = async (state) => {
      const result = await iterator.next();
      if (typeof result !== "object" || result === null) {
        throw new TypeError("not an iterator result");
      }
      if (result.done) close(state);
      else enqueue(state, await result.value);
    };
    return byDemand(pull, (reason) => iterator.return?.(reason));
  }

  // Two streams of one

  /**
   * With `copies` the second stream gets chunks of its own, so that neither sees the other's
   * changes.
   */
  function tee(stream, copies) {
    const source = stateOf(stream);
    const reader = acquire(source);
    const branches = [];
    const cancelled = [];
    const allCancelled = deferred();
    let reading = false;
    let again = false;

    const each = (tell) => {
      for (const at of [0, 1]) if (cancelled[at] === undefined) tell(stateOf(branches[at]), at);
    };
    const pullBoth = () => {
      again = reading;
      if (reading) return;
      reading = true;
      ask(source, {
        __proto__: null,
        // A turn later, so that an error that comes at the same time is not overtaken.
        chunk: async (chunk) => {
          await undefined;
          each((state, at) => enqueue(state, copies && at === 1 ? chunk.slice() : chunk));
          reading = false;
          if (again) pullBoth();
        },
        done: () => {
          each(close);
          allCancelled.resolve(undefined);
        },
        fail() {},
      });
    };
    const cancelOne = (at) => (reason) => {
      cancelled[at] = { reason };
      if (cancelled[0] && cancelled[1]) {
        allCancelled.resolve(cancel(source, [cancelled[0].reason, cancelled[1].reason]));
      }
      return allCancelled.promise;
    };

    branches[0] = byDemand(pullBoth, cancelOne(0));
    branches[1] = byDemand(pullBoth, cancelOne(1));
    (async () => {
      try {
        await reader.closed.promise;
      } catch (error) {
        each((state) => fail(state, error));
        allCancelled.resolve(undefined);
      }
    })();
    return branches;
  }

  // Bodies

  /** Writes a stream to a pipe of the host and gives the number of the pipe. */
  function pipe(state) {
    const handle = native("pipe");
    hold(pump(acquire(state), handle), "the stream of a body failed");
    return handle;
  }

  async function pump(reader, handle) {
    const { state } = reader;
    for (;;) {
      let result;
      try {
        result = await next(reader);
        if (!result.done) chunkOf(result.value);
      } catch (error) {
        native("fail", handle, load("errors").messageOf(error));
        if (state.status === "readable") cancel(state, error);
        throw error;
      }
      if (result.done) return native("close", handle);
      if (result.value.byteLength === 0) continue;
      try {
        await effect("write", handle, result.value);
      } catch (error) {
        // Nobody reads on, which is no failure of the script's.
        return cancel(state, error);
      }
    }
  }

  function chunkOf(value) {
    if (value instanceof Uint8Array) return value;
    throw new TypeError(
      "the chunks of a body's stream are Uint8Arrays: encode text by TextEncoder",
    );
  }

  /** All bytes of a stream. */
  async function consume(stream) {
    const state = untouched(stream);
    const { from: call } = state;
    const content = seize(state);
    if (typeof content === "number") return load("effects").readAll(content, call);
    if (content !== undefined) {
      return typeof content === "string" ? native("utf8_encode", content) : content;
    }
    const reader = acquire(state);
    const chunks = [];
    let length = 0;
    for (;;) {
      const { value, done } = await next(reader);
      if (done) break;
      length += chunkOf(value).byteLength;
      chunks[chunks.length] = value;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.byteLength;
    }
    return bytes;
  }

  /** A new stream in place of this one, which is used up with that. */
  function relay(stream) {
    const state = untouched(stream);
    const content = seize(state);
    if (content !== undefined) return from(content, state.from);
    const reader = acquire(state);
    touch(state);
    const pull = async (into) => {
      const { value, done } = await next(reader);
      if (done) close(into);
      else enqueue(into, value);
    };
    return byDemand(pull, (reason) => cancel(state, reason));
  }

  return { __proto__: null, consume, fromIterable, pipe, relay, tee };
})
