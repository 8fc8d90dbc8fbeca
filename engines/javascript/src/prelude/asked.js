// `host.request`: the request that a script of the short form answers.
(function (native, shared) {
  "use strict";

  const { load, parse } = shared;
  const { pairs } = load("values");
  const { headersOf } = load("results");

  class HostRequest {
    #asked; // { method, url, headers, body, bytes }: bytes once the body was read, as for the input
    #headers;
    #query;
    #reading; // a promise of the bytes: several may ask while they are on their way
    #stream;

    constructor(asked) {
      this.#asked = asked;
    }

    get method() {
      return this.#asked.method;
    }

    get url() {
      return this.#asked.url;
    }

    get path() {
      return partsOf(this.#asked.url).path;
    }

    get query() {
      return (this.#query ??= pairs(native("query_parse", partsOf(this.#asked.url).query)));
    }

    get headers() {
      return (this.#headers ??= headersOf(this.#asked.headers));
    }

    get body() {
      const { body, bytes } = this.#asked;
      if (body === undefined) return null;
      if (this.#stream === undefined && this.#reading !== undefined && bytes === undefined) {
        throw new TypeError("the body is being read");
      }
      return (this.#stream ??= load("stream").from(bytes?.slice() ?? body));
    }

    async bytes() {
      return (await this.#read()).slice();
    }

    async text() {
      return native("utf8_decode", await this.#read(), false, false);
    }

    async json() {
      return parse(native("utf8_decode", await this.#read(), false, false));
    }

    async #read() {
      const asked = this.#asked;
      if (asked.bytes === undefined) {
        this.#reading ??= this.#stream === undefined ? rest(asked.body) : drain(this.#stream);
        asked.bytes = await this.#reading;
      }
      return asked.bytes;
    }
  }

  const rest = (body) => (body === undefined ? new Uint8Array(0) : load("effects").readAll(body));
  const drain = (stream) => load("stream_body").consume(stream);

  /** Path and query of an absolute URL, which is well formed. */
  function partsOf(url) {
    const from = url.indexOf("/", url.indexOf("://") + 3);
    const hash = url.indexOf("#");
    const text = url.slice(from < 0 ? url.length : from, hash < 0 ? url.length : hash);
    const mark = text.indexOf("?");
    return mark < 0
      ? { path: text || "/", query: "" }
      : { path: text.slice(0, mark), query: text.slice(mark + 1) };
  }

  return { __proto__: null, requestOf: (asked) => new HostRequest(asked) };
})
