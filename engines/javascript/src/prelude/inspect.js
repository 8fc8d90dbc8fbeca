// Values as text for people: in the log, and in messages that name what a script gave.
(function (native, shared) {
  "use strict";

  const { load } = shared;
  const DEPTH = 3;
  const ITEMS = 100; // of a list, an object, a map or a set
  const WIDTH = 80; // of what still goes on one line
  const TEXT = 2000; // characters of a text inside something else
  const BUDGET = 8192; // characters in all, about

  const isName = (key) => typeof key === "string" && /^[A-Za-z_$][\w$]*$/.test(key);
  const quoted = (text) => JSON.stringify(text.length > TEXT ? `${text.slice(0, TEXT)}…` : text);

  /** A value on its own: texts are quoted. */
  function inspect(value) {
    return show(value, { above: [], left: BUDGET });
  }

  /**
   * Values of a line of the log: texts as they are, the first with its %s and the like filled in.
   */
  function format(values) {
    const rest = [...values];
    let line = "";
    if (typeof rest[0] === "string" && rest.length > 1 && rest[0].includes("%")) {
      line = rest.shift().replace(/%([sdifjoOc%])/g, (whole, kind) => {
        if (kind === "%") return "%";
        return rest.length === 0 ? whole : filled(kind, rest.shift());
      });
      if (rest.length > 0) line += " ";
    }
    return (
      line + rest.map((value) => (typeof value === "string" ? value : inspect(value))).join(" ")
    );
  }

  function filled(kind, value) {
    switch (kind) {
      case "s":
        return typeof value === "string" ? value : inspect(value);
      case "d":
        return typeof value === "object" ? "NaN" : `${Number(value)}`;
      case "i":
        return `${parseInt(value, 10)}`;
      case "f":
        return `${parseFloat(value)}`;
      case "c":
        return "";
      default:
        return inspect(value);
    }
  }

  function show(value, state) {
    const text =
      typeof value === "object" && value !== null ? showObject(value, state) : plain(value);
    state.left -= text.length;
    return text;
  }

  function plain(value) {
    switch (typeof value) {
      case "string":
        return quoted(value);
      case "bigint":
        return `${value}n`;
      case "function":
        return /^class\b/.test(`${value}`)
          ? `[class ${value.name || "(anonymous)"}]`
          : `[function ${value.name || "(anonymous)"}]`;
      case "symbol":
        return String(value);
      default:
        return Object.is(value, -0) ? "-0" : `${value}`;
    }
  }

  function showObject(object, state) {
    if (state.above.includes(object)) return "[circular]";
    if (state.left <= 0) return "…";
    const name = nameOf(object);
    if (object instanceof Error) return showError(object, state);
    if (object instanceof Date) return isNaN(object) ? "Invalid Date" : object.toISOString();
    if (object instanceof RegExp) return `${object}`;
    if (object instanceof Promise) return "Promise {}";
    if (name === "URL" || name === "URLSearchParams") return `${name} ${quoted(`${object}`)}`;
    if (state.above.length >= DEPTH) {
      return Array.isArray(object) ? "[list]" : `[${name || "object"}]`;
    }
    state.above.push(object);
    const text = showInside(object, name, state);
    state.above.pop();
    return text;
  }

  function showInside(object, name, state) {
    if (Array.isArray(object)) return bracket("", "[", items(object, state), "]");
    if (ArrayBuffer.isView(object) && !(object instanceof DataView)) {
      return bracket(`${name}(${object.length}) `, "[", items(object, state), "]");
    }
    if (object instanceof ArrayBuffer) return `ArrayBuffer(${object.byteLength})`;
    if (object instanceof Set) {
      return bracket(`Set(${object.size}) `, "{", items(object, state), "}");
    }
    if (object instanceof Map) {
      const pair = ([key, value]) => `${show(key, state)} => ${show(value, state)}`;
      return bracket(`Map(${object.size}) `, "{", each(object, object.size, pair, state), "}");
    }
    if (shared.isHeaders?.(object)) return bracket("Headers ", "{", fields(object), "}");
    if (shared.isRequest?.(object)) {
      return `Request { method: ${quoted(object.method)}, url: ${quoted(object.url)} }`;
    }
    if (shared.isResponse?.(object)) return `Response { status: ${object.status} }`;
    const prefix = name === "" || name === "Object" ? "" : `${name} `;
    return bracket(prefix, "{", properties(object, state), "}");
  }

  function nameOf(object) {
    const { constructor } = object;
    return typeof constructor === "function" ? constructor.name : "";
  }

  function items(list, state) {
    return each(list, list.length ?? list.size, (value) => show(value, state), state);
  }

  function each(list, size, one, state) {
    const parts = [];
    for (const value of list) {
      if (parts.length >= ITEMS || state.left <= 0) {
        parts.push(`… ${size - parts.length} more`);
        break;
      }
      parts.push(one(value));
    }
    return parts;
  }

  const fields = (headers) => [...headers].map(([name, value]) => `${name}: ${quoted(value)}`);

  function properties(object, state) {
    const known = Reflect.ownKeys(object).filter(
      (key) => Object.getOwnPropertyDescriptor(object, key)?.enumerable,
    );
    const one = (key) => {
      const shown = isName(key) ? key : typeof key === "symbol" ? `[${String(key)}]` : quoted(key);
      const property = Object.getOwnPropertyDescriptor(object, key);
      return `${shown}: ${"value" in property ? show(property.value, state) : "[getter]"}`;
    };
    return each(known, known.length, one, state);
  }

  function showError(error, state) {
    const headline = `${error.name}: ${error.message}`;
    const stack = load("errors").ownFrames(`${error.stack ?? ""}`);
    // Some engines begin the stack with the headline.
    let text = stack.startsWith(headline)
      ? stack
      : stack === ""
        ? headline
        : `${headline}\n${stack}`;
    const own = Object.keys(error).filter((key) => error[key] !== undefined);
    if (own.length > 0 && state.above.length < DEPTH) {
      state.above.push(error);
      text += ` { ${own.map((key) => `${key}: ${show(error[key], state)}`).join(", ")} }`;
      state.above.pop();
    }
    if (error.cause === undefined || state.above.length >= DEPTH) return text;
    state.above.push(error);
    text += `\ncaused by ${show(error.cause, state)}`;
    state.above.pop();
    return text;
  }

  function bracket(prefix, open, parts, close) {
    if (parts.length === 0) return `${prefix}${open}${close}`;
    const line = parts.join(", ");
    if (line.length <= WIDTH && !line.includes("\n")) {
      return open === "[" ? `${prefix}[${line}]` : `${prefix}{ ${line} }`;
    }
    const lines = open === "[" ? packed(parts) : parts;
    const inside = lines.map((part) => `  ${part.replaceAll("\n", "\n  ")}`).join(",\n");
    return `${prefix}${open}\n${inside}\n${close}`;
  }

  /** As many items on a line as fit. */
  function packed(parts) {
    const lines = [];
    for (const part of parts) {
      const line = lines.length === 0 ? undefined : `${lines[lines.length - 1]}, ${part}`;
      if (line === undefined || line.length > WIDTH || line.includes("\n")) lines.push(part);
      else lines[lines.length - 1] = line;
    }
    return lines;
  }

  /** Rows and columns of a list or an object of objects. */
  function table(rows) {
    const columns = new Set();
    const names = Object.keys(rows).slice(0, ITEMS);
    for (const name of names) {
      const row = rows[name];
      for (const key of typeof row === "object" && row !== null ? Object.keys(row) : [""]) {
        columns.add(key);
      }
    }
    const cell = (row, key) => {
      if (typeof row !== "object" || row === null) return key === "" ? inspect(row) : "";
      return Object.hasOwn(row, key) ? inspect(row[key]) : "";
    };
    const lines = [["", ...columns]];
    for (const name of names)
      lines.push([name, ...[...columns].map((key) => cell(rows[name], key))]);
    const widths = lines[0].map((_, at) => Math.max(...lines.map((line) => line[at].length)));
    return lines
      .map((line) =>
        line
          .map((text, at) => text.padEnd(widths[at]))
          .join("  ")
          .trimEnd(),
      )
      .join("\n");
  }

  /** What sort of value it is, in a few words: where the value itself would be too much. */
  function kind(value) {
    if (typeof value === "function") return "a function";
    if (typeof value === "symbol") return "a symbol";
    if (shared.isStream?.(value)) return "a stream";
    if (typeof value !== "object" || value === null) return plain(value);
    const name = nameOf(value);
    if (name === "" || name === "Object") return "an object";
    return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
  }

  return {
    __proto__: null,
    inspect: guarded(inspect),
    format: guarded(format),
    kind: guarded(kind),
    table: guarded(table),
  };

  // A script's getters and proxies may throw; the log must not fail for that.
  function guarded(make) {
    return (value) => {
      try {
        return make(value);
      } catch {
        return "[a value that cannot be shown]";
      }
    };
  }
})
