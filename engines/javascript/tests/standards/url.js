// `URL` and `URLSearchParams` by the URL standard, after its own examples and what the Web Platform
// Tests check of the two classes. The parser itself is the host's, and is tested where it comes
// from.
//
// Each case throws when it fails. `known` names the cases that fail by design.

export const known = {};

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

const query = (init) => new URLSearchParams(init).toString();

export default {
  "URL: shows its parts": () => {
    const url = new URL("https://user:pw@example.com:8080/a/b?c=d&e#f");
    equal(url.href, "https://user:pw@example.com:8080/a/b?c=d&e#f");
    equal(url.origin, "https://example.com:8080");
    equal(url.protocol, "https:");
    equal([url.username, url.password], ["user", "pw"]);
    equal([url.host, url.hostname, url.port], ["example.com:8080", "example.com", "8080"]);
    equal([url.pathname, url.search, url.hash], ["/a/b", "?c=d&e", "#f"]);
  },
  "URL: takes a base": () => {
    equal(new URL("../c", "http://example.com/a/b").href, "http://example.com/c");
    equal(new URL("//other/x", "https://example.com/").href, "https://other/x");
    equal(new URL("?q", new URL("http://a/b")).href, "http://a/b?q");
  },
  "URL: normalises": () => {
    equal(new URL("HTTP://EXAMPLE.com:80/a/./b/../c d").href, "http://example.com/a/c%20d");
    equal(new URL("http://ex\tample.com/\n").href, "http://example.com/");
    equal(new URL("http:\\\\a\\b").href, "http://a/b");
  },
  "URL: knows international hosts": () => {
    equal(new URL("http://ü.com/").hostname, "xn--tda.com");
  },
  "URL: knows IPv4 and IPv6": () => {
    equal(new URL("http://0x7f.1/").hostname, "127.0.0.1");
    equal(new URL("http://[2001:0db8::1]:8080/").host, "[2001:db8::1]:8080");
  },
  "URL: an opaque origin is null": () => equal(new URL("data:text/plain,a").origin, "null"),
  "URL: refuses what is no URL": () => {
    for (const text of ["", "/a", "a", "http://", "http://a b/", "http://a:99999/", "//a"]) {
      throws(TypeError, () => new URL(text));
    }
    throws(TypeError, () => new URL("a", "b"));
    throws(TypeError, () => new URL());
  },
  "URL: needs new": () => throws(TypeError, () => URL("http://a/")),
  "URL: canParse": () => {
    equal(URL.canParse("http://a"), true);
    equal(URL.canParse("a"), false);
    equal(URL.canParse("a", "http://b/"), true);
  },
  "URL: parse": () => {
    equal(URL.parse("a"), null);
    equal(URL.parse("a", "http://b/c").href, "http://b/a");
    equal(URL.parse("http://b/") instanceof URL, true);
  },
  "URL: is text and JSON": () => {
    const url = new URL("http://a/b");
    equal(`${url}`, "http://a/b");
    equal(JSON.stringify({ url }), '{"url":"http://a/b"}');
  },
  "URL: href can be set": () => {
    const url = new URL("http://a/b?c=d");
    const params = url.searchParams;
    url.href = "https://x/?e=f";
    equal([url.host, params.get("e"), params.has("c")], ["x", "f", false]);
    throws(TypeError, () => (url.href = "nothing"));
    equal(url.href, "https://x/?e=f");
  },
  "URL: origin cannot be set": () => {
    const url = new URL("http://a/");
    throws(TypeError, () => {
      "use strict";
      url.origin = "http://b";
    });
  },
  "URL: protocol can be set among special schemes": () => {
    const url = new URL("http://a:443/");
    url.protocol = "https";
    equal(url.href, "https://a/");
    url.protocol = "mailto";
    equal(url.protocol, "https:");
  },
  "URL: username and password can be set": () => {
    const url = new URL("http://a/");
    url.username = "me@home";
    url.password = "p:w";
    equal(url.href, "http://me%40home:p%3Aw@a/");
    url.username = url.password = "";
    equal(url.href, "http://a/");
  },
  "URL: host, hostname and port can be set": () => {
    const url = new URL("http://a:1/");
    url.host = "b:2";
    equal(url.host, "b:2");
    url.hostname = "c";
    equal(url.host, "c:2");
    url.port = "80";
    equal(url.port, "");
    url.port = "8a";
    equal(url.port, "8");
    url.port = "x";
    equal(url.port, "8");
    url.port = "65536";
    equal(url.port, "8");
  },
  "URL: pathname can be set": () => {
    const url = new URL("http://a/b?c#d");
    url.pathname = "x y/../é?#";
    equal(url.href, "http://a/%C3%A9%3F%23?c#d");
  },
  "URL: search can be set": () => {
    const url = new URL("http://a/b?c#d");
    url.search = "e=f g";
    equal(url.href, "http://a/b?e=f%20g#d");
    url.search = "?";
    equal(url.search, "");
    url.search = "";
    equal(url.href, "http://a/b#d");
  },
  "URL: hash can be set": () => {
    const url = new URL("http://a/b");
    url.hash = "c d";
    equal(url.href, "http://a/b#c%20d");
    url.hash = "";
    equal(url.href, "http://a/b");
  },
  "URL: an opaque path is left alone": () => {
    const url = new URL("mailto:a@b");
    url.pathname = "/x";
    url.host = "c";
    equal(url.href, "mailto:a@b");
  },
  "URL: searchParams is one object": () => {
    const url = new URL("http://a/?b=c");
    equal(url.searchParams === url.searchParams, true);
  },
  "URL: changes of searchParams are seen": () => {
    const url = new URL("http://a/?b=c#h");
    url.searchParams.append("d e", "f&g");
    equal(url.href, "http://a/?b=c&d+e=f%26g#h");
    url.searchParams.delete("b");
    url.searchParams.delete("d e");
    equal(url.href, "http://a/#h");
  },
  "URL: changes of search are seen in searchParams": () => {
    const url = new URL("http://a/?b=c");
    const params = url.searchParams;
    url.search = "?d=e&f";
    equal(
      [...params],
      [
        ["d", "e"],
        ["f", ""],
      ],
    );
  },
  "URL: is named": () => {
    equal(Object.prototype.toString.call(new URL("http://a/")), "[object URL]");
  },

  "URLSearchParams: begins empty": () => {
    equal(query(), "");
    equal(query(undefined), "");
    equal(query(""), "");
    equal(query({}), "");
  },
  "URLSearchParams: of a text, with or without a question mark": () => {
    equal(
      [...new URLSearchParams("?a=b&c=d")],
      [
        ["a", "b"],
        ["c", "d"],
      ],
    );
    equal(
      [...new URLSearchParams("a=b&c=d")],
      [
        ["a", "b"],
        ["c", "d"],
      ],
    );
    equal([...new URLSearchParams("??a=b")], [["?a", "b"]]);
  },
  "URLSearchParams: of null": () => equal(query(null), "null="),
  "URLSearchParams: parses leniently": () => {
    equal(
      [...new URLSearchParams("a&b=&=c&&=&d=e=f")],
      [
        ["a", ""],
        ["b", ""],
        ["", "c"],
        ["", ""],
        ["d", "e=f"],
      ],
    );
  },
  "URLSearchParams: decodes": () => {
    equal(new URLSearchParams("a=b+c%20d%2B").get("a"), "b c d+");
    equal(new URLSearchParams("a=%e2%98%83").get("a"), "☃");
    equal(new URLSearchParams("a=%zz%").get("a"), "%zz%");
    equal(new URLSearchParams("a=%ff").get("a"), "\ufffd");
    equal(new URLSearchParams("a=%EF%BB%BFb").get("a"), "\ufeffb");
  },
  "URLSearchParams: encodes": () => {
    equal(query({ "a b": "c&d=e+f" }), "a+b=c%26d%3De%2Bf");
    equal(query({ a: "*-._~'()!" }), "a=*-._%7E%27%28%29%21");
    equal(query({ a: "☃\0" }), "a=%E2%98%83%00");
  },
  "URLSearchParams: of a record": () => {
    equal(query({ a: 1, b: undefined, c: null }), "a=1&b=undefined&c=null");
    throws(TypeError, () => new URLSearchParams({ [Symbol("a")]: "1" }));
  },
  "URLSearchParams: of pairs": () => {
    equal(
      query([
        ["a", "1"],
        ["a", "2"],
      ]),
      "a=1&a=2",
    );
    equal(query(new Map([["x", "y"]])), "x=y");
    equal(query(new URLSearchParams("a=b")), "a=b");
    throws(TypeError, () => new URLSearchParams([["a"]]));
    throws(TypeError, () => new URLSearchParams([["a", "b", "c"]]));
    throws(TypeError, () => new URLSearchParams([1]));
  },
  "URLSearchParams: lone surrogates become U+FFFD": () => {
    equal(query({ "\ud800": "\udc00" }), "%EF%BF%BD=%EF%BF%BD");
    equal(new URLSearchParams([["a", "\ud800b"]]).get("a"), "\ufffdb");
  },
  "URLSearchParams: keys of a record that become one are one": () => {
    equal(query({ "\ud835x": "1", xx: "2", "\ud83dx": "3" }), "%EF%BF%BDx=3&xx=2");
  },
  "URLSearchParams: get, getAll and has": () => {
    const params = new URLSearchParams("a=1&b=2&a=3");
    equal([params.get("a"), params.get("c")], ["1", null]);
    equal([params.getAll("a"), params.getAll("c")], [["1", "3"], []]);
    equal([params.has("a"), params.has("c")], [true, false]);
    equal(
      [params.has("a", "3"), params.has("a", "2"), params.has("a", undefined)],
      [true, false, true],
    );
  },
  "URLSearchParams: append": () => {
    const params = new URLSearchParams("a=1");
    params.append("a", "2");
    params.append("b", null);
    equal(params.toString(), "a=1&a=2&b=null");
  },
  "URLSearchParams: set replaces all, in the place of the first": () => {
    const params = new URLSearchParams("a=1&b=2&a=3");
    params.set("a", "4");
    params.set("c", "5");
    equal(params.toString(), "a=4&b=2&c=5");
  },
  "URLSearchParams: delete": () => {
    const params = new URLSearchParams("a=1&b=2&a=3&a=1");
    params.delete("a", "1");
    equal(params.toString(), "b=2&a=3");
    params.delete("a", undefined);
    equal(params.toString(), "b=2");
  },
  "URLSearchParams: size": () => {
    const params = new URLSearchParams("a=1&b=2&a=3");
    equal(params.size, 3);
    params.delete("a");
    equal(params.size, 1);
  },
  "URLSearchParams: sort is by code units and stable": () => {
    const params = new URLSearchParams("z=b&a=b&z=a&a=a&\ufffc=1&💩=2");
    params.sort();
    equal(
      [...params],
      [
        ["a", "b"],
        ["a", "a"],
        ["z", "b"],
        ["z", "a"],
        ["💩", "2"],
        ["\ufffc", "1"],
      ],
    );
  },
  "URLSearchParams: forEach": () => {
    const params = new URLSearchParams("a=1&b=2");
    const seen = [];
    params.forEach((value, name, self) => seen.push(name, value, self === params));
    equal(seen, ["a", "1", true, "b", "2", true]);
  },
  "URLSearchParams: iteration sees what changes meanwhile": () => {
    const url = new URL("http://a/?a=1&b=2&c=3");
    const names = [];
    for (const [name] of url.searchParams) {
      names.push(name);
      url.searchParams.delete("b");
    }
    equal(names, ["a", "c"]);
  },
  "URLSearchParams: keys, values and entries": () => {
    const params = new URLSearchParams("a=1&b=2");
    equal(
      [[...params.keys()], [...params.values()]],
      [
        ["a", "b"],
        ["1", "2"],
      ],
    );
    equal(URLSearchParams.prototype[Symbol.iterator] === URLSearchParams.prototype.entries, true);
  },
  "URLSearchParams: methods need their arguments": () => {
    const params = new URLSearchParams();
    throws(TypeError, () => params.append("a"));
    throws(TypeError, () => params.set("a"));
    throws(TypeError, () => params.get());
    throws(TypeError, () => params.getAll());
    throws(TypeError, () => params.has());
    throws(TypeError, () => params.delete());
    throws(TypeError, () => params.forEach());
  },
  "URLSearchParams: methods refuse other objects": () => {
    throws(TypeError, () => URLSearchParams.prototype.get.call({}, "a"));
  },
};
