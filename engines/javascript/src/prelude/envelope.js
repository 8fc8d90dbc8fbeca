// Answers of the short form that are more than a value, and results that cannot be sent.
(function (native, shared) {
  "use strict";

  const { load } = shared;
  const { isArray } = Array;

  const BODYLESS = [204, 205, 304];
  const FORMS = "return a value that JSON can carry, { status, headers, body }, or a Response";

  function answer(value) {
    if (shared.isResponse?.(value)) return load("fetch").answer(value);
    if (!isEnvelope(value)) return answerPlain(value);
    const { status, headers, body } = value;
    if (BODYLESS.includes(status) && body !== undefined && body !== null && body !== "") {
      return load("effects").unusable(
        `an answer of status ${status} has no body: leave "body" out`,
      );
    }
    const { contentOf, flatten, jsonOf } = load("options");
    const flat = [];
    flatten(flat, headers);
    if (BODYLESS.includes(status)) return native("respond", status, flat, undefined);
    const json = typeof body === "string" && load("results").wasJson(value);
    let content;
    try {
      content = json ? jsonOf(body, flat) : contentOf(body, flat);
    } catch (error) {
      load("json").refuse(error);
    }
    native("respond", status, flat, content);
  }

  /** An envelope has a status, and nothing but what an answer has. */
  function isEnvelope(value) {
    if (typeof value !== "object" || value === null || isArray(value)) return false;
    const { status } = value;
    if (!Number.isInteger(status) || status < 200 || status > 599) return false;
    return Object.keys(value).every(
      (key) => key === "status" || key === "headers" || key === "body",
    );
  }

  function answerPlain(value) {
    const bytes = ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
    if (value === undefined || bytes || shared.isStream?.(value)) {
      const { kind } = load("inspect");
      return load("effects").unusable(`the script returned ${kind(value)}: ${FORMS}`);
    }
    const flat = [];
    let content;
    try {
      content = load("options").jsonOf(value, flat);
    } catch (error) {
      load("json").refuse(error);
    }
    native("respond", 200, flat, content);
  }

  return { __proto__: null, answer, answerPlain };
})
