// `structuredClone` by the HTML standard.
//
// Each case throws when it fails. `known` names the cases that fail by design.

export const known = {
  "refuses a proxy": "a script cannot tell a proxy from what it stands for, and the prelude is one",
};

function equal(actual, expected) {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${one} instead of ${other}`);
}

function refused(value, options) {
  try {
    structuredClone(value, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "DataCloneError") return;
    throw new Error(`${error} instead of a DataCloneError`);
  }
  throw new Error("nothing thrown instead of a DataCloneError");
}

export default {
  "primitives are themselves": () => {
    for (const value of [undefined, null, true, 0, -0, NaN, "a", 1n]) {
      equal(Object.is(structuredClone(value), value), true);
    }
  },
  "objects and arrays": () => {
    const value = { a: [1, { b: null }], c: "d", u: undefined };
    const copy = structuredClone(value);
    equal(copy, value);
    equal(
      [copy !== value, copy.a !== value.a, copy.a[1] !== value.a[1], "u" in copy],
      [true, true, true, true],
    );
  },
  "cycles and shared parts": () => {
    const value = { list: [] };
    value.self = value;
    value.list.push(value.list, value);
    value.again = value.list;
    const copy = structuredClone(value);
    equal(copy.self === copy, true);
    equal(copy.list[0] === copy.list && copy.list[1] === copy && copy.again === copy.list, true);
  },
  "arrays keep holes, length and properties": () => {
    const value = [1, , 3];
    value.length = 5;
    value.name = "n";
    const copy = structuredClone(value);
    equal([copy.length, 1 in copy, copy.name], [5, false, "n"]);
  },
  "wrapped primitives": () => {
    equal(structuredClone(new Number(1)) instanceof Number, true);
    equal(structuredClone(new String("a")) + "", "a");
    equal(structuredClone(new Boolean(false)).valueOf(), false);
    equal(structuredClone(Object(1n)).valueOf() === 1n, true);
  },
  dates: () => {
    const copy = structuredClone(new Date(1234));
    equal([copy instanceof Date, copy.getTime()], [true, 1234]);
    equal(Number.isNaN(structuredClone(new Date(NaN)).getTime()), true);
  },
  "regular expressions begin at the start": () => {
    const value = /a+/gi;
    value.lastIndex = 3;
    const copy = structuredClone(value);
    equal([copy.source, copy.flags, copy.lastIndex], ["a+", "gi", 0]);
  },
  "maps and sets": () => {
    const key = { k: 1 };
    const map = new Map([[key, new Set([1, key])]]);
    const copy = structuredClone(map);
    const [[newKey, set]] = [...copy];
    equal([newKey !== key, set.has(newKey), set.has(1), newKey], [true, true, true, { k: 1 }]);
  },
  "buffers and views": () => {
    const value = new Uint8Array([1, 2, 3]);
    const copy = structuredClone(value);
    copy[0] = 9;
    equal([value[0], copy instanceof Uint8Array, [...copy]], [1, true, [9, 2, 3]]);
    equal(structuredClone(new ArrayBuffer(4)).byteLength, 4);
    equal(structuredClone(new DataView(new ArrayBuffer(4), 1, 2)).byteLength, 2);
    equal(structuredClone(new Float64Array([1.5]))[0], 1.5);
    equal(structuredClone(new BigInt64Array([5n]))[0] === 5n, true);
  },
  "views of one buffer still share it": () => {
    const buffer = new ArrayBuffer(4);
    const [one, other] = structuredClone([new Uint8Array(buffer), new Uint8Array(buffer, 2)]);
    other[0] = 7;
    equal([one.buffer === other.buffer, one[2], other.byteOffset], [true, 7, 2]);
  },
  errors: () => {
    const copy = structuredClone(new RangeError("m", { cause: { a: 1 } }));
    equal([copy instanceof RangeError, copy.name, copy.message], [true, "RangeError", "m"]);
    equal(copy.cause, { a: 1 });
    equal(Object.keys(copy), []);
    const own = new Error("x");
    own.name = "Mine";
    equal(structuredClone(own).name, "Error");
  },
  "a DOMException": () => {
    const copy = structuredClone(new DOMException("m", "AbortError"));
    equal([copy instanceof DOMException, copy.name, copy.code], [true, "AbortError", 20]);
  },
  "instances lose their class": () => {
    class Point {
      x = 1;
      get y() {
        return 2;
      }
    }
    const copy = structuredClone(new Point());
    equal([copy.constructor === Object, copy.x, copy.y], [true, 1, undefined]);
  },
  "getters are read, symbols and hidden properties left out": () => {
    const value = {
      get a() {
        return 1;
      },
      [Symbol("s")]: 2,
    };
    Object.defineProperty(value, "hidden", { value: 3 });
    const copy = structuredClone(value);
    equal(Object.getOwnPropertyDescriptor(copy, "a"), {
      value: 1,
      writable: true,
      enumerable: true,
      configurable: true,
    });
    equal(Reflect.ownKeys(copy).length, 1);
  },
  "__proto__ is a property like others": () => {
    const copy = structuredClone(JSON.parse('{"__proto__":{"a":1}}'));
    equal(
      [Object.getPrototypeOf(copy) === Object.prototype, Object.keys(copy)],
      [true, ["__proto__"]],
    );
  },
  "functions, symbols and others are refused": () => {
    for (const value of [
      () => {},
      Symbol("a"),
      new WeakMap(),
      Promise.resolve(),
      Object(Symbol("b")),
    ]) {
      refused(value);
      refused({ deep: [value] });
    }
  },
  "objects of the platform are refused": () => {
    refused(new Headers());
    refused(new Request("http://a/"));
    refused(new Response());
  },
  "buffers are transferred": () => {
    const buffer = new Uint8Array([1, 2]).buffer;
    const copy = structuredClone({ buffer }, { transfer: [buffer] });
    equal([buffer.byteLength, [...new Uint8Array(copy.buffer)]], [0, [1, 2]]);
    refused(1, { transfer: [buffer] });
    refused(1, { transfer: [{}] });
  },
  "nothing is transferred when something is refused": () => {
    const buffer = new ArrayBuffer(2);
    refused([buffer, () => {}], { transfer: [buffer] });
    equal(buffer.byteLength, 2);
  },
  "needs an argument": () => {
    try {
      structuredClone();
    } catch (error) {
      if (error instanceof TypeError) return;
    }
    throw new Error("no TypeError");
  },
  "refuses a proxy": () => refused(new Proxy({}, {})),
};
