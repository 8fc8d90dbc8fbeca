// Values that cannot be written as JSON: loaded only when one has come.
(function (native, shared) {
  "use strict";

  const { load, stringify } = shared;

  /** A value that JSON has no form for. */
  class NotJson extends TypeError {}

  /** JSON text; an error says what stands in the way and where. */
  function toJson(value) {
    let text;
    try {
      text = stringify(value);
    } catch (error) {
      throw explain(value, error);
    }
    if (text === undefined) {
      throw new NotJson(`JSON has no form for ${load("inspect").kind(value)}`);
    }
    return text;
  }

  /** The error to throw in place of `error`, which the engine threw for `value`. */
  function explain(value, error) {
    try {
      const found = find(value, "value", new Map());
      return found === undefined ? error : new NotJson(found);
    } catch {
      return error; // a getter that throws, or nesting too deep
    }
  }

  /** The path of the first value that stands in the way and what is wrong with it, or undefined. */
  function find(value, path, above) {
    if (typeof value === "bigint") {
      return `it holds a BigInt at ${path}: convert it by String(…) or Number(…)`;
    }
    if (typeof value !== "object" || value === null || typeof value.toJSON === "function") {
      return undefined;
    }
    if (above.has(value)) return `it is cyclic: ${path} is ${above.get(value)} again`;
    above.set(value, path);
    for (const key of Object.keys(value)) {
      const next = Array.isArray(value) ? `${path}[${key}]` : path + step(key);
      const found = find(value[key], next, above);
      if (found !== undefined) return found;
    }
    above.delete(value);
    return undefined;
  }

  const step = (key) => (/^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${stringify(key)}]`);

  /** Ends the run if a result had no JSON form; what a getter of the script threw, goes on. */
  function refuse(error) {
    if (!(error instanceof NotJson)) throw error;
    load("effects").unusable(`the script's result cannot be sent: ${error.message}`);
    throw shared.OVER;
  }

  return { __proto__: null, refuse, toJson };
})
