// What the constructor of `Request` and the `fetch` of a binding make of their arguments.
(function (native, shared) {
  "use strict";

  const { load, stringify } = shared;
  const { request: blank, stateOf, take } = load("fetch");

  const NORMAL_METHOD = /^(?:delete|get|head|options|post|put)$/i;
  const FORBIDDEN_METHOD = /^(?:connect|trace|track)$/i;
  const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
  const REDIRECT_MODES = ["follow", "error", "manual"];

  /** The state of a new Request; `toUrl` makes its URL of a text. */
  function request(input, given, toUrl = absolute) {
    if (input === undefined) throw new TypeError("a Request needs a URL or a Request");
    const init = given ?? {};
    if (typeof init !== "object" && typeof init !== "function") {
      throw new TypeError("the second argument is an object of options");
    }
    const from = shared.isRequest(input) ? stateOf(input) : undefined;
    const state = blank("GET", from === undefined ? toUrl(`${input}`) : from.url, []);
    const { method, headers, signal, redirect } = init;
    if (method !== undefined) state.method = methodOf(method);
    else if (from !== undefined) state.method = from.method;
    if (redirect !== undefined) state.redirect = modeOf(redirect);
    else if (from !== undefined) state.redirect = from.redirect;
    if (signal === undefined) state.source = from?.signal ?? from?.source;
    else if (signal !== null) state.source = load("abort").checked(signal);
    if (headers !== undefined) load("fields").fill(state.flat, headers);
    else if (from !== undefined) state.flat.push(...from.flat);
    setRequestBody(state, init.body, from);
    return state;
  }

  function setRequestBody(state, body, from) {
    const none = body === undefined || body === null;
    if (none && (from === undefined || load("bodies").isNull(from))) return;
    if (state.method === "GET" || state.method === "HEAD") {
      throw new TypeError(`a ${state.method} request has no body`);
    }
    if (none) load("bodies").move(from, state);
    else load("bodies").setBody(state, body, "text/plain;charset=UTF-8");
  }

  function methodOf(given) {
    const method = `${given}`;
    if (!TOKEN.test(method)) throw new TypeError(`${stringify(method)} is not a method`);
    if (FORBIDDEN_METHOD.test(method)) throw new TypeError(`the method ${method} is not allowed`);
    return NORMAL_METHOD.test(method) ? method.toUpperCase() : method;
  }

  function modeOf(given) {
    if (REDIRECT_MODES.includes(`${given}`)) return `${given}`;
    throw new TypeError(`redirect is "follow", "error" or "manual", not ${stringify(`${given}`)}`);
  }

  /** The URL of a request: an absolute one without credentials. */
  function absolute(text) {
    const url = native("url_parse", text);
    if (url === null) throw new TypeError(`${stringify(text)} is not an absolute URL`);
    if (url[3] !== "" || url[4] !== "") throw new TypeError("a request's URL holds no credentials");
    return url[0];
  }

  /** What a binding takes as an address: a path, or a URL of which only path and query count. */
  function addressOf(text) {
    if (text[0] === "/") return shared.target(text);
    const url = native("url_parse", text);
    if (url !== null && url[8][0] === "/") return url[8] + url[9];
    throw new TypeError(
      `${stringify(text)} is neither a path that begins with "/" nor an absolute URL`,
    );
  }

  /** Sets up the call that `fetch(input, init)` of a binding makes. */
  function prepare(job, input, init) {
    const timeout = init?.timeout;
    if (timeout !== undefined) job.timeout = load("rare_options").timeoutOf(timeout);
    const state = request(input, init, addressOf);
    job.target = shared.isRequest(input) ? addressOf(state.url) : state.url;
    job.method = state.method;
    job.headers = state.flat;
    job.signal = state.source;
    state.source?.throwIfAborted();
    job.body = take(state);
  }

  return { __proto__: null, prepare, request };
})
