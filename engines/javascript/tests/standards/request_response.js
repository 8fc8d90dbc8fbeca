// `Request` and `Response` by the Fetch standard, after what the Web Platform Tests check of them
// where no network is needed.
//
// Each case throws when it fails; a case may give a promise. `known` names the cases that fail by
// design.

export const known = {
  "Request: a stream as body needs duplex":
    "it is always half here, so that scripts need not say it",
  "Response: blob and formData":
    "there is no Blob and no FormData: both methods say so by a TypeError",
  "Response: a body may be a FormData": "there is no FormData",
  "Request: has the attributes of a browser":
    "mode, credentials, cache and the like mean nothing here",
  "Response.redirect: takes a relative URL":
    "a script has no base URL that it could be relative to",
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

async function rejects(kind, promise) {
  try {
    await promise;
  } catch (error) {
    if (error instanceof kind) return;
    throw new Error(`${error} instead of a ${kind.name}`);
  }
  throw new Error(`nothing thrown instead of a ${kind.name}`);
}

const bytes = (text) => new TextEncoder().encode(text);

function streamOf(...chunks) {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

export default {
  "Request: of a URL": () => {
    const request = new Request("http://a/b?c#d");
    equal([request.url, request.method], ["http://a/b?c#d", "GET"]);
    equal([request.body, request.bodyUsed, request.redirect], [null, false, "follow"]);
    equal(new Request(new URL("http://a/x")).url, "http://a/x");
    equal(new Request({ toString: () => "http://a/y" }).url, "http://a/y");
  },
  "Request: refuses other URLs": () => {
    for (const url of ["/a", "", "http://", "http://u:p@a/"])
      throws(TypeError, () => new Request(url));
    throws(TypeError, () => new Request());
  },
  "Request: normalises the usual methods": () => {
    for (const method of ["get", "Head", "pOsT", "PUT", "delete", "options"]) {
      equal(new Request("http://a/", { method }).method, method.toUpperCase());
    }
    equal(new Request("http://a/", { method: "patch" }).method, "patch");
    equal(new Request("http://a/", { method: "PaTcH" }).method, "PaTcH");
    equal(new Request("http://a/", { method: undefined }).method, "GET");
  },
  "Request: refuses forbidden and invalid methods": () => {
    for (const method of ["CONNECT", "trace", "Track", "", "a b", "é", "a\n", null + ":"]) {
      throws(TypeError, () => new Request("http://a/", { method }));
    }
  },
  "Request: GET and HEAD have no body": () => {
    throws(TypeError, () => new Request("http://a/", { body: "" }));
    throws(TypeError, () => new Request("http://a/", { method: "HEAD", body: "a" }));
    equal(new Request("http://a/", { body: null }).body, null);
  },
  "Request: takes headers": () => {
    const request = new Request("http://a/", { headers: [["X", "1"]] });
    equal(request.headers.get("x"), "1");
    equal(request.headers === request.headers, true);
    throws(TypeError, () => new Request("http://a/", { headers: null }));
  },
  "Request: of a Request": async () => {
    const first = new Request("http://a/", { method: "POST", body: "b", headers: { x: "1" } });
    const second = new Request(first);
    equal([second.url, second.method, second.headers.get("x")], ["http://a/", "POST", "1"]);
    equal([first.bodyUsed, second.bodyUsed, await second.text()], [true, false, "b"]);
    throws(TypeError, () => new Request(first));
  },
  "Request: of a Request with other headers": () => {
    const first = new Request("http://a/", { headers: { x: "1" } });
    const second = new Request(first, { headers: { y: "2" } });
    equal([[...first.headers], [...second.headers]], [[["x", "1"]], [["y", "2"]]]);
    equal([...new Request(first, {}).headers], [["x", "1"]]);
  },
  "Request: of a used Request with a body of its own": async () => {
    const first = new Request("http://a/", { method: "POST", body: "b" });
    await first.text();
    equal(await new Request(first, { body: "c" }).text(), "c");
  },
  "Request: keeps the body when it cannot be made": () => {
    const first = new Request("http://a/", { method: "POST", body: "b" });
    throws(TypeError, () => new Request(first, { method: "GET" }));
    equal(first.bodyUsed, false);
  },
  "Request: redirect is one of three": () => {
    equal(new Request("http://a/", { redirect: "manual" }).redirect, "manual");
    throws(TypeError, () => new Request("http://a/", { redirect: "never" }));
  },
  "Request: init is an object": () => {
    for (const init of [undefined, null]) equal(new Request("http://a/", init).method, "GET");
    for (const init of [1, "a", true]) throws(TypeError, () => new Request("http://a/", init));
  },
  "Request: the signal follows that of init": () => {
    const controller = new AbortController();
    const request = new Request("http://a/", { signal: controller.signal });
    equal(request.signal.aborted, false);
    controller.abort("r");
    equal([request.signal.aborted, request.signal.reason], [true, "r"]);
    throws(TypeError, () => new Request("http://a/", { signal: {} }));
  },
  "Request: the signal follows that of the Request": () => {
    const controller = new AbortController();
    const first = new Request("http://a/", { signal: controller.signal });
    const [second, third] = [new Request(first), new Request(first, { signal: null })];
    const fourth = first.clone();
    controller.abort();
    equal(
      [second.signal.aborted, third.signal.aborted, fourth.signal.aborted],
      [true, false, true],
    );
  },
  "Request: clone": async () => {
    const first = new Request("http://a/", { method: "PUT", body: "b", headers: { x: "1" } });
    const second = first.clone();
    second.headers.set("x", "2");
    equal([first.headers.get("x"), second.headers.get("x")], ["1", "2"]);
    equal([await first.text(), await second.text(), second.method], ["b", "b", "PUT"]);
    throws(TypeError, () => first.clone());
  },
  "Request: a stream as body needs duplex": () => {
    throws(TypeError, () => new Request("http://a/", { method: "POST", body: streamOf() }));
  },
  "Request: has the attributes of a browser": () => {
    const request = new Request("http://a/");
    equal([request.mode, request.credentials, request.cache], ["cors", "same-origin", "default"]);
  },

  "Response: defaults": () => {
    const response = new Response();
    equal([response.status, response.statusText, response.ok], [200, "", true]);
    equal([response.type, response.url, response.redirected], ["default", "", false]);
    equal([response.body, [...response.headers]], [null, []]);
  },
  "Response: status": () => {
    for (const status of [200, 299, 404, 599, "201", 201.9]) {
      equal(new Response(null, { status }).status, Math.trunc(status));
    }
    for (const status of [0, 100, 199, 600, 1000, -1, NaN, "x", null]) {
      throws(RangeError, () => new Response(null, { status }));
    }
    equal(new Response("", { status: 300 }).ok, false);
  },
  "Response: statusText": () => {
    equal(new Response(null, { statusText: "Fine \xe9\t" }).statusText, "Fine \xe9\t");
    for (const statusText of ["\n", "a\rb", "\0", "☃"]) {
      throws(TypeError, () => new Response(null, { statusText }));
    }
  },
  "Response: some statuses have no body": () => {
    for (const status of [204, 205, 304]) {
      equal(new Response(null, { status }).body, null);
      equal(new Response(undefined, { status }).status, status);
      throws(TypeError, () => new Response("", { status }));
      throws(TypeError, () => new Response(new Uint8Array(), { status }));
    }
  },
  "Response: init is an object": () => {
    for (const init of [undefined, null]) equal(new Response("", init).status, 200);
    for (const init of [1, "a"]) throws(TypeError, () => new Response("", init));
    throws(TypeError, () => new Response("", { headers: null }));
  },
  "Response: init may be a Response": () => {
    const first = new Response(null, { status: 201, headers: { x: "1" } });
    const second = new Response("b", first);
    equal([second.status, second.headers.get("x")], [201, "1"]);
  },
  "Response: the content type of a body": () => {
    const type = (body, init) => new Response(body, init).headers.get("content-type");
    equal(type("a"), "text/plain;charset=UTF-8");
    equal(type(""), "text/plain;charset=UTF-8");
    equal(type(1), "text/plain;charset=UTF-8");
    equal(type(new URLSearchParams("a=b")), "application/x-www-form-urlencoded;charset=UTF-8");
    equal(
      [type(bytes("a")), type(bytes("a").buffer), type(streamOf()), type(null)],
      [null, null, null, null],
    );
    equal(type("a", { headers: { "Content-Type": "x/y" } }), "x/y");
  },
  "Response: bodies of all kinds": async () => {
    const text = (body) => new Response(body).text();
    equal(await text("é"), "é");
    equal(await text(bytes("é")), "é");
    equal(await text(bytes("é").buffer), "é");
    equal(await text(new DataView(bytes("abc").buffer, 1, 1)), "b");
    equal(await text(new Uint16Array([0x6261])), "ab");
    equal(await text(new URLSearchParams({ a: "b c" })), "a=b+c");
    equal(await text(streamOf(bytes("a"), bytes("b"))), "ab");
    equal(await text({}), "[object Object]");
    equal(await text(null), "");
    equal(await text(undefined), "");
    equal(await text(false), "false");
  },
  "Response: bytes given are copied": async () => {
    const body = bytes("abc");
    const response = new Response(body);
    body[0] = 120;
    equal(await response.text(), "abc");
  },
  "Response: text decodes UTF-8": async () => {
    equal(await new Response(new Uint8Array([0xef, 0xbb, 0xbf, 97, 0xff])).text(), "a\ufffd");
    equal(await new Response("\ufeffa").text(), "a");
    equal(await new Response("\ud800").text(), "\ufffd");
  },
  "Response: json": async () => {
    equal(await new Response('{"a":[1]}').json(), { a: [1] });
    equal(await new Response('\ufeff"b"').json(), "b");
    await rejects(SyntaxError, new Response("{").json());
    await rejects(SyntaxError, new Response().json());
  },
  "Response: arrayBuffer and bytes": async () => {
    const buffer = await new Response("ab").arrayBuffer();
    equal([buffer instanceof ArrayBuffer, buffer.byteLength], [true, 2]);
    const list = await new Response("ab").bytes();
    equal([list instanceof Uint8Array, [...list], list.buffer.byteLength], [true, [97, 98], 2]);
    equal((await new Response().arrayBuffer()).byteLength, 0);
  },
  "Response: a body is read once": async () => {
    for (const method of ["text", "json", "arrayBuffer", "bytes"]) {
      const response = new Response("1");
      const promise = response[method]();
      equal(response.bodyUsed, true);
      await promise;
      await rejects(TypeError, response.text());
      await rejects(TypeError, response.json());
      throws(TypeError, () => response.clone());
    }
  },
  "Response: no body can be read again and again": async () => {
    const response = new Response();
    equal([await response.text(), await response.text(), response.bodyUsed], ["", "", false]);
  },
  "Response: blob and formData": async () => {
    await new Response("a").blob();
  },
  "Response: a body may be a FormData": () => new Response(new FormData()),
  "Response: clone": async () => {
    for (const body of ["abc", bytes("abc"), streamOf(bytes("ab"), bytes("c"))]) {
      const first = new Response(body, { status: 201, headers: { x: "1" } });
      const second = first.clone();
      equal([second.status, second.headers.get("x"), second.ok], [201, "1", true]);
      equal([await first.text(), await second.text()], ["abc", "abc"]);
    }
    equal(new Response().clone().body, null);
  },
  "Response: clones do not share bytes": async () => {
    for (const body of [bytes("abc"), streamOf(bytes("abc"))]) {
      const first = new Response(body);
      const second = first.clone();
      (await first.bytes())[0] = 120;
      equal(await second.text(), "abc");
    }
  },
  "Response: body is one stream": async () => {
    const response = new Response("abc");
    equal(response.body === response.body, true);
    equal(response.body instanceof ReadableStream, true);
    equal([response.body.locked, response.bodyUsed], [false, false]);
    const reader = response.body.getReader();
    equal([response.body.locked, response.bodyUsed], [true, false]);
    await rejects(TypeError, response.text());
    const { value, done } = await reader.read();
    equal([[...value], done, response.bodyUsed], [[97, 98, 99], false, true]);
    equal(await reader.read(), { done: true });
  },
  "Response: body of what was read": async () => {
    const response = new Response("abc");
    await response.text();
    equal(response.bodyUsed, true);
    throws(TypeError, () => response.body.getReader());
  },
  "Response: body of a stream is that stream": () => {
    const stream = streamOf();
    equal(new Response(stream).body === stream, true);
  },
  "Response: used and locked streams are refused": async () => {
    const locked = streamOf();
    locked.getReader();
    throws(TypeError, () => new Response(locked));
    const used = streamOf(bytes("a"));
    await used.cancel();
    throws(TypeError, () => new Response(used));
  },
  "Response: the body of another is handed on": async () => {
    const first = new Response("abc");
    const second = new Response(first.body);
    equal(await second.text(), "abc");
    equal(first.bodyUsed, true);
    await rejects(TypeError, first.text());
  },
  "Response: a stream's chunks are bytes": async () => {
    await rejects(TypeError, new Response(streamOf("text")).text());
    await rejects(TypeError, new Response(streamOf(bytes("a"), [1])).bytes());
  },
  "Response: an error of the stream is that of the reading": async () => {
    const stream = new ReadableStream({
      pull() {
        throw new RangeError("broken");
      },
    });
    await rejects(RangeError, new Response(stream).text());
  },
  "Response: cancelling the body uses it up": async () => {
    const response = new Response("abc");
    await response.body.cancel();
    equal(response.bodyUsed, true);
    await rejects(TypeError, response.text());
  },
  "Response: methods reject on other objects": async () => {
    await rejects(TypeError, Response.prototype.text.call({}));
    await rejects(TypeError, Request.prototype.json.call({}));
  },
  "Response: is named, and can be derived": () => {
    class Mine extends Response {}
    equal(Object.prototype.toString.call(new Response()), "[object Response]");
    equal(Object.prototype.toString.call(new Request("http://a/")), "[object Request]");
    equal([new Mine("a") instanceof Response, new Mine("a", { status: 202 }).status], [true, 202]);
  },

  "Response.error": () => {
    const response = Response.error();
    equal([response.type, response.status, response.ok, response.body], ["error", 0, false, null]);
  },
  "Response.json": async () => {
    const response = Response.json({ a: 1 }, { status: 201, headers: { x: "1" } });
    equal([response.status, response.headers.get("x")], [201, "1"]);
    equal(response.headers.get("content-type"), "application/json");
    equal(await response.json(), { a: 1 });
    equal(await Response.json(null).text(), "null");
    equal(
      Response.json(1, { headers: { "content-type": "x/y" } }).headers.get("content-type"),
      "x/y",
    );
  },
  "Response.json: refuses what is no JSON": () => {
    for (const value of [undefined, () => {}, Symbol("a"), 1n])
      throws(TypeError, () => Response.json(value));
    const cyclic = {};
    cyclic.self = cyclic;
    throws(TypeError, () => Response.json(cyclic));
    throws(TypeError, () => Response.json(1, { status: 204 }));
    throws(RangeError, () => Response.json(1, { status: 100 }));
  },
  "Response.json: what a getter throws is passed on": () => {
    const value = {
      get a() {
        throw new RangeError("own");
      },
    };
    throws(RangeError, () => Response.json(value));
  },
  "Response.redirect": () => {
    const response = Response.redirect("http://a/b c");
    equal([response.status, response.headers.get("location")], [302, "http://a/b%20c"]);
    for (const status of [301, 303, 307, 308])
      equal(Response.redirect("http://a/", status).status, status);
    for (const status of [200, 300, 304, 309]) {
      throws(RangeError, () => Response.redirect("http://a/", status));
    }
    throws(TypeError, () => Response.redirect("http://"));
  },
  "Response.redirect: takes a relative URL": () => {
    equal(Response.redirect("/a").status, 302);
  },
};
