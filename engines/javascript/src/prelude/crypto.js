// `crypto`, as far as randomness, and `performance`, as far as the clock.
(function (native, shared) {
  "use strict";

  const { load } = shared;
  const { bytesOf } = load("values");
  const MOST = 65536;

  const crypto = {
    randomUUID() {
      return native("uuid");
    },

    getRandomValues(view) {
      const { DOMException } = load("exception");
      const floats = view instanceof Float32Array || view instanceof Float64Array;
      if (!ArrayBuffer.isView(view) || view instanceof DataView || floats) {
        throw new DOMException("getRandomValues fills an array of integers", "TypeMismatchError");
      }
      if (view.byteLength > MOST) {
        throw new DOMException(`at most ${MOST} bytes at a time`, "QuotaExceededError");
      }
      bytesOf(view).set(native("random", view.byteLength));
      return view;
    },
  };

  const performance = {
    now() {
      return native("now");
    },
    get timeOrigin() {
      return Date.now() - native("now");
    },
  };

  return { __proto__: null, crypto, performance };
})
