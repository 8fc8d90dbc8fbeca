// `Headers` of the Fetch standard, over the flat list in which fields cross the border to the host.
(function (native, shared) {
  "use strict";

  const { fieldName, fieldValue, fill } = shared.load("fields");
  const { firstOf, required } = shared.load("values");
  const { apply } = Reflect;
  const ADOPT = {}; // the first argument of internal constructions

  class Headers {
    #flat = []; // [name, value, ...] in the order of their coming
    #immutable = false;
    #sorted; // [[name, value], ...] as iteration shows them; undefined after a change

    constructor(init, flat, immutable) {
      if (init === ADOPT) {
        this.#flat = flat;
        this.#immutable = immutable;
      } else if (init !== undefined) {
        fill(this.#flat, init);
      }
    }

    append(name, value) {
      required(arguments.length, 2, "Headers.append");
      const key = fieldName(name);
      const text = fieldValue(key, value);
      this.#change();
      this.#flat.push(key, text);
    }

    delete(name) {
      required(arguments.length, 1, "Headers.delete");
      const key = fieldName(name);
      this.#change();
      replace(this.#flat, key, undefined);
    }

    get(name) {
      required(arguments.length, 1, "Headers.get");
      return combined(this.#flat, fieldName(name));
    }

    getSetCookie() {
      return valuesOf(this.#flat, "set-cookie");
    }

    has(name) {
      required(arguments.length, 1, "Headers.has");
      return firstOf(this.#flat, fieldName(name)) !== undefined;
    }

    set(name, value) {
      required(arguments.length, 2, "Headers.set");
      const key = fieldName(name);
      const text = fieldValue(key, value);
      this.#change();
      replace(this.#flat, key, text);
    }

    forEach(callback, self) {
      if (typeof callback !== "function") throw new TypeError("Headers.forEach needs a function");
      for (let at = 0; at < this.#pairs().length; at++) {
        const pair = this.#pairs()[at];
        apply(callback, self, [pair[1], pair[0], this]);
      }
    }

    entries() {
      return this.#iterate((pair) => [pair[0], pair[1]]);
    }

    keys() {
      return this.#iterate((pair) => pair[0]);
    }

    values() {
      return this.#iterate((pair) => pair[1]);
    }

    #change() {
      if (this.#immutable) {
        throw new TypeError(
          "these headers cannot be changed: copy them by new Headers(response.headers), or " +
            "the whole by new Response(response.body, response)",
        );
      }
      this.#sorted = undefined;
    }

    #pairs() {
      return (this.#sorted ??= sorted(this.#flat));
    }

    // Looks anew at each step, as changes made meanwhile have to be seen.
    #iterate(show) {
      const pairs = () => this.#pairs();
      pairs();
      return (function* () {
        for (let at = 0; at < pairs().length; at++) yield show(pairs()[at]);
      })();
    }

    static {
      shared.isHeaders = (value) => typeof value === "object" && value !== null && #flat in value;
      shared.flatOf = (headers) => headers.#flat;
      Object.defineProperty(this.prototype, Symbol.iterator, {
        value: this.prototype.entries,
        writable: true,
        configurable: true,
      });
    }
  }

  /** Puts `value` in the place of the first field of that name and takes the others out. */
  function replace(flat, name, value) {
    let kept = 0;
    let placed = value === undefined;
    for (let at = 0; at < flat.length; at += 2) {
      const same = flat[at] === name;
      if (same && placed) continue;
      flat[kept] = flat[at];
      flat[kept + 1] = same ? value : flat[at + 1];
      placed ||= same;
      kept += 2;
    }
    flat.length = kept;
    if (!placed) flat.push(name, value);
  }

  function valuesOf(flat, name) {
    const values = [];
    for (let at = 0; at < flat.length; at += 2) {
      if (flat[at] === name) values[values.length] = flat[at + 1];
    }
    return values;
  }

  function combined(flat, name) {
    let text = null;
    for (let at = 0; at < flat.length; at += 2) {
      if (flat[at] === name) text = text === null ? flat[at + 1] : `${text}, ${flat[at + 1]}`;
    }
    return text;
  }

  /** The fields by name, each name once; only cookies, which no comma may join, stand alone. */
  function sorted(flat) {
    const names = new Set();
    for (let at = 0; at < flat.length; at += 2) names.add(flat[at]);
    const pairs = [];
    for (const name of [...names].sort()) {
      if (name === "set-cookie") {
        for (const value of valuesOf(flat, name)) pairs[pairs.length] = [name, value];
      } else {
        pairs[pairs.length] = [name, combined(flat, name)];
      }
    }
    return pairs;
  }

  shared.tag(Headers, "Headers");

  /** The object of a list that stands elsewhere: what changes the one, changes the other. */
  const adopt = (flat, immutable) => new Headers(ADOPT, flat, immutable);

  return { __proto__: null, Headers, adopt };
})
