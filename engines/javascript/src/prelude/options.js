// The usual options of `host.call`, and what an envelope has in common with them.
(function (native, shared) {
  "use strict";

  const { load, stringify } = shared;
  const { isArray } = Array;
  const { keys } = Object;

  const FORM = "application/x-www-form-urlencoded;charset=UTF-8";
  const JSON_TYPE = "application/json";
  const OCTETS = "application/octet-stream";
  const TEXT = "text/plain;charset=UTF-8";
  const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

  /** Sets a job up as the options say; its path is set already. */
  function apply(job, method, query, headers, body, timeout, as, signal) {
    const rare = query ?? as ?? timeout ?? signal;
    if (rare !== undefined) load("rare_options").apply(job, query, as, timeout, signal);
    if (headers !== undefined) flatten(job.headers, headers);
    const given = body !== undefined && body !== null;
    job.method = method === undefined ? (given ? "POST" : "GET") : methodOf(method);
    if (given) job.body = contentOf(body, job.headers);
  }

  function methodOf(given) {
    if (typeof given !== "string" || !TOKEN.test(given)) {
      throw new TypeError(`${load("inspect").inspect(given)} is not a method`);
    }
    return given.toUpperCase();
  }

  /** Appends headers that a script gives: an object, also one with lists of values, or Headers. */
  function flatten(flat, headers) {
    if (headers === undefined || headers === null) return;
    if (typeof headers !== "object") throw new TypeError("headers are an object");
    const { append, fill } = load("fields");
    if (shared.isHeaders?.(headers) || isArray(headers)) return fill(flat, headers);
    for (const name of keys(headers)) {
      const value = headers[name];
      if (isArray(value)) for (const each of value) append(flat, name, each);
      else if (value !== undefined && value !== null) append(flat, name, value);
    }
  }

  /** A body as the host takes it. A content type that fits it joins `flat` if there is none. */
  function contentOf(body, flat) {
    if (body === undefined || body === null) return undefined;
    if (typeof body === "string") return typed(flat, TEXT, body);
    if (body instanceof Uint8Array || ArrayBuffer.isView(body) || body instanceof ArrayBuffer) {
      return typed(flat, OCTETS, body);
    }
    if (shared.isStream?.(body)) return typed(flat, OCTETS, load("stream").take(body));
    if (shared.isSearchParams?.(body)) return typed(flat, FORM, `${body}`);
    return jsonOf(body, flat);
  }

  /** A value as JSON; of a value that has no such form a TypeError. */
  function jsonOf(value, flat) {
    let text;
    try {
      text = stringify(value);
    } catch {
      // Said below.
    }
    return typed(flat, JSON_TYPE, text ?? load("json").toJson(value));
  }

  function typed(flat, type, content) {
    for (let at = 0; at < flat.length; at += 2) if (flat[at] === "content-type") return content;
    flat.push("content-type", type);
    return content;
  }

  return { __proto__: null, apply, contentOf, flatten, jsonOf };
})
