// What the constructor and the static methods of `Response` make of their arguments.
(function (native, shared) {
  "use strict";

  const { load, stringify } = shared;
  const { ADOPT, Response, response: blank } = load("fetch");

  const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;
  const REDIRECTS = [301, 302, 303, 307, 308];
  const BODYLESS = [204, 205, 304];

  /** The state of a new Response. */
  function response(body, given, textType) {
    const init = given ?? {};
    if (typeof init !== "object" && typeof init !== "function") {
      throw new TypeError("the second argument is an object of options");
    }
    const { status, statusText, headers } = init;
    const state = blank(status === undefined ? 200 : statusOf(status), []);
    if (statusText !== undefined) {
      state.statusText = `${statusText}`;
      if (!REASON.test(state.statusText)) throw new TypeError("statusText has unfit characters");
    }
    if (headers !== undefined) load("fields").fill(state.flat, headers);
    if (body === undefined || body === null) return state;
    if (BODYLESS.includes(state.status)) {
      throw new TypeError(`a response of status ${state.status} has no body: give null`);
    }
    load("bodies").setBody(state, body, textType);
    return state;
  }

  function statusOf(given) {
    const status = toShort(given);
    if (status >= 200 && status <= 599) return status;
    throw new RangeError(`the status of a response is between 200 and 599, not ${given}`);
  }

  // A number as the standard's `unsigned short` has it.
  function toShort(given) {
    const number = Math.trunc(+given);
    return Number.isFinite(number) ? ((number % 65536) + 65536) % 65536 : 0;
  }

  function error() {
    const state = blank(0, []);
    state.type = "error";
    state.immutable = true;
    return new Response(ADOPT, state);
  }

  function redirect(url, status = 302) {
    const location = native("url_parse", `${url}`);
    if (location === null) throw new TypeError(`${stringify(`${url}`)} is not an absolute URL`);
    const code = toShort(status);
    if (!REDIRECTS.includes(code)) {
      throw new RangeError(`${status} is not the status of a redirect`);
    }
    const state = blank(code, []);
    state.flat.push("location", location[0]);
    state.immutable = true;
    return new Response(ADOPT, state);
  }

  return { __proto__: null, error, redirect, response };
})
