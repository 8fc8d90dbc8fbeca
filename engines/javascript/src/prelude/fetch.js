// `Request` and `Response` of the Fetch standard: the classes, and the ways through them that most
// scripts take. What takes apart the arguments of their constructors is in `request.js` and
// `response.js`, what needs streams or two of a body in `bodies.js`.
//
// Behind each object stands a state. Its `content` is what the host takes as a body: a text, bytes,
// or the number of a body that the host holds, which JavaScript need not read to hand it on. A
// stream is made only when a script asks for one; the content is in its care from then on.
(function (native, shared) {
  "use strict";

  const { begin, job, load, parse, stringify, tag } = shared;
  const ADOPT = {}; // the first argument of internal constructions
  let stateOf;

  /** What `Request` and `Response` have in common. */
  class Body {
    #state;

    constructor(proof, state) {
      if (proof !== ADOPT) throw new TypeError("Illegal constructor");
      this.#state = state;
    }

    get headers() {
      const state = this.#state;
      return (state.headers ??= load("headers").adopt(state.flat, state.immutable));
    }

    get body() {
      return load("bodies").streamOf(this.#state);
    }

    get bodyUsed() {
      const state = this.#state;
      return state.stream === undefined ? state.used : load("bodies").isUsed(state);
    }

    async arrayBuffer() {
      return load("bodies").exact(await consume(this.#state)).buffer;
    }

    async bytes() {
      return load("bodies").exact(await consume(this.#state));
    }

    async json() {
      return parse(native("utf8_decode", await consume(this.#state), false, false));
    }

    async text() {
      return native("utf8_decode", await consume(this.#state), false, false);
    }

    async blob() {
      throw new TypeError("there is no Blob and no FormData: read the body with bytes() or text()");
    }

    clone() {
      return load("bodies").clone(this);
    }

    static {
      stateOf = (object) => object.#state;
      shared.isRequest = (value) => is(value, false);
      shared.isResponse = (value) => is(value, true);
      const is = (value, response) =>
        typeof value === "object" &&
        value !== null &&
        #state in value &&
        value.#state.response === response;
    }
  }
  Body.prototype.formData = Body.prototype.blob;

  class Request extends Body {
    constructor(input, init) {
      super(ADOPT, input === ADOPT ? init : load("request").request(input, init));
    }

    get method() {
      return stateOf(this).method;
    }

    get url() {
      return stateOf(this).url;
    }

    get redirect() {
      return stateOf(this).redirect;
    }

    get signal() {
      const state = stateOf(this);
      return (state.signal ??= load("abort").dependent(state.source));
    }
  }

  class Response extends Body {
    constructor(body, init) {
      super(ADOPT, body === ADOPT ? init : responseOf(body, init));
    }

    static error() {
      return load("response").error();
    }

    static json(data, init) {
      let text;
      try {
        text = stringify(data);
      } catch {
        // Said below.
      }
      text ??= load("json").toJson(data);
      return new Response(ADOPT, responseOf(text, init, "application/json"));
    }

    static redirect(url, status) {
      return load("response").redirect(url, status);
    }

    get status() {
      return stateOf(this).status;
    }

    get ok() {
      const { status } = stateOf(this);
      return status >= 200 && status <= 299;
    }

    get statusText() {
      return stateOf(this).statusText;
    }

    get type() {
      return stateOf(this).type;
    }

    get url() {
      return "";
    }

    get redirected() {
      return false;
    }
  }

  tag(Request, "Request");
  tag(Response, "Response");

  function request(method, url, flat, content) {
    return {
      response: false,
      content,
      stream: undefined,
      used: false,
      from: undefined, // the call that the content answers
      flat,
      headers: undefined, // the object of them, which shares the list
      immutable: false,
      method,
      url,
      redirect: "follow",
      source: undefined, // the signal that `signal` follows
      signal: undefined,
    };
  }

  function response(status, flat, content) {
    return {
      response: true,
      content,
      stream: undefined,
      used: false,
      from: undefined,
      flat,
      headers: undefined,
      immutable: false,
      status,
      statusText: "",
      type: "default",
    };
  }

  function responseOf(body, init, type = "text/plain;charset=UTF-8") {
    const plain = typeof body === "string" && init === undefined;
    return plain
      ? response(200, ["content-type", type], body)
      : load("response").response(body, init, type);
  }

  /** All that is left of a body, as bytes. */
  function consume(state) {
    const { content, from } = state;
    if (state.stream !== undefined || state.used) return load("bodies").consume(state);
    if (content === undefined) return new Uint8Array(0);
    state.used = true;
    state.content = undefined;
    if (typeof content === "string") return native("utf8_encode", content);
    if (typeof content !== "number") return content;
    if (from?.signal !== undefined) return load("effects").readAll(content, from);
    return new Promise((settle, reject) => {
      const reading = job(undefined, settle, settle, reject);
      reading.from = from;
      begin(reading, "read", content, true);
    });
  }

  /** Takes the body out, in the form in which the host takes it; undefined when there is none. */
  function take(state) {
    if (state.stream !== undefined || state.used) return load("bodies").take(state);
    const { content } = state;
    state.used = content !== undefined;
    state.content = undefined;
    return content;
  }

  /** The request that the run answers. */
  function incoming({ method, url, headers, body }) {
    const state = request(method, url, headers, body);
    state.immutable = true;
    return new Request(ADOPT, state);
  }

  /** The response of a call. */
  function answered(call, answer) {
    const state = response(answer[0], answer[1], answer[2]);
    state.immutable = true;
    state.from = call;
    return new Response(ADOPT, state);
  }

  /** Answers the run with a Response. */
  function answer(object) {
    const state = stateOf(object);
    if (state.type === "error") {
      return load("effects").unusable("the script answered with Response.error()");
    }
    native("respond", state.status, state.flat, take(state));
  }

  return {
    __proto__: null,
    ADOPT,
    Request,
    Response,
    answer,
    answered,
    consume,
    incoming,
    request,
    response,
    stateOf,
    take,
  };
})
