// The options of `host.call` that most calls do without, and paths that have to be normalised.
(function (native, shared) {
  "use strict";

  const { load, stringify } = shared;
  const { isArray } = Array;
  const { keys } = Object;

  function apply(job, query, as, timeout, signal) {
    if (query !== undefined && query !== null) job.target = withQuery(job.target, query);
    if (as !== undefined) job.as = readingOf(as);
    job.timeout = timeoutOf(timeout);
    if (signal !== undefined && signal !== null) obey(job, signal);
  }

  /** Adds a query; of a list every element, of null and undefined nothing. */
  function withQuery(target, query) {
    const flat = [];
    const searchParams = shared.isSearchParams?.(query);
    for (const name of searchParams ? [] : keys(query)) {
      for (const value of isArray(query[name]) ? query[name] : [query[name]]) {
        if (value !== undefined && value !== null) flat.push(name, `${value}`);
      }
    }
    const text = searchParams ? `${query}` : native("query_serialize", flat);
    return text === "" ? target : `${target}${target.includes("?") ? "&" : "?"}${text}`;
  }

  function readingOf(as) {
    if (as === "json" || as === "text" || as === "bytes" || as === "stream") return as;
    throw new TypeError('as is one of "json", "text", "bytes" and "stream"');
  }

  function timeoutOf(ms) {
    if (ms === undefined || ms === null || ms === Infinity) return undefined;
    if (typeof ms === "number" && ms > 0) return ms;
    throw new TypeError("timeout is a number of milliseconds greater than 0");
  }

  function obey(job, signal) {
    const { attend, checked } = load("abort");
    checked(signal).throwIfAborted();
    job.signal = signal;
    attend(signal, job, job.promise);
  }

  /** Path and query as they are sent. */
  function target(path) {
    if (typeof path !== "string" || path[0] !== "/") {
      throw new TypeError(`a path begins with "/", unlike ${load("inspect").inspect(path)}`);
    }
    const url = native("url_parse", `http://module${path}`);
    if (url === null) throw new TypeError(`${stringify(path)} is not a path`);
    return url[8] + url[9];
  }

  return { __proto__: null, apply, target, timeoutOf };
})
