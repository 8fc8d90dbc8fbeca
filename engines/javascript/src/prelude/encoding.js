// `TextEncoder` and `TextDecoder` of the Encoding standard, in UTF-8 only, and `atob` and `btoa`.
(function (native, shared) {
  "use strict";

  const { load, stringify, tag } = shared;
  const { bytesOf } = load("values");
  const UTF_8 = [
    "utf-8",
    "utf8",
    "unicode-1-1-utf-8",
    "unicode11utf8",
    "unicode20utf8",
    "x-unicode20utf8",
  ];

  class TextEncoder {
    get encoding() {
      return "utf-8";
    }

    encode(text = "") {
      return native("utf8_encode", `${text}`);
    }

    encodeInto(source, destination) {
      if (!(destination instanceof Uint8Array)) {
        throw new TypeError("encodeInto fills a Uint8Array");
      }
      const text = `${source}`;
      const { read, written } = fitting(text, destination.byteLength);
      destination.set(native("utf8_encode", text.slice(0, read)));
      return { read, written };
    }
  }

  /** How much of a text fits into `room` bytes: UTF-16 units read, bytes written. */
  function fitting(text, room) {
    let read = 0;
    let written = 0;
    for (const character of text) {
      const code = character.codePointAt(0);
      // A lone surrogate becomes U+FFFD, of three bytes like itself.
      const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      if (written + size > room) break;
      read += character.length;
      written += size;
    }
    return { read, written };
  }

  class TextDecoder {
    #fatal;
    #ignoreBOM;
    #rest = new Uint8Array(0); // the beginning of a character that the next chunk may complete
    #begun = false; // past the place where a byte order mark may stand

    constructor(label = "utf-8", options) {
      const name = `${label}`.replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, "").toLowerCase();
      if (!UTF_8.includes(name)) {
        throw new RangeError(`there is a decoder for utf-8 only, not for ${stringify(`${label}`)}`);
      }
      this.#fatal = Boolean(options?.fatal);
      this.#ignoreBOM = Boolean(options?.ignoreBOM);
    }

    get encoding() {
      return "utf-8";
    }

    get fatal() {
      return this.#fatal;
    }

    get ignoreBOM() {
      return this.#ignoreBOM;
    }

    decode(input, options) {
      const given = input === undefined ? new Uint8Array(0) : bytesOf(input);
      if (given === undefined) throw new TypeError("decode takes an ArrayBuffer or a view of one");
      const bytes = joined(this.#rest, given);
      const more = Boolean(options?.stream);
      const end = more ? bytes.length - unfinished(bytes) : bytes.length;
      const keepMark = this.#ignoreBOM || this.#begun;
      this.#rest = bytes.slice(end);
      // What comes after is a new text, also after an error.
      this.#begun = false;
      if (!more) this.#rest = new Uint8Array(0);
      const text = native("utf8_decode", bytes.subarray(0, end), this.#fatal, keepMark);
      this.#begun = more && (keepMark || end > 0);
      return text;
    }
  }

  function joined(first, second) {
    if (first.length === 0) return second;
    const bytes = new Uint8Array(first.length + second.length);
    bytes.set(first);
    bytes.set(second, first.length);
    return bytes;
  }

  /** How many bytes at the end are the beginning of a character that may still be completed. */
  function unfinished(bytes) {
    const { length } = bytes;
    for (let back = 1; back <= 3 && back <= length; back++) {
      const byte = bytes[length - back];
      if ((byte & 0xc0) === 0x80) continue;
      const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      if (byte < 0xc2 || byte > 0xf4 || back >= size) return 0;
      return back === 1 || mayFollow(byte, bytes[length - back + 1]) ? back : 0;
    }
    return 0;
  }

  /** Whether `second` may follow `lead`: not every continuation byte makes a character. */
  function mayFollow(lead, second) {
    if (lead === 0xe0) return second >= 0xa0;
    if (lead === 0xed) return second <= 0x9f;
    if (lead === 0xf0) return second >= 0x90;
    return lead !== 0xf4 || second <= 0x8f;
  }

  function invalidCharacter(message) {
    const { DOMException } = load("exception");
    return new DOMException(message, "InvalidCharacterError");
  }

  function btoa(text) {
    if (arguments.length === 0) throw new TypeError("btoa needs a text");
    const binary = `${text}`;
    if (/[^\0-\xff]/.test(binary)) {
      throw invalidCharacter("btoa takes characters up to U+00FF: encode the text to bytes first");
    }
    return native("base64_encode", binary);
  }

  function atob(text) {
    if (arguments.length === 0) throw new TypeError("atob needs a text");
    const decoded = native("base64_decode", `${text}`);
    if (decoded === null) throw invalidCharacter("the text is not base64");
    return decoded;
  }

  tag(TextEncoder, "TextEncoder");
  tag(TextDecoder, "TextDecoder");

  return { __proto__: null, TextDecoder, TextEncoder, atob, btoa };
})
