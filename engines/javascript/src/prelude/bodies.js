// Bodies of requests and responses beyond reading them once: as streams, twice, and used up.
(function (native, shared) {
  "use strict";

  const { load } = shared;
  const { ADOPT, Request, Response, stateOf } = load("fetch");
  const READ = "the body has been read already, or is being read: clone() before reading gives two";

  const isNull = (state) =>
    state.content === undefined && state.stream === undefined && !state.used;
  const isUsed = (state) =>
    state.stream === undefined ? state.used : load("stream").isDisturbed(state.stream);

  function checkUnused(state) {
    if (isUsed(state) || (state.stream !== undefined && load("stream").isLocked(state.stream))) {
      throw new TypeError(READ);
    }
  }

  /** The stream of a body; null when there is none. */
  function streamOf(state) {
    if (state.stream === undefined && !isNull(state)) {
      const { from, spent } = load("stream");
      state.stream = state.used ? spent() : from(state.content, state.from);
      state.content = undefined;
    }
    return state.stream ?? null;
  }

  /** Puts a BodyInit into a state, with the content type that it has by itself. */
  function setBody(state, init, textType) {
    let type;
    if (shared.isStream?.(init)) {
      state.stream = init;
      checkUnused(state);
    } else if (ArrayBuffer.isView(init) || init instanceof ArrayBuffer) {
      state.content = load("values").bytesOf(init).slice();
    } else {
      state.content = `${init}`;
      type = shared.isSearchParams?.(init)
        ? "application/x-www-form-urlencoded;charset=UTF-8"
        : textType;
    }
    if (type === undefined) return;
    for (let at = 0; at < state.flat.length; at += 2) if (state.flat[at] === "content-type") return;
    state.flat.push("content-type", type);
  }

  /** Takes the body out, in the form in which the host takes it. */
  function take(state) {
    checkUnused(state);
    return load("stream").take(state.stream);
  }

  async function consume(state) {
    checkUnused(state);
    return load("stream_body").consume(state.stream);
  }

  /** Moves a body to another state; here it counts as used. */
  function move(state, to) {
    checkUnused(state);
    to.from = state.from;
    if (state.stream !== undefined) {
      to.stream = load("stream_body").relay(state.stream);
    } else {
      to.content = state.content;
      state.content = undefined;
      state.used = true;
    }
  }

  function clone(object) {
    const state = stateOf(object);
    checkUnused(state);
    const copy = { ...state, flat: [...state.flat], headers: undefined };
    if (typeof state.content === "number" || state.stream !== undefined) {
      const both = load("stream_body").tee(streamOf(state), true);
      state.stream = both[0];
      copy.stream = both[1];
      copy.content = undefined;
    } else if (state.content instanceof Uint8Array) {
      copy.content = state.content.slice();
    }
    if (state.response) return new Response(ADOPT, copy);
    copy.source = state.signal ?? state.source;
    copy.signal = undefined;
    return new Request(ADOPT, copy);
  }

  /** Bytes that have their buffer for themselves. */
  function exact(bytes) {
    return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
  }

  return { __proto__: null, clone, consume, exact, isNull, isUsed, move, setBody, streamOf, take };
})
