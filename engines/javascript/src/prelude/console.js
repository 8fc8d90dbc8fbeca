// `console`, which writes to the log. Texts go there as they are; only other values load the
// inspector.
(function (native, shared) {
  "use strict";

  const { load } = shared;
  const MOST = 8192; // characters of a line

  const counts = { __proto__: null };
  const times = { __proto__: null };
  let run; // whose group it is that is indented
  let indent = "";

  function textOf(values) {
    let line = "";
    if (run !== shared.run) indent = "";
    run = shared.run;
    if (values.length === 1 && typeof values[0] === "string") line = values[0];
    else if (values.length > 0) line = load("inspect").format(values);
    if (indent !== "") line = indent + line.replaceAll("\n", `\n${indent}`);
    return line.length > MOST ? `${line.slice(0, MOST)}… (${line.length} characters)` : line;
  }

  function write(level, values) {
    native("log", level, textOf(values));
  }

  function labelled(table, label, method) {
    if (table[label] === undefined) write("warn", [`console.${method}: there is no "${label}"`]);
    return table[label];
  }

  const elapsed = (label) => `${label}: ${(native("now") - times[label]).toFixed(3)} ms`;

  const console = {
    log: (...values) => write("info", values),
    info: (...values) => write("info", values),
    warn: (...values) => write("warn", values),
    error: (...values) => write("error", values),
    debug: (...values) => write("debug", values),
    dir: (value) => write("info", [value]),

    trace(...values) {
      const { stack } = new Error();
      native("log", "trace", `Trace: ${textOf(values)}\n${load("errors").ownFrames(stack)}`);
    },

    assert(holds, ...values) {
      if (holds) return;
      write("error", values.length === 0 ? ["Assertion failed"] : ["Assertion failed:", ...values]);
    },

    table(rows) {
      write("info", [
        typeof rows === "object" && rows !== null ? load("inspect").table(rows) : rows,
      ]);
    },

    count(label = "default") {
      counts[label] = (counts[label] ?? 0) + 1;
      write("info", [`${label}: ${counts[label]}`]);
    },

    countReset(label = "default") {
      if (labelled(counts, label, "countReset") !== undefined) counts[label] = 0;
    },

    time(label = "default") {
      times[label] ??= native("now");
    },

    timeLog(label = "default", ...values) {
      if (labelled(times, label, "timeLog") !== undefined) {
        write("info", [elapsed(label), ...values]);
      }
    },

    timeEnd(label = "default") {
      if (labelled(times, label, "timeEnd") === undefined) return;
      write("info", [elapsed(label)]);
      delete times[label];
    },

    group(...values) {
      if (values.length > 0) write("info", values);
      indent += "  ";
    },

    groupEnd() {
      indent = indent.slice(2);
    },
  };
  console.groupCollapsed = console.group;

  return { __proto__: null, console };
})
