// What goes wrong: `CallError`, the report of a run that failed, and of what failed beside the
// answer.
(function (native, shared) {
  "use strict";

  const { load } = shared;

  /** A call that the host could not carry out. */
  class CallError extends Error {
    constructor(message, code, module, call) {
      super(message);
      this.code = code;
      this.module = module;
      this.call = call;
    }
  }
  Object.defineProperty(CallError.prototype, "name", {
    value: "CallError",
    writable: true,
    configurable: true,
  });

  /**
   * What an operation is rejected with: with the call that it was, and the stack of its beginning.
   */
  function callError(code, message, { module, method, target, trace }) {
    if (module === undefined) return new CallError(message, code);
    const path = target.split("?", 1)[0];
    const error = new CallError(message, code, module, `${method} ${module}${path}`);
    const { stack } = trace;
    Object.defineProperty(error, "stack", { value: stack, writable: true, configurable: true });
    return error;
  }

  /** A stack without the frames of the prelude. */
  function ownFrames(stack) {
    const lines = stack.split("\n").filter((line) => !/\bmik:\w+\.js\b/.test(line));
    return lines.join("\n").trimEnd();
  }

  /** A property as text: errors are objects like any other, and their getters may throw. */
  function textOf(error, name) {
    try {
      const value = error[name];
      return value === undefined || value === null ? "" : `${value}`;
    } catch {
      return "";
    }
  }

  const looksLikeError = (value) =>
    value instanceof Error || (typeof value === "object" && value !== null && "message" in value);

  /** Name, message and stack of anything that was thrown. */
  function describe(error) {
    try {
      return look(error);
    } catch {
      const message = "the script threw an object that throws when it is looked at";
      return { name: "", message, stack: "" };
    }
  }

  function look(error) {
    if (!looksLikeError(error)) {
      const value = load("inspect").inspect(error);
      return { name: "", message: `the script threw ${value}, which is not an Error`, stack: "" };
    }
    let stack = textOf(error, "stack");
    let cause = error;
    // Far enough to see what was wrapped; the bound also ends circles.
    for (let depth = 0; depth < 4 && looksLikeError(cause); depth++) {
      if (cause !== error) stack += `\ncaused by ${headline(cause)}\n${textOf(cause, "stack")}`;
      cause = cause.cause;
    }
    return { name: textOf(error, "name") || "Error", message: textOf(error, "message"), stack };
  }

  function headline(error) {
    return `${textOf(error, "name") || "Error"}: ${textOf(error, "message")}`;
  }

  /** The run failed with `error` before it answered. */
  function fail(error) {
    const { name, message, stack } = describe(error);
    const called = error instanceof CallError && error.call !== undefined;
    const code = error instanceof CallError ? error.code : undefined;
    const call = called ? error.call : undefined;
    native("throw", called ? "call" : "exception", name, message, stack, code, call);
  }

  /** Something failed that is not the answer: the log is told. */
  function report(what, error) {
    const { name, message, stack } = describe(error);
    const line = name === "" ? message : `${name}: ${message}`;
    native("log", "error", `${what}: ${line}\n${ownFrames(stack)}`.trimEnd());
  }

  /** Throws why a default export is no script. */
  function unfit(given) {
    const forms =
      "write `export default async function (input, host) { … }` or " +
      "`export default { async fetch(request, env, ctx) { … } }`";
    if (given === undefined) throw new TypeError(`the script has no default export: ${forms}`);
    const kind =
      typeof given === "object" && given !== null
        ? "an object without a function `fetch`"
        : load("inspect").inspect(given);
    throw new TypeError(`the script's default export is ${kind}: ${forms}`);
  }

  const messageOf = (error) => describe(error).message;

  return { __proto__: null, CallError, callError, fail, messageOf, ownFrames, report, unfit };
})
