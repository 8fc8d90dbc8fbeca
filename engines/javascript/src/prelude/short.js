// The short form: `export default async function (input, host) { … }`. Here stands what each such
// script needs: a call, and a result that becomes JSON.
(function (native, shared) {
  "use strict";

  const { begin, load, parse, stringify, target } = shared;
  const { isView } = ArrayBuffer;
  const { isInteger } = Number;
  const JSON_TYPE = "application/json";

  // The prototype of what a call resolves to. As the answer of a script such an object is passed on
  // with its status and headers, so it has no other properties of its own.
  const result = {
    get ok() {
      return this.status >= 200 && this.status <= 299;
    },
  };

  function run(entry, asked) {
    const host = hostOf(asked);
    return asked.body === undefined ? entry(null, host) : load("input").run(entry, asked, host);
  }

  /** `host`. Most scripts use its calls alone: the rest of it is made when it is asked for. */
  function hostOf(asked) {
    const host = { call };
    const get = (_, name) =>
      name === "call" ? host.call : load("host").complete(host, asked)[name];
    const traps = (_, trap) => (trap === "get" ? get : void load("host").complete(host, asked));
    return new Proxy(host, new Proxy({}, { get: traps }));
  }

  function call(module, options) {
    const job = shared.job(module, answered);
    job.promise = new Promise((resolve, reject) => {
      job.resolve = resolve;
      job.reject = reject;
    });
    try {
      if (typeof module !== "string") throw new TypeError("host.call needs the name of a module");
      if (options !== undefined) setOptions(job, options);
      job.trace = new Error();
      begin(job, "call", module, job.method, job.target, job.headers, job.body, job.timeout);
      shared.group?.push(job);
    } catch (error) {
      job.reject(error);
    }
    return job.promise;
  }

  function setOptions(job, options) {
    const { path, method, query, headers, body, timeout, as, signal } = options;
    if (path !== undefined) job.target = target(path);
    if (
      method !== undefined ||
      query !== undefined ||
      headers !== undefined ||
      body !== undefined ||
      timeout !== undefined ||
      as !== undefined ||
      signal !== undefined
    ) {
      load("options").apply(job, method, query, headers, body, timeout, as, signal);
    }
  }

  function answered(answer) {
    this.status = answer[0];
    this.headers = answer[1];
    this.handle = answer[2];
    if (this.handle === undefined || this.as === "stream") {
      load("results").unread(this, resultOf);
    } else {
      this.settle = received;
      begin(this, "read", this.handle, true);
    }
  }

  function received(bytes) {
    const { headers } = this;
    this.handle = undefined;
    let type = "";
    for (let at = 0; at < headers.length; at += 2) {
      if (headers[at] === "content-type") type = headers[at + 1];
    }
    if (this.as !== undefined || type !== JSON_TYPE) {
      return load("results").read(this, bytes, type, resultOf);
    }
    const text = native("utf8_decode", bytes, false, false);
    let body = text;
    try {
      body = parse(text);
    } catch {
      // The body is not what its type says: it is shown as it is.
    }
    if (typeof body === "string") load("results").ofText(this, body, body !== text, resultOf);
    else this.resolve(resultOf(this, body));
  }

  function resultOf(job, body) {
    const { headers } = job;
    const object = { __proto__: null };
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at];
      if (object[name] === undefined && name !== "set-cookie") object[name] = headers[at + 1];
      else load("results").join(object, name, headers[at + 1]);
    }
    return { __proto__: result, status: job.status, headers: object, body };
  }

  function answer(value) {
    // Envelopes and Responses have a status; what is told apart here is looked at closer there.
    const special =
      typeof value === "object" && value !== null
        ? isInteger(value.status) ||
          isView(value) ||
          value instanceof ArrayBuffer ||
          shared.isStream?.(value)
        : value === undefined;
    if (special) return load("envelope").answer(value);
    let text;
    try {
      text = stringify(value);
    } catch {
      // Said there.
    }
    if (text === undefined) load("envelope").answerPlain(value);
    else native("respond", 200, ["content-type", JSON_TYPE], text);
  }

  return { __proto__: null, answer, call, run };
})
