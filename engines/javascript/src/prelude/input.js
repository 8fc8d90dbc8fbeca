// The first argument of the short form, where the request has a body.
(function (native, shared) {
  "use strict";

  const { load, parse } = shared;

  async function run(entry, asked, host) {
    return entry(await inputOf(asked), host);
  }

  /** The request's JSON, or null. */
  async function inputOf(asked) {
    const { isJson, isOpaque, typeOf } = load("results");
    const type = typeOf(asked.headers);
    // What is no text is left unread, so that the script can pass it on as it comes.
    if (isOpaque(type)) return null;
    asked.bytes = await load("effects").readAll(asked.body);
    if (asked.bytes.byteLength === 0) return null;
    try {
      return parse(native("utf8_decode", asked.bytes, true, false));
    } catch (error) {
      // A heap that is full is not the client's fault.
      if (error.name === "InternalError") throw error;
      if (!isJson(type)) return null;
      const message = `the body is not JSON, which its content-type says: ${error.message}`;
      native("throw", "input", error.name, message, "");
      throw shared.OVER;
    }
  }

  return { __proto__: null, run };
})
