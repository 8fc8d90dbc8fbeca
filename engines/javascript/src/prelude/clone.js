// `structuredClone` of the HTML standard, for the types that the language itself has and
// DOMException.
(function (native, shared) {
  "use strict";

  const { load } = shared;
  const { DOMException } = load("exception");
  const { defineProperty, hasOwn, keys } = Object;
  const ERRORS = {
    __proto__: null,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
  };

  function structuredClone(value, options) {
    if (arguments.length === 0) throw new TypeError("structuredClone needs a value");
    const copies = new Map(); // original -> copy
    const transferred = [...(options?.transfer ?? [])];
    for (const buffer of transferred) {
      if (!(buffer instanceof ArrayBuffer) || copies.has(buffer)) {
        throw failure("only distinct ArrayBuffers can be transferred");
      }
      if (buffer.detached) throw failure("the ArrayBuffer has been transferred already");
      copies.set(buffer, buffer.slice(0));
    }
    const result = copy(value, copies);
    // Detached only now: nothing can fail any more.
    for (const buffer of transferred) buffer.transfer();
    return result;
  }

  function copy(value, copies) {
    if (typeof value === "function") throw refused(`the function ${value.name || "(anonymous)"}`);
    if (typeof value === "symbol") throw refused(String(value));
    if (typeof value !== "object" || value === null) return value;
    if (copies.has(value)) return copies.get(value);
    const made = begin(value, copies);
    if (value instanceof Map) {
      for (const [key, item] of [...value]) made.set(copy(key, copies), copy(item, copies));
    } else if (value instanceof Set) {
      for (const item of [...value]) made.add(copy(item, copies));
    } else if (value instanceof Error) {
      finishError(made, value, copies);
    } else if (Array.isArray(value) || isRecord(made)) {
      for (const key of keys(value)) put(made, key, copy(value[key], copies));
    }
    return made;
  }

  /**
   * The copy without what it holds: noted before that is copied, as it may hold the original again.
   */
  function begin(value, copies) {
    const made = shell(value, copies);
    copies.set(value, made);
    return made;
  }

  function shell(value, copies) {
    if (Array.isArray(value)) return new Array(value.length);
    if (value instanceof Map) return new Map();
    if (value instanceof Set) return new Set();
    if (value instanceof Date) return new Date(value.getTime());
    if (value instanceof RegExp) return new RegExp(value.source, value.flags);
    if (value instanceof Error) return errorLike(value);
    if (value instanceof ArrayBuffer) return bufferLike(value);
    if (ArrayBuffer.isView(value)) return viewLike(value, copies);
    const wraps = [Boolean, Number, String, BigInt].some((kind) => value instanceof kind);
    if (wraps) return Object(value.valueOf());
    if (value instanceof Symbol || isForeign(value)) throw refused(value.constructor?.name ?? "it");
    return {};
  }

  const isRecord = (made) => Object.getPrototypeOf(made) === Object.prototype;

  function bufferLike(buffer) {
    if (buffer.detached) throw refused("a detached ArrayBuffer");
    return buffer.slice(0);
  }

  function viewLike(view, copies) {
    const buffer = copy(view.buffer, copies);
    const length = view instanceof DataView ? view.byteLength : view.length;
    return new (kindOf(view))(buffer, view.byteOffset, length);
  }

  // The kind of view, whatever class a script has derived from it.
  function kindOf(view) {
    if (view instanceof DataView) return DataView;
    return globalThis[view[Symbol.toStringTag]];
  }

  function errorLike(error) {
    if (error instanceof DOMException) return new DOMException(error.message, error.name);
    const kind = ERRORS[error.name] ?? Error;
    return new kind();
  }

  function finishError(made, error, copies) {
    if (error instanceof DOMException) return;
    for (const name of ["message", "stack", "cause"]) {
      if (!hasOwn(error, name)) continue;
      const value = name === "cause" ? copy(error.cause, copies) : `${error[name]}`;
      defineProperty(made, name, { value, writable: true, configurable: true });
    }
  }

  function put(object, key, value) {
    defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  }

  /** Objects that are more than the properties they show. */
  function isForeign(value) {
    return (
      [Promise, WeakMap, WeakSet, WeakRef].some((kind) => value instanceof kind) ||
      shared.isHeaders?.(value) ||
      shared.isRequest?.(value) ||
      shared.isResponse?.(value) ||
      shared.isSearchParams?.(value) ||
      shared.isStream?.(value)
    );
  }

  const failure = (message) => new DOMException(message, "DataCloneError");
  const refused = (what) => failure(`${what} could not be cloned`);

  return { __proto__: null, structuredClone };
})
