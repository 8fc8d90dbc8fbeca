// `Headers` by the Fetch standard, after what the Web Platform Tests check of it.
//
// Each case throws when it fails; a case may give a promise. `known` names the cases that fail by
// design.

export const known = {
  "the request guard refuses forbidden names":
    "scripts are trusted with every header: there is no page that they would have to be kept from",
};

function equal(actual, expected) {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${one} instead of ${other}`);
}

function throws(kind, action) {
  try {
    action();
  } catch (error) {
    if (error instanceof kind) return;
    throw new Error(`${error} instead of a ${kind.name}`);
  }
  throw new Error(`nothing thrown instead of a ${kind.name}`);
}

const all = (headers) => [...headers];

export default {
  "begins empty": () => {
    equal(all(new Headers()), []);
    equal(all(new Headers(undefined)), []);
    equal(all(new Headers({})), []);
  },
  "refuses null and primitives": () => {
    for (const init of [null, 1, "a", true]) throws(TypeError, () => new Headers(init));
  },
  "is filled from a record": () => {
    equal(all(new Headers({ B: "2", a: 1 })), [
      ["a", "1"],
      ["b", "2"],
    ]);
  },
  "is filled from pairs": () => {
    equal(
      all(
        new Headers([
          ["a", "1"],
          ["b", "2"],
          ["a", "3"],
        ]),
      ),
      [
        ["a", "1, 3"],
        ["b", "2"],
      ],
    );
  },
  "is filled from any iterable of pairs": () => {
    equal(all(new Headers(new Map([["x", "y"]]))), [["x", "y"]]);
    const generated = function* () {
      yield ["a", "1"];
      yield new Set(["b", "2"]);
    };
    equal(all(new Headers(generated())), [
      ["a", "1"],
      ["b", "2"],
    ]);
  },
  "is filled from other Headers": () => {
    const first = new Headers({ a: "1" });
    const second = new Headers(first);
    second.set("a", "2");
    equal([first.get("a"), second.get("a")], ["1", "2"]);
  },
  "copies cookies one by one": () => {
    const first = new Headers([
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
    equal(new Headers(first).getSetCookie(), ["a=1", "b=2"]);
  },
  "refuses what are no pairs": () => {
    throws(TypeError, () => new Headers([["a"]]));
    throws(TypeError, () => new Headers([["a", "b", "c"]]));
    throws(TypeError, () => new Headers(["ab"]));
    throws(TypeError, () => new Headers([1]));
  },
  "combines names of a record that differ in case": () => {
    equal(all(new Headers({ a: "1", A: "2" })), [["a", "1, 2"]]);
  },
  "takes only enumerable properties of a record": () => {
    const record = Object.defineProperty({ a: "1" }, "b", { value: "2", enumerable: false });
    equal(all(new Headers(record)), [["a", "1"]]);
  },
  "refuses symbols as names": () => {
    throws(TypeError, () => new Headers({ [Symbol("a")]: "1" }));
  },
  "an iterator that is undefined is none": () => {
    const record = Object.defineProperty({ a: "1" }, Symbol.iterator, { value: undefined });
    equal(all(new Headers(record)), [["a", "1"]]);
  },
  "refuses invalid names": () => {
    const headers = new Headers();
    for (const name of ["", " ", "a b", "a:", "a\n", "é", "a\0", "(a)", "a/b"]) {
      throws(TypeError, () => headers.append(name, "1"));
      throws(TypeError, () => headers.set(name, "1"));
      throws(TypeError, () => headers.get(name));
      throws(TypeError, () => headers.has(name));
      throws(TypeError, () => headers.delete(name));
      throws(TypeError, () => new Headers([[name, "1"]]));
    }
  },
  "accepts every character of a token": () => {
    const name = "!#$%&'*+-.^_`|~09azAZ";
    equal(new Headers([[name, "1"]]).get(name), "1");
  },
  "refuses invalid values": () => {
    const headers = new Headers();
    for (const value of ["a\nb", "a\rb", "a\0b", "\u0100", "日本"]) {
      throws(TypeError, () => headers.append("a", value));
      throws(TypeError, () => headers.set("a", value));
      throws(TypeError, () => new Headers({ a: value }));
    }
  },
  "accepts values of bytes above ASCII": () => {
    equal(new Headers({ a: "h\xe9\xff" }).get("a"), "h\xe9\xff");
  },
  "strips whitespace around values": () => {
    for (const value of [" b", "b ", "\tb\t", "\r\nb", "b\n", " \t\r\n b \n"]) {
      equal(new Headers({ a: value }).get("a"), "b");
    }
  },
  "keeps whitespace within values": () => {
    equal(new Headers({ a: "b \t c" }).get("a"), "b \t c");
  },
  "keeps form feed and vertical tab": () => {
    equal(new Headers({ a: "\fb\v" }).get("a"), "\fb\v");
  },
  "a value may be empty": () => {
    const headers = new Headers({ a: "" });
    equal([headers.get("a"), headers.has("a")], ["", true]);
  },
  "converts values to text": () => {
    equal(all(new Headers({ a: 1, b: null, c: undefined, d: true })), [
      ["a", "1"],
      ["b", "null"],
      ["c", "undefined"],
      ["d", "true"],
    ]);
  },
  "names are the same in any case": () => {
    const headers = new Headers({ "Content-Type": "a" });
    equal(headers.get("content-type"), "a");
    equal(headers.has("CONTENT-TYPE"), true);
    headers.delete("cOnTeNt-TyPe");
    equal(headers.has("content-type"), false);
  },
  "append combines by a comma": () => {
    const headers = new Headers();
    headers.append("a", "1");
    headers.append("A", "2");
    headers.append("a", "");
    equal(headers.get("a"), "1, 2, ");
  },
  "set replaces all, in the place of the first": () => {
    const headers = new Headers([
      ["a", "1"],
      ["b", "2"],
      ["a", "3"],
    ]);
    headers.set("a", "4");
    equal(all(headers), [
      ["a", "4"],
      ["b", "2"],
    ]);
  },
  "get of what is not there is null": () => equal(new Headers().get("a"), null),
  "delete of what is not there does nothing": () => equal(new Headers().delete("a"), undefined),
  "methods need their arguments": () => {
    const headers = new Headers();
    throws(TypeError, () => headers.append());
    throws(TypeError, () => headers.append("a"));
    throws(TypeError, () => headers.set("a"));
    throws(TypeError, () => headers.get());
    throws(TypeError, () => headers.has());
    throws(TypeError, () => headers.delete());
    throws(TypeError, () => headers.forEach());
    throws(TypeError, () => headers.forEach("a"));
  },
  "iterates by name in sorted order": () => {
    const headers = new Headers([
      ["c", "3"],
      ["A", "1"],
      ["b", "2"],
      ["a-b", "4"],
    ]);
    equal([...headers.keys()], ["a", "a-b", "b", "c"]);
    equal([...headers.values()], ["1", "4", "2", "3"]);
    equal([...headers.entries()], all(headers));
  },
  "entries is what iteration uses": () => {
    equal(Headers.prototype[Symbol.iterator] === Headers.prototype.entries, true);
  },
  "forEach gives value, name, headers and this": () => {
    const headers = new Headers({ a: "1" });
    const seen = [];
    headers.forEach(
      function (value, name, self) {
        seen.push(value, name, self === headers, this.mark);
      },
      { mark: "m" },
    );
    equal(seen, ["1", "a", true, "m"]);
  },
  "iteration sees what is added meanwhile": () => {
    const headers = new Headers({ b: "1" });
    const names = [];
    for (const [name] of headers) {
      names.push(name);
      if (name === "b") headers.append("c", "2");
    }
    equal(names, ["b", "c"]);
  },
  "iteration sees what is deleted meanwhile": () => {
    const headers = new Headers({ a: "1", b: "2", c: "3" });
    const names = [];
    for (const [name] of headers) {
      names.push(name);
      headers.delete("b");
    }
    equal(names, ["a", "c"]);
  },
  "cookies are never combined in iteration": () => {
    const headers = new Headers([
      ["set-cookie", "a=1"],
      ["x", "1"],
      ["set-cookie", "b=2"],
    ]);
    equal(all(headers), [
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["x", "1"],
    ]);
  },
  "get combines cookies": () => {
    equal(
      new Headers([
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ]).get("set-cookie"),
      "a=1, b=2",
    );
  },
  "getSetCookie lists them in order": () => {
    const headers = new Headers();
    equal(headers.getSetCookie(), []);
    headers.append("Set-Cookie", "z=1");
    headers.append("set-cookie", "a=2");
    headers.append("SET-COOKIE", "z=1");
    equal(headers.getSetCookie(), ["z=1", "a=2", "z=1"]);
    headers.set("set-cookie", "b=3");
    equal(headers.getSetCookie(), ["b=3"]);
    headers.delete("set-cookie");
    equal(headers.getSetCookie(), []);
  },
  "each iterator stands for itself": () => {
    const headers = new Headers({ a: "1", b: "2" });
    const [one, other] = [headers.keys(), headers.keys()];
    one.next();
    equal([one.next().value, other.next().value], ["b", "a"]);
    equal(one[Symbol.iterator]() === one, true);
  },
  "methods refuse other objects": () => {
    throws(TypeError, () => Headers.prototype.get.call({}, "a"));
    throws(TypeError, () => Headers.prototype.entries.call(new Map()));
  },
  "needs new": () => throws(TypeError, () => Headers()),
  "is named": () => {
    equal(Object.prototype.toString.call(new Headers()), "[object Headers]");
    equal(Headers.name, "Headers");
  },
  "headers of Response.redirect and Response.error cannot be changed": () => {
    throws(TypeError, () => Response.redirect("http://a/").headers.set("a", "1"));
    throws(TypeError, () => Response.error().headers.append("a", "1"));
    throws(TypeError, () => Response.redirect("http://a/").headers.delete("location"));
  },
  "the request guard refuses forbidden names": () => {
    const { headers } = new Request("http://a/");
    headers.set("cookie", "a=1");
    equal(headers.has("cookie"), false);
  },
};
