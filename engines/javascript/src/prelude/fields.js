// Header fields as the host has them: a flat list [name, value, ...] of lower-case names, in which
// each character of a value stands for a byte. And small things that several parts need.
(function (native, shared) {
  "use strict";

  const { stringify } = shared;
  const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
  const PADDING = /^[\t\n\r ]+|[\t\n\r ]+$/g;
  const UNFIT = /[\0\n\r]|[^\0-\xff]/;

  function fieldName(name) {
    const text = `${name}`;
    if (!TOKEN.test(text)) throw new TypeError(`${stringify(text)} is not a header name`);
    return text.toLowerCase();
  }

  function fieldValue(name, value) {
    const text = `${value}`.replace(PADDING, "");
    if (UNFIT.test(text)) {
      throw new TypeError(
        `the value of header "${name}" has a character that headers cannot carry`,
      );
    }
    return text;
  }

  function append(flat, name, value) {
    const key = fieldName(name);
    flat.push(key, fieldValue(key, value));
  }

  /** Appends what a HeadersInit says: Headers, a sequence of pairs, or a record. */
  function fill(flat, init) {
    if (init === null || (typeof init !== "object" && typeof init !== "function")) {
      throw new TypeError("headers are given as Headers, as an object or as a list of pairs");
    }
    const iterator = init[Symbol.iterator];
    if (shared.isHeaders?.(init)) {
      flat.push(...shared.flatOf(init));
    } else if (iterator !== undefined && iterator !== null) {
      for (const pair of init) {
        const items = typeof pair === "object" && pair !== null ? [...pair] : [];
        if (items.length !== 2) throw new TypeError("each header in a list is a pair: name, value");
        append(flat, items[0], items[1]);
      }
    } else {
      for (const name of Reflect.ownKeys(init)) {
        const property = Reflect.getOwnPropertyDescriptor(init, name);
        if (property?.enumerable) append(flat, name, init[name]);
      }
    }
  }

  return { __proto__: null, append, fieldName, fieldValue, fill };
})
