// `URL` and `URLSearchParams` of the URL standard. The host parses; here stand the objects.
(function (native, shared) {
  "use strict";

  const { load, stringify, tag } = shared;
  const { required } = load("values");
  const { apply, getOwnPropertyDescriptor, ownKeys } = Reflect;
  // Where the host's list has which part.
  const HREF = 0,
    ORIGIN = 1,
    PROTOCOL = 2,
    USERNAME = 3,
    PASSWORD = 4,
    HOST = 5,
    HOSTNAME = 6;
  const PORT = 7,
    PATHNAME = 8,
    SEARCH = 9,
    HASH = 10;
  let attach;
  let reset;

  function parse(input, base) {
    return native("url_parse", `${input}`, base === undefined ? undefined : `${base}`);
  }

  class URL {
    #parts;
    #params;

    constructor(input, base) {
      if (arguments.length === 0) throw new TypeError("a URL needs a text");
      this.#parts = parse(input, base);
      if (this.#parts === null) {
        const against = base === undefined ? "" : ` against ${stringify(`${base}`)}`;
        throw new TypeError(`Invalid URL: ${stringify(`${input}`)}${against}`);
      }
    }

    static canParse(input, base) {
      return parse(input, base) !== null;
    }

    static parse(input, base) {
      return parse(input, base) === null ? null : new URL(input, base);
    }

    get href() {
      return this.#parts[HREF];
    }

    set href(value) {
      const parts = parse(value);
      if (parts === null) throw new TypeError(`Invalid URL: ${stringify(`${value}`)}`);
      this.#change(parts);
    }

    get origin() {
      return this.#parts[ORIGIN];
    }

    get protocol() {
      return this.#parts[PROTOCOL];
    }

    set protocol(value) {
      this.#set("protocol", value);
    }

    get username() {
      return this.#parts[USERNAME];
    }

    set username(value) {
      this.#set("username", value);
    }

    get password() {
      return this.#parts[PASSWORD];
    }

    set password(value) {
      this.#set("password", value);
    }

    get host() {
      return this.#parts[HOST];
    }

    set host(value) {
      this.#set("host", value);
    }

    get hostname() {
      return this.#parts[HOSTNAME];
    }

    set hostname(value) {
      this.#set("hostname", value);
    }

    get port() {
      return this.#parts[PORT];
    }

    set port(value) {
      this.#set("port", value);
    }

    get pathname() {
      return this.#parts[PATHNAME];
    }

    set pathname(value) {
      this.#set("pathname", value);
    }

    get search() {
      return this.#parts[SEARCH];
    }

    set search(value) {
      this.#set("search", value);
    }

    get hash() {
      return this.#parts[HASH];
    }

    set hash(value) {
      this.#set("hash", value);
    }

    get searchParams() {
      return (this.#params ??= attach(this.#parts[SEARCH], (text) => {
        this.#parts = native("url_set", this.#parts[HREF], "search", text);
      }));
    }

    toString() {
      return this.#parts[HREF];
    }

    toJSON() {
      return this.#parts[HREF];
    }

    #set(name, value) {
      this.#change(native("url_set", this.#parts[HREF], name, `${value}`));
    }

    #change(parts) {
      const changed = this.#parts[SEARCH] !== parts[SEARCH];
      this.#parts = parts;
      if (changed && this.#params !== undefined) reset(this.#params, parts[SEARCH]);
    }
  }

  class URLSearchParams {
    #flat; // [name, value, ...]
    #update; // tells the URL that these belong to

    constructor(init = "") {
      const object = (typeof init === "object" && init !== null) || typeof init === "function";
      this.#flat = object ? listOf(init) : read(`${init}`);
    }

    get size() {
      return this.#flat.length / 2;
    }

    append(name, value) {
      required(arguments.length, 2, "URLSearchParams.append");
      this.#flat.push(usv(name), usv(value));
      this.#changed();
    }

    delete(name, value) {
      required(arguments.length, 1, "URLSearchParams.delete");
      const matches = matching(name, value);
      this.#flat = kept(this.#flat, (key, text) => !matches(key, text));
      this.#changed();
    }

    get(name) {
      required(arguments.length, 1, "URLSearchParams.get");
      const key = usv(name);
      const at = this.#flat.findIndex((text, index) => index % 2 === 0 && text === key);
      return at < 0 ? null : this.#flat[at + 1];
    }

    getAll(name) {
      required(arguments.length, 1, "URLSearchParams.getAll");
      const key = usv(name);
      return this.#flat.filter((_, at) => at % 2 === 1 && this.#flat[at - 1] === key);
    }

    has(name, value) {
      required(arguments.length, 1, "URLSearchParams.has");
      return kept(this.#flat, matching(name, value)).length > 0;
    }

    set(name, value) {
      required(arguments.length, 2, "URLSearchParams.set");
      const key = usv(name);
      const text = usv(value);
      let placed = false;
      this.#flat = kept(this.#flat, (other) => other !== key || (!placed && (placed = true)));
      const at = this.#flat.findIndex((other, index) => index % 2 === 0 && other === key);
      if (at < 0) this.#flat.push(key, text);
      else this.#flat[at + 1] = text;
      this.#changed();
    }

    sort() {
      const pairs = [];
      for (let at = 0; at < this.#flat.length; at += 2) pairs.push(this.#flat.slice(at, at + 2));
      pairs.sort((one, other) => (one[0] < other[0] ? -1 : one[0] > other[0] ? 1 : 0));
      this.#flat = pairs.flat();
      this.#changed();
    }

    forEach(callback, self) {
      if (typeof callback !== "function") throw new TypeError("forEach needs a function");
      for (let at = 0; at < this.#flat.length; at += 2) {
        apply(callback, self, [this.#flat[at + 1], this.#flat[at], this]);
      }
    }

    entries() {
      return this.#iterate((at) => [this.#flat[at], this.#flat[at + 1]]);
    }

    keys() {
      return this.#iterate((at) => this.#flat[at]);
    }

    values() {
      return this.#iterate((at) => this.#flat[at + 1]);
    }

    toString() {
      return native("query_serialize", this.#flat);
    }

    // Looks anew at each step, as changes made meanwhile have to be seen.
    #iterate(show) {
      const length = () => this.#flat.length;
      length();
      return (function* () {
        for (let at = 0; at < length(); at += 2) yield show(at);
      })();
    }

    #changed() {
      this.#update?.(native("query_serialize", this.#flat));
    }

    static {
      shared.isSearchParams = (value) =>
        typeof value === "object" && value !== null && #flat in value;
      attach = (search, update) => {
        const params = new URLSearchParams(search);
        params.#update = update;
        return params;
      };
      reset = (params, search) => {
        params.#flat = read(search);
      };
      Object.defineProperty(this.prototype, Symbol.iterator, {
        value: this.prototype.entries,
        writable: true,
        configurable: true,
      });
    }
  }

  /** A text without lone surrogates. */
  const usv = (value) => `${value}`.toWellFormed();

  const read = (text) => native("query_parse", text[0] === "?" ? text.slice(1) : text);

  /** The pairs of a sequence of pairs or of a record. */
  function listOf(init) {
    const flat = [];
    const iterator = init[Symbol.iterator];
    if (iterator !== undefined && iterator !== null) {
      for (const pair of init) {
        const items = typeof pair === "object" && pair !== null ? [...pair] : [];
        if (items.length !== 2) {
          throw new TypeError("each parameter in a list is a pair: name, value");
        }
        flat.push(usv(items[0]), usv(items[1]));
      }
      return flat;
    }
    const record = new Map();
    for (const name of ownKeys(init)) {
      if (getOwnPropertyDescriptor(init, name)?.enumerable) record.set(usv(name), usv(init[name]));
    }
    for (const [name, value] of record) flat.push(name, value);
    return flat;
  }

  function matching(name, value) {
    const key = usv(name);
    const only = value === undefined ? undefined : usv(value);
    return (other, text) => other === key && (only === undefined || text === only);
  }

  function kept(flat, keep) {
    const list = [];
    for (let at = 0; at < flat.length; at += 2) {
      if (keep(flat[at], flat[at + 1])) list.push(flat[at], flat[at + 1]);
    }
    return list;
  }

  tag(URL, "URL");
  tag(URLSearchParams, "URLSearchParams");

  return { __proto__: null, URL, URLSearchParams };
})
