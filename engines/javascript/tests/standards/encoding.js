// `TextEncoder` and `TextDecoder` by the Encoding standard, `atob` and `btoa` by the HTML standard.
//
// Each case throws when it fails. `known` names the cases that fail by design.

export const known = {
  "TextDecoder: knows legacy encodings":
    "there is utf-8 only: modules and scripts speak nothing else",
};

function equal(actual, expected) {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${one} instead of ${other}`);
}

function throws(kind, action) {
  try {
    action();
  } catch (error) {
    if (typeof kind === "string" ? error.name === kind : error instanceof kind) return;
    throw new Error(`${error} instead of a ${kind.name ?? kind}`);
  }
  throw new Error(`nothing thrown instead of a ${kind.name ?? kind}`);
}

const bytes = (...list) => new Uint8Array(list);
const encoded = (text) => [...new TextEncoder().encode(text)];
const decoded = (list, options) => new TextDecoder("utf-8", options).decode(new Uint8Array(list));

export default {
  "TextEncoder: encodes": () => {
    equal(encoded("aé☃💩"), [97, 195, 169, 226, 152, 131, 240, 159, 146, 169]);
    equal(encoded(""), []);
    equal(encoded(), []);
    equal(encoded(undefined), []);
    equal(encoded(null), [110, 117, 108, 108]);
    equal(encoded("\0"), [0]);
  },
  "TextEncoder: gives a Uint8Array": () => {
    equal(new TextEncoder().encode("a") instanceof Uint8Array, true);
  },
  "TextEncoder: lone surrogates become U+FFFD": () => {
    equal(encoded("\ud800"), [239, 191, 189]);
    equal(encoded("a\udc00b"), [97, 239, 191, 189, 98]);
    equal(encoded("\udc00\ud800"), [239, 191, 189, 239, 191, 189]);
  },
  "TextEncoder: encoding": () => equal(new TextEncoder().encoding, "utf-8"),
  "TextEncoder: encodeInto fills": () => {
    const into = new Uint8Array(10);
    equal(new TextEncoder().encodeInto("a☃", into), { read: 2, written: 4 });
    equal([...into.slice(0, 5)], [97, 226, 152, 131, 0]);
  },
  "TextEncoder: encodeInto leaves out what does not fit": () => {
    const into = new Uint8Array(3);
    equal(new TextEncoder().encodeInto("a☃b", into), { read: 1, written: 1 });
    equal([...into], [97, 0, 0]);
    equal(new TextEncoder().encodeInto("💩", new Uint8Array(3)), { read: 0, written: 0 });
    equal(new TextEncoder().encodeInto("💩", new Uint8Array(4)), { read: 2, written: 4 });
    equal(new TextEncoder().encodeInto("\ud800a", new Uint8Array(4)), { read: 2, written: 4 });
  },
  "TextEncoder: encodeInto takes a view of a part": () => {
    const all = new Uint8Array(4);
    new TextEncoder().encodeInto("ab", all.subarray(1, 3));
    equal([...all], [0, 97, 98, 0]);
    throws(TypeError, () => new TextEncoder().encodeInto("a", new ArrayBuffer(1)));
  },
  "TextDecoder: decodes": () => {
    equal(decoded([97, 195, 169, 226, 152, 131, 240, 159, 146, 169]), "aé☃💩");
    equal(new TextDecoder().decode(), "");
    equal(new TextDecoder().decode(undefined), "");
  },
  "TextDecoder: takes buffers and views": () => {
    const { buffer } = bytes(0, 97, 98, 0);
    equal(new TextDecoder().decode(buffer), "\0ab\0");
    equal(new TextDecoder().decode(new DataView(buffer, 1, 2)), "ab");
    equal(new TextDecoder().decode(new Uint16Array(buffer.slice(1, 3))), "ab");
    throws(TypeError, () => new TextDecoder().decode("ab"));
    throws(TypeError, () => new TextDecoder().decode([97]));
  },
  "TextDecoder: labels": () => {
    for (const label of ["utf-8", "UTF-8", "utf8", " Utf8\n", "unicode-1-1-utf-8"]) {
      equal(new TextDecoder(label).encoding, "utf-8");
    }
    throws(RangeError, () => new TextDecoder("utf-9"));
    throws(RangeError, () => new TextDecoder(""));
    throws(RangeError, () => new TextDecoder("utf-8\0"));
  },
  "TextDecoder: knows legacy encodings": () => {
    equal(new TextDecoder("latin1").decode(bytes(0xe9)), "é");
  },
  "TextDecoder: attributes": () => {
    const plain = new TextDecoder();
    equal([plain.fatal, plain.ignoreBOM], [false, false]);
    const other = new TextDecoder("utf-8", { fatal: true, ignoreBOM: 1 });
    equal([other.fatal, other.ignoreBOM], [true, true]);
  },
  "TextDecoder: a replacement for each wrong sequence": () => {
    equal(decoded([0xff]), "\ufffd");
    equal(decoded([0xc0, 0x80]), "\ufffd\ufffd");
    equal(decoded([0xe2, 0x98]), "\ufffd");
    equal(decoded([0xe2, 0x98, 0x61]), "\ufffda");
    equal(decoded([0xf0, 0x9f, 0x92]), "\ufffd");
    equal(decoded([0xed, 0xa0, 0x80]), "\ufffd\ufffd\ufffd");
    equal(decoded([0xf4, 0x90, 0x80, 0x80]), "\ufffd\ufffd\ufffd\ufffd");
    equal(decoded([0xe0, 0x80, 0x80]), "\ufffd\ufffd\ufffd");
  },
  "TextDecoder: fatal": () => {
    for (const list of [[0xff], [0xc0], [0xe2, 0x98], [0xed, 0xa0, 0x80], [0x80]]) {
      throws(TypeError, () => decoded(list, { fatal: true }));
    }
    equal(decoded([97], { fatal: true }), "a");
  },
  "TextDecoder: works on after a fatal error": () => {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    throws(TypeError, () => decoder.decode(bytes(0xff)));
    equal(decoder.decode(bytes(97)), "a");
  },
  "TextDecoder: strips one byte order mark": () => {
    equal(decoded([0xef, 0xbb, 0xbf, 97]), "a");
    equal(decoded([0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf]), "\ufeff");
    equal(decoded([97, 0xef, 0xbb, 0xbf]), "a\ufeff");
    equal(decoded([0xef, 0xbb, 0xbf, 97], { ignoreBOM: true }), "\ufeffa");
  },
  "TextDecoder: streams, split anywhere": () => {
    const all = new TextEncoder().encode("aé☃💩z");
    for (let size = 1; size <= all.length; size++) {
      const decoder = new TextDecoder("utf-8", { fatal: true });
      let text = "";
      for (let at = 0; at < all.length; at += size) {
        text += decoder.decode(all.subarray(at, at + size), { stream: true });
      }
      equal(text + decoder.decode(), "aé☃💩z");
    }
  },
  "TextDecoder: streams wrong bytes, split anywhere": () => {
    const all = bytes(0xe2, 0x98, 97, 0xf0, 0x90, 0xff, 0xed, 0xa0, 0x80, 0xc3);
    const whole = new TextDecoder().decode(all);
    for (let size = 1; size <= all.length; size++) {
      const decoder = new TextDecoder();
      let text = "";
      for (let at = 0; at < all.length; at += size) {
        text += decoder.decode(all.subarray(at, at + size), { stream: true });
      }
      equal(text + decoder.decode(), whole);
    }
  },
  "TextDecoder: the end of a stream is the end of a character": () => {
    const decoder = new TextDecoder();
    equal(decoder.decode(bytes(0xe2, 0x98), { stream: true }), "");
    equal(decoder.decode(), "\ufffd");
    equal(decoder.decode(bytes(0x83)), "\ufffd");
  },
  "TextDecoder: strips a byte order mark that comes in pieces": () => {
    const decoder = new TextDecoder();
    let text = decoder.decode(bytes(0xef), { stream: true });
    text += decoder.decode(bytes(0xbb, 0xbf), { stream: true });
    text += decoder.decode(bytes(97, 0xef, 0xbb, 0xbf), { stream: true });
    equal(text + decoder.decode(), "a\ufeff");
    equal(decoder.decode(bytes(0xef, 0xbb, 0xbf, 98)), "b");
  },
  "btoa: encodes": () => {
    equal(["", "f", "fo", "foo", "foob"].map(btoa), ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    equal(btoa("\xff\xfe"), "//4=");
    equal(btoa(null), "bnVsbA==");
  },
  "btoa: refuses what is not Latin-1": () => {
    throws("InvalidCharacterError", () => btoa("☃"));
    throws(TypeError, () => btoa());
  },
  "atob: decodes": () => {
    equal(["", "Zg==", "Zm8=", "Zm9v", "//4="].map(atob), ["", "f", "fo", "foo", "\xff\xfe"]);
  },
  "atob: is forgiving": () => {
    equal(atob("Zg"), "f");
    equal(atob(" Z\tg\n=\f=\r"), "f");
    equal(atob("YR"), "a");
  },
  "atob: refuses what is not base64": () => {
    for (const text of [
      "Z",
      "Zg=",
      "Z===",
      "=",
      "====",
      "Zg==Zg==",
      "Z-_=",
      "a\u00a0b=",
      "ZgZ" + "ZZ",
    ]) {
      throws("InvalidCharacterError", () => atob(text));
    }
    throws(TypeError, () => atob());
  },
};
