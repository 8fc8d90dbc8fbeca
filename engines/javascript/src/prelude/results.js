// What a call of the short form shows where it is not the usual JSON.
(function (native, shared) {
  "use strict";

  const { load, parse } = shared;
  const JSON_TYPE = /^[^;]*[\/+]json\s*(?:;|$)/i;
  // Nobody reads these as text.
  const OPAQUE =
    /^(?:audio|font|image|multipart|video)\/|^application\/(?:gzip|octet-stream|pdf|wasm|zip)\b/i;

  const texts = new WeakSet(); // results whose body is a text that stood there as JSON

  const isJson = (type) => JSON_TYPE.test(type);
  const isOpaque = (type) => OPAQUE.test(type);

  /** The content type, or "". */
  function typeOf(flat) {
    for (let at = 0; at < flat.length; at += 2) {
      if (flat[at] === "content-type") return flat[at + 1];
    }
    return "";
  }

  /** A body that there is not, or that is wanted as a stream. */
  function unread(job, resultOf) {
    if (job.as === undefined) return job.resolve(resultOf(job, null));
    if (job.as !== "stream") return read(job, new Uint8Array(0), typeOf(job.headers), resultOf);
    const stream = load("stream").from(job.handle ?? "", job);
    job.handle = undefined;
    job.resolve(resultOf(job, stream));
  }

  function read(job, bytes, type, resultOf) {
    const as = job.as ?? (isJson(type) ? "json" : isOpaque(type) ? "bytes" : "text");
    if (as === "bytes") return job.resolve(resultOf(job, bytes));
    const text = native("utf8_decode", bytes, false, false);
    if (as === "text") return job.resolve(resultOf(job, text));
    try {
      const body = text === "" ? null : parse(text);
      if (typeof body === "string") return ofText(job, body, true, resultOf);
      job.resolve(resultOf(job, body));
    } catch {
      job.resolve(resultOf(job, text));
    }
  }

  /** A body that is a text, and whether it was JSON. */
  function ofText(job, body, parsed, resultOf) {
    const made = resultOf(job, body === "" && !parsed ? null : body);
    if (parsed) texts.add(made);
    job.resolve(made);
  }

  /** Whether the body of a result has to be written as JSON again although it is a text. */
  const wasJson = (result) => texts.has(result);

  /** Adds one more value of a field: cookies are a list, all others are joined as HTTP does it. */
  function join(object, name, value) {
    if (name === "set-cookie") (object[name] ??= []).push(value);
    else object[name] = object[name] === undefined ? value : `${object[name]}, ${value}`;
  }

  /** Headers as a plain object. */
  function headersOf(flat) {
    const object = { __proto__: null };
    for (let at = 0; at < flat.length; at += 2) join(object, flat[at], flat[at + 1]);
    return object;
  }

  return {
    __proto__: null,
    headersOf,
    isJson,
    isOpaque,
    join,
    ofText,
    read,
    typeOf,
    unread,
    wasJson,
  };
})
