// Small things about values that several parts need.
(function () {
  "use strict";

  /** The first value of a field, or undefined. */
  function firstOf(flat, name) {
    for (let at = 0; at < flat.length; at += 2) {
      if (flat[at] === name) return flat[at + 1];
    }
    return undefined;
  }

  /** A plain object of a flat list; of several values of a name the first. */
  function pairs(flat) {
    const object = { __proto__: null };
    for (let at = 0; at < flat.length; at += 2) object[flat[at]] ??= flat[at + 1];
    return object;
  }

  /** Bytes of an ArrayBuffer or a view of one, without a copy; undefined for anything else. */
  function bytesOf(value) {
    if (value instanceof Uint8Array) return value;
    if (value instanceof ArrayBuffer) return new Uint8Array(value);
    if (!ArrayBuffer.isView(value)) return undefined;
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }

  function required(given, count, method) {
    if (given < count) {
      throw new TypeError(`${method} needs ${count} argument${count > 1 ? "s" : ""}`);
    }
  }

  return { __proto__: null, bytesOf, firstOf, pairs, required };
})
