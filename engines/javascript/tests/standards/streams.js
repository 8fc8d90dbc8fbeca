// `ReadableStream` by the Streams standard, after what the Web Platform Tests check of it with
// default readers.
//
// Each case throws when it fails; a case may give a promise. `known` names the cases that fail by
// design.

export const known = {
  "byte streams":
    "there are default readers only: bodies are handed on without being copied anyway",
  pipes: "there is no WritableStream and no TransformStream",
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

function streamOf(...chunks) {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function allOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

export default {
  "start, pull, close": async () => {
    let count = 0;
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue("start");
      },
      async pull(controller) {
        count++;
        if (count === 3) controller.close();
        else controller.enqueue(count);
      },
    });
    equal(await allOf(stream), ["start", 1, 2]);
  },
  "pulls no more than it is asked for": async () => {
    let pulls = 0;
    const stream = new ReadableStream(
      { pull: (controller) => controller.enqueue(pulls++) },
      { highWaterMark: 2 },
    );
    await Promise.resolve();
    for (let turn = 0; turn < 10; turn++) await undefined;
    equal(pulls, 2);
    const reader = stream.getReader();
    await reader.read();
    for (let turn = 0; turn < 10; turn++) await undefined;
    equal(pulls, 3);
  },
  desiredSize: () => {
    let controller;
    new ReadableStream({ start: (given) => (controller = given) }, { highWaterMark: 3 });
    const sizes = [controller.desiredSize];
    controller.enqueue("a");
    sizes.push(controller.desiredSize);
    controller.close();
    sizes.push(controller.desiredSize);
    equal(sizes, [3, 2, 2]);
  },
  "sizes are measured": () => {
    let controller;
    new ReadableStream(
      { start: (given) => (controller = given) },
      { highWaterMark: 10, size: (chunk) => chunk.length },
    );
    controller.enqueue("four");
    equal(controller.desiredSize, 6);
    throws(RangeError, () => new ReadableStream({}, { highWaterMark: -1 }));
    throws(RangeError, () => new ReadableStream({}, { highWaterMark: NaN }));
  },
  "nothing after the end": () => {
    let controller;
    new ReadableStream({ start: (given) => (controller = given) });
    controller.close();
    throws(TypeError, () => controller.enqueue("a"));
    throws(TypeError, () => controller.close());
  },
  errors: async () => {
    let controller;
    const stream = new ReadableStream({ start: (given) => (controller = given) });
    const reader = stream.getReader();
    const waiting = reader.read();
    controller.error(new RangeError("e"));
    await rejects(RangeError, waiting);
    await rejects(RangeError, reader.read());
    await rejects(RangeError, reader.closed);
    await rejects(RangeError, reader.cancel());
    equal(controller.desiredSize, null);
  },
  "what start throws is thrown, what it rejects with is the error": async () => {
    const start = () => {
      throw new RangeError("s");
    };
    throws(RangeError, () => new ReadableStream({ start }));
    const late = new ReadableStream({ start: async () => start() });
    await rejects(RangeError, late.getReader().read());
  },
  cancel: async () => {
    let reason;
    const stream = new ReadableStream({ cancel: (given) => (reason = given) });
    await stream.cancel("enough");
    equal(reason, "enough");
    equal(await stream.getReader().read(), { done: true });
  },
  "a locked stream": async () => {
    const stream = streamOf("a");
    const reader = stream.getReader();
    throws(TypeError, () => stream.getReader());
    throws(TypeError, () => stream.tee());
    throws(TypeError, () => stream.values());
    await rejects(TypeError, stream.cancel());
    reader.releaseLock();
    equal(stream.locked, false);
    equal(await allOf(stream), ["a"]);
  },
  "a released reader": async () => {
    const stream = new ReadableStream();
    const reader = stream.getReader();
    const waiting = reader.read();
    reader.releaseLock();
    await rejects(TypeError, waiting);
    await rejects(TypeError, reader.read());
    await rejects(TypeError, reader.closed);
    reader.releaseLock();
    equal(stream.getReader() !== reader, true);
  },
  closed: async () => {
    const reader = streamOf("a").getReader();
    let closed = false;
    reader.closed.then(() => (closed = true));
    await undefined;
    equal(closed, false);
    await reader.read();
    await reader.closed;
    equal(closed, true);
  },
  tee: async () => {
    const [one, two] = streamOf("a", "b").tee();
    equal(
      [await allOf(one), await allOf(two)],
      [
        ["a", "b"],
        ["a", "b"],
      ],
    );
  },
  "tee, and one is cancelled": async () => {
    let cancelled;
    const source = new ReadableStream({
      pull: (controller) => controller.enqueue("a"),
      cancel: (reasons) => (cancelled = reasons),
    });
    const [one, two] = source.tee();
    const first = one.cancel("1");
    const reader = two.getReader();
    equal(await reader.read(), { value: "a", done: false });
    equal(cancelled, undefined);
    await Promise.all([first, reader.cancel("2")]);
    equal(cancelled, ["1", "2"]);
  },
  "tee passes errors on": async () => {
    let controller;
    const [one, two] = new ReadableStream({ start: (given) => (controller = given) }).tee();
    controller.error(new RangeError("e"));
    await rejects(RangeError, one.getReader().read());
    await rejects(RangeError, two.getReader().read());
  },
  "leaving a loop cancels": async () => {
    let cancelled = false;
    const source = () =>
      new ReadableStream({
        pull: (controller) => controller.enqueue("a"),
        cancel: () => (cancelled = true),
      });
    for await (const _ of source()) break;
    equal(cancelled, true);
    cancelled = false;
    const kept = source();
    for await (const _ of kept.values({ preventCancel: true })) break;
    equal([cancelled, kept.locked], [false, false]);
  },
  "ReadableStream.from": async () => {
    equal(await allOf(ReadableStream.from(["a", "b"])), ["a", "b"]);
    const generate = async function* () {
      yield 1;
      yield 2;
    };
    equal(await allOf(ReadableStream.from(generate())), [1, 2]);
    throws(TypeError, () => ReadableStream.from({}));
  },
  "ReadableStream.from: cancelling ends the iterator": async () => {
    let ended = false;
    const generate = function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        ended = true;
      }
    };
    for await (const _ of ReadableStream.from(generate())) break;
    equal(ended, true);
  },
  "refuses what it does not know": () => {
    throws(TypeError, () => new ReadableStream(null));
    throws(TypeError, () => new ReadableStream({ pull: 1 }));
    throws(TypeError, () => new ReadableStream({ type: "other" }));
    throws(TypeError, () => streamOf().getReader({ mode: "other" }));
  },
  "byte streams": () => {
    new ReadableStream({ type: "bytes" }).getReader({ mode: "byob" });
  },
  pipes: () => {
    streamOf().pipeThrough(new TransformStream());
  },
};
