// Types of mik's scripts: of both forms, and of every global that they find.
//
// Self-contained: for a tsconfig with `"lib": ["ES2023"]` and without the DOM library, whose
// declarations would stand in the way. Put the file into `"include"` or `"types"`, or refer to it
// from a script by `/// <reference path="mik.d.ts" />`. The types of the two forms are imported
// where they are needed: `import type { Host, Handler } from "mik"`; such an import is gone when
// the script runs. In JavaScript: `/** @type {import("mik").Handler} */`.

declare module "mik" {
  // The short form

  /**
   * A script in the short form.
   *
   * ```ts
   * import type { Host } from "mik";
   *
   * export default async function (input: { item: string } | null, host: Host) {
   *   const user = await host.call("auth", { path: "/me", headers: host.request.headers });
   *   if (!user.ok) return { status: 401, body: { error: "who are you?" } };
   *   return { item: input?.item, user: user.body };
   * }
   * ```
   */
  export type ScriptFunction<In = Input> = (input: In, host: Host) => Answer | Promise<Answer>;

  /**
   * The request's body as JSON. `null` where there is no body, and where a body is not JSON and
   * does not say that it is: a body whose content type promises JSON and breaks that is answered
   * with 400 before the script runs. Bodies of types such as `image/*`, `multipart/*` and
   * `application/octet-stream` are not looked at: pass on `host.request.body`.
   */
  export type Input = any;

  /**
   * What a script of the short form returns.
   *
   * - a `Response`: it is the answer;
   * - an {@link Envelope}: an object that has a whole number `status` from 200 to 599 and nothing
   *   but `status`, `headers` and `body`;
   * - a {@link CallResult}: what the module answered is passed on;
   * - any other value that JSON can carry: 200 with that as `application/json`. `undefined` and
   *   functions are errors.
   */
  export type Answer = Response | Envelope | CallResult<any> | JsonValue | object;

  /** A value that JSON can carry. Objects may also have a `toJSON` method. */
  export type JsonValue =
    null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue | undefined };

  /** An answer with a status, with headers, or with a body that is not JSON. */
  export interface Envelope {
    /** From 200 to 599. */
    status: number;
    headers?: HeaderFields | Headers;
    /**
     * Texts, bytes, streams and URLSearchParams are sent as they are, with a content type that fits
     * unless `headers` has one; anything else as JSON.
     */
    body?: unknown;
  }

  /** Headers as a plain object: a list is a field that occurs several times. */
  export interface HeaderFields {
    readonly "set-cookie"?: string | readonly string[];
    readonly [name: string]: string | number | boolean | readonly string[] | null | undefined;
  }

  /**
   * Headers that came, as a plain object with lower-case names. Values of one name are joined by ",
   * "; only cookies are a list.
   */
  export interface ReceivedHeaders {
    readonly "content-type"?: string;
    readonly "set-cookie"?: string[];
    readonly [name: string]: string | string[] | undefined;
  }

  /** The second argument of the short form. Its functions can also be taken out of it. */
  export interface Host {
    /**
     * Calls a module. Resolves whatever status it answers with, and rejects with a {@link
     * CallError} when the call could not be carried out; with a `TypeError` for arguments that make
     * no sense.
     */
    call(name: string, options: CallOptions & { as: "text" }): Promise<CallResult<string>>;
    call(name: string, options: CallOptions & { as: "bytes" }): Promise<CallResult<Uint8Array>>;
    call(
      name: string,
      options: CallOptions & { as: "stream" },
    ): Promise<CallResult<ReadableStream<Uint8Array>>>;
    call<T = any>(name: string, options?: CallOptions): Promise<CallResult<T>>;

    /**
     * Waits for all of a list or an object and gives the results in the same shape. The first
     * failure is that of the whole, and what was begun for the group is given up: calls given as
     * `["name", options]`, and calls that a thunk began before its first `await`. A thunk that
     * takes an argument gets an `AbortSignal` for the rest. Promises that are given are left alone.
     *
     * ```ts
     * const { user, cart } = await host.all({ user: ["auth", { path: "/me" }], cart: ["cart"] });
     * ```
     */
    all<const T extends Group>(calls: T): Promise<{ -readonly [K in keyof T]: Settled<T[K]> }>;

    /**
     * Settles as the first of them does and gives the others up, among them promises that `call`
     * gave. Use `Promise.race` where they are to go on.
     */
    race<const T extends Group>(
      calls: T,
    ): Promise<Settled<T extends readonly unknown[] ? T[number] : T[keyof T]>>;

    /**
     * Tries until an attempt does not throw. The delay between attempts doubles, and varies, so
     * that those that failed together do not come back together. The last error is thrown. What no
     * attempt can mend, `MODULE_NOT_FOUND` and `LOOP_DETECTED`, is not tried again. A status is no
     * error: throw to try again.
     */
    retry<T>(attempt: (count: number) => T | Promise<T>, options?: RetryOptions): Promise<T>;

    /** Waits so many milliseconds. */
    sleep(ms: number): Promise<void>;

    /** Writes to the log, like `console.log`. */
    log(...values: unknown[]): void;

    /** Keeps the run going after its answer, until the promise settles. */
    waitUntil(promise: Promise<unknown>): void;

    /** The request that the run answers. */
    readonly request: HostRequest;

    /** The script's variables, from `mik.toml`. */
    readonly env: { readonly [name: string]: string };

    /** The id of the request, as in the log and in problem reports. */
    readonly requestId: string;
  }

  /** The request that a script of the short form answers. */
  export interface HostRequest {
    readonly method: string;
    /** The whole URL. */
    readonly url: string;
    /** The path, escaped as it came. */
    readonly path: string;
    /** The query; where a name occurs several times, the first value. */
    readonly query: { readonly [name: string]: string | undefined };
    readonly headers: ReceivedHeaders;
    /**
     * The body as a stream, or null. Handed on without being read, it does not enter the script.
     * Where `input` was made of the body, it is a stream of the same bytes.
     */
    readonly body: ReadableStream<Uint8Array> | null;
    /** The body as text; may be asked for again. */
    text(): Promise<string>;
    /** The body as JSON; may be asked for again. */
    json<T = any>(): Promise<T>;
    /** The body as bytes; may be asked for again. */
    bytes(): Promise<Uint8Array>;
  }

  /** How a module is called. */
  export interface CallOptions {
    /** `GET` by default, `POST` where there is a body. */
    method?: string;
    /** Begins with "/", and may have a query. */
    path?: string;
    /**
     * Joins the query of `path`. A list is a name that occurs several times; null and undefined are
     * left out.
     */
    query?: URLSearchParams | { readonly [name: string]: QueryValue | readonly QueryValue[] };
    headers?: HeaderFields | Headers;
    /**
     * Texts, bytes, streams and URLSearchParams are sent as they are, anything else as JSON, each
     * with a content type that fits unless `headers` has one.
     */
    body?: unknown;
    /**
     * Milliseconds that the call may take; never more than what is left of the script's own time.
     */
    timeout?: number;
    /**
     * How the body is shown. By default JSON is parsed, binary types such as `image/*` are bytes,
     * and all else is text. `"json"` parses whatever the type says. What does not parse stays text.
     * A stream can be handed on without entering the script.
     */
    as?: "json" | "text" | "bytes" | "stream";
    /** Gives the call up when it is aborted. */
    signal?: AbortSignal;
  }

  export type QueryValue = string | number | boolean | bigint | null | undefined;

  /** What a module answered. Returned from the script, it is passed on. */
  export interface CallResult<T = any> {
    status: number;
    headers: ReceivedHeaders;
    /** See {@link CallOptions.as}. `null` where there is no body, unless `as` is set. */
    body: T;
    /**
     * Whether the status is one of 200 to 299. Not a property of its own: copies do not have it.
     */
    readonly ok: boolean;
  }

  /** What `all` and `race` take. */
  export type Group = readonly GroupEntry[] | { readonly [name: string]: GroupEntry };

  /**
   * A promise, a function that begins something, a call as a tuple; any other value stands for
   * itself.
   */
  export type GroupEntry =
    | readonly [name: string, options?: Readonly<CallOptions>]
    | ((signal: AbortSignal) => unknown)
    | PromiseLike<unknown>
    | JsonValue
    | undefined;

  /** What becomes of an entry of a group. */
  export type Settled<E> = E extends readonly [string, { readonly as: "text" }]
    ? CallResult<string>
    : E extends readonly [string, { readonly as: "bytes" }]
      ? CallResult<Uint8Array>
      : E extends readonly [string, { readonly as: "stream" }]
        ? CallResult<ReadableStream<Uint8Array>>
        : E extends readonly [string, ...unknown[]]
          ? CallResult<any>
          : E extends (...args: any[]) => infer R
            ? Awaited<R>
            : Awaited<E>;

  export interface RetryOptions {
    /** Attempts in all; 3 by default. */
    times?: number;
    /** Milliseconds after the first attempt, which double with each; 100 by default. */
    backoff?: number;
    /** Milliseconds that a delay may have at most; 5000 by default. */
    max?: number;
  }

  // The web-standard form

  /**
   * A script in the web-standard form, as on other runtimes of its kind.
   *
   * ```ts
   * import type { Handler, ModuleBinding } from "mik";
   *
   * export default {
   *   async fetch(request, env, ctx) {
   *     const answer = await env.orders.fetch("/create", { method: "POST", body: request.body });
   *     return new Response(answer.body, { status: answer.status });
   *   },
   * } satisfies Handler<{ orders: ModuleBinding; REGION: string }>;
   * ```
   */
  export interface Handler<E = Env> {
    fetch(request: Request, env: E, ctx: ExecutionContext): Response | Promise<Response>;
  }

  /**
   * Modules and variables of the script by name. Which of the two an entry is, its name decides, so
   * that the general type is both; a type of your own, as `Handler<{ … }>`, says it exactly.
   */
  export interface Env {
    readonly [name: string]: ModuleBinding & string;
  }

  /** A module that the script may call. */
  export interface ModuleBinding {
    /**
     * Calls the module. Resolves whatever status it answers with, and rejects with a {@link
     * CallError} when the call could not be carried out; with a `TypeError` for arguments that make
     * no sense. Redirects are answers like others and are never followed.
     *
     * @param input A path that begins with "/"; or a URL or a Request, of which only path and query
     * count.
     */
    fetch(input: string | URL | Request, init?: ModuleRequestInit): Promise<Response>;
  }

  export interface ModuleRequestInit extends RequestInit {
    /**
     * Milliseconds that the call may take; never more than what is left of the script's own time.
     */
    timeout?: number;
  }

  /** The third argument of the web-standard form. */
  export interface ExecutionContext {
    /**
     * Keeps the run going after its answer, until the promise settles. A rejection goes to the log.
     */
    waitUntil(promise: Promise<unknown>): void;
    /** Does nothing: there is nothing behind a script that a request could pass through to. */
    passThroughOnException(): void;
    readonly props: Record<string, never>;
  }

  // Both

  export type CallError = globalThis.CallError;
  export type ErrorCode = globalThis.CallError["code"];
}

// Errors

/**
 * A call that the host could not carry out. Uncaught, it is answered with 502.
 *
 * ```ts
 * try {
 *   await host.call("stock");
 * } catch (error) {
 *   if (error instanceof CallError && error.code === "CIRCUIT_OPEN") return { status: 503 };
 *   throw error;
 * }
 * ```
 */
declare class CallError extends Error {
  constructor(message: string, code: CallError["code"], module?: string, call?: string);
  readonly name: "CallError";
  /**
   * - `MODULE_NOT_FOUND`: there is no such module, or the script may not call it;
   * - `CIRCUIT_OPEN`: the module failed so often that it is left alone for a while;
   * - `RATE_LIMITED`, `OVERLOADED`: a limit of the host was reached;
   * - `TIMEOUT`: the call took longer than it may;
   * - `HANDLER_ERROR`: the module trapped, or broke off;
   * - `LOOP_DETECTED`: modules and scripts call each other too deep;
   * - `BODY_ERROR`: a body broke off while it was read;
   * - `CLOSED`: nobody reads the stream that is being written.
   */
  readonly code:
    | "MODULE_NOT_FOUND"
    | "CIRCUIT_OPEN"
    | "RATE_LIMITED"
    | "OVERLOADED"
    | "TIMEOUT"
    | "HANDLER_ERROR"
    | "LOOP_DETECTED"
    | "BODY_ERROR"
    | "CLOSED";
  /** The module that was called. */
  readonly module?: string;
  /** The call, such as "POST orders/create". */
  readonly call?: string;
}

/** The errors of web standards that have a name and no class of their own. */
declare class DOMException extends Error {
  constructor(message?: string, name?: string);
  readonly name: string;
  readonly code: number;
}

// Requests and responses

type HeadersInit = Headers | Iterable<readonly [string, string]> | Record<string, string>;
type BodyInit =
  string | ArrayBuffer | ArrayBufferView | URLSearchParams | ReadableStream<Uint8Array>;

declare class Headers implements Iterable<[string, string]> {
  constructor(init?: HeadersInit);
  append(name: string, value: string): void;
  delete(name: string): void;
  get(name: string): string | null;
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  forEach(callback: (value: string, name: string, headers: Headers) => void, self?: unknown): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}

/** What `Request` and `Response` have in common. There is no `Blob` and no `FormData`. */
interface Body {
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly bodyUsed: boolean;
  arrayBuffer(): Promise<ArrayBuffer>;
  bytes(): Promise<Uint8Array>;
  json<T = any>(): Promise<T>;
  text(): Promise<string>;
}

interface RequestInit {
  method?: string;
  headers?: HeadersInit;
  body?: BodyInit | null;
  /** Kept, but without effect: modules' redirects are never followed. */
  redirect?: "follow" | "error" | "manual";
  signal?: AbortSignal | null;
}

interface Request extends Body {
  readonly method: string;
  readonly url: string;
  readonly redirect: "follow" | "error" | "manual";
  readonly signal: AbortSignal;
  clone(): Request;
}
declare var Request: {
  prototype: Request;
  /** The URL is an absolute one: a script has none that another could be relative to. */
  new (input: string | URL | Request, init?: RequestInit): Request;
};

interface ResponseInit {
  /** From 200 to 599; 200 by default. */
  status?: number;
  statusText?: string;
  headers?: HeadersInit;
}

interface Response extends Body {
  readonly status: number;
  readonly statusText: string;
  readonly ok: boolean;
  readonly type: "default" | "error";
  readonly url: string;
  readonly redirected: boolean;
  clone(): Response;
}
declare var Response: {
  prototype: Response;
  new (body?: BodyInit | null, init?: ResponseInit | Response): Response;
  error(): Response;
  json(data: unknown, init?: ResponseInit | Response): Response;
  redirect(url: string | URL, status?: 301 | 302 | 303 | 307 | 308): Response;
};

/** @deprecated Always rejects: scripts reach modules only, by `env.NAME.fetch` or `host.call`. */
declare function fetch(input?: unknown, init?: unknown): Promise<never>;

// Streams

interface UnderlyingSource<R = any> {
  start?(controller: ReadableStreamDefaultController<R>): unknown;
  pull?(controller: ReadableStreamDefaultController<R>): void | PromiseLike<void>;
  cancel?(reason?: any): void | PromiseLike<void>;
}

interface QueuingStrategy<R = any> {
  highWaterMark?: number;
  size?(chunk: R): number;
}

type ReadableStreamReadResult<R> = { done: false; value: R } | { done: true; value: undefined };

/** A stream with default readers. There are no byte streams, pipes and transforms. */
interface ReadableStream<R = any> extends AsyncIterable<R> {
  readonly locked: boolean;
  cancel(reason?: any): Promise<void>;
  getReader(): ReadableStreamDefaultReader<R>;
  tee(): [ReadableStream<R>, ReadableStream<R>];
  values(options?: { preventCancel?: boolean }): AsyncIterableIterator<R>;
  [Symbol.asyncIterator](): AsyncIterableIterator<R>;
}
declare var ReadableStream: {
  prototype: ReadableStream;
  new <R = any>(source?: UnderlyingSource<R>, strategy?: QueuingStrategy<R>): ReadableStream<R>;
  from<R>(iterable: Iterable<R | PromiseLike<R>> | AsyncIterable<R>): ReadableStream<R>;
};

interface ReadableStreamDefaultReader<R = any> {
  readonly closed: Promise<undefined>;
  read(): Promise<ReadableStreamReadResult<R>>;
  cancel(reason?: any): Promise<void>;
  releaseLock(): void;
}

interface ReadableStreamDefaultController<R = any> {
  readonly desiredSize: number | null;
  enqueue(chunk?: R): void;
  close(): void;
  error(reason?: any): void;
}

// URLs

declare class URL {
  constructor(url: string | URL, base?: string | URL);
  static canParse(url: string | URL, base?: string | URL): boolean;
  static parse(url: string | URL, base?: string | URL): URL | null;
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  readonly searchParams: URLSearchParams;
  hash: string;
  toString(): string;
  toJSON(): string;
}

declare class URLSearchParams implements Iterable<[string, string]> {
  constructor(
    init?: string | URLSearchParams | Iterable<readonly [string, string]> | Record<string, string>,
  );
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  forEach(
    callback: (value: string, name: string, params: URLSearchParams) => void,
    self?: unknown,
  ): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
  toString(): string;
}

// Text and bytes

declare class TextEncoder {
  readonly encoding: "utf-8";
  encode(text?: string): Uint8Array;
  encodeInto(source: string, destination: Uint8Array): { read: number; written: number };
}

declare class TextDecoder {
  /** Only UTF-8: a `RangeError` for any other label. */
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: "utf-8";
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}

declare function atob(text: string): string;
declare function btoa(text: string): string;

// Events and aborting

interface EventInit {
  bubbles?: boolean;
  cancelable?: boolean;
  composed?: boolean;
}

declare class Event {
  constructor(type: string, init?: EventInit);
  readonly type: string;
  readonly bubbles: boolean;
  readonly cancelable: boolean;
  readonly composed: boolean;
  readonly target: EventTarget | null;
  readonly currentTarget: EventTarget | null;
  readonly eventPhase: number;
  readonly timeStamp: number;
  readonly isTrusted: boolean;
  readonly defaultPrevented: boolean;
  preventDefault(): void;
  stopPropagation(): void;
  stopImmediatePropagation(): void;
  composedPath(): EventTarget[];
}

type EventListener = ((event: Event) => void) | { handleEvent(event: Event): void };

interface AddEventListenerOptions {
  capture?: boolean;
  once?: boolean;
  passive?: boolean;
  signal?: AbortSignal;
}

declare class EventTarget {
  addEventListener(
    type: string,
    listener: EventListener | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListener | null,
    options?: boolean | { capture?: boolean },
  ): void;
  dispatchEvent(event: Event): boolean;
}

interface AbortSignal extends EventTarget {
  readonly aborted: boolean;
  readonly reason: any;
  onabort: ((this: AbortSignal, event: Event) => void) | null;
  throwIfAborted(): void;
}
declare var AbortSignal: {
  prototype: AbortSignal;
  abort(reason?: any): AbortSignal;
  any(signals: Iterable<AbortSignal>): AbortSignal;
  timeout(ms: number): AbortSignal;
};

declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: any): void;
}

// Time

/** Calls the function once after so many milliseconds. What it throws goes to the log. */
declare function setTimeout<A extends unknown[]>(
  callback: (...args: A) => void,
  ms?: number,
  ...args: A
): number;
/** Calls the function again and again. It keeps no run going that has answered. */
declare function setInterval<A extends unknown[]>(
  callback: (...args: A) => void,
  ms?: number,
  ...args: A
): number;
declare function clearTimeout(id: number | undefined): void;
declare function clearInterval(id: number | undefined): void;
declare function queueMicrotask(callback: () => void): void;

declare var performance: {
  /** Milliseconds since the run began. */
  now(): number;
  /** When that was, in milliseconds since 1970. */
  readonly timeOrigin: number;
};

// Others

declare function structuredClone<T>(value: T, options?: { transfer?: readonly ArrayBuffer[] }): T;

declare var crypto: {
  /** A random UUID of version 4. */
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
  /** Fills an array of integers, of at most 65536 bytes, with random ones. */
  getRandomValues<T extends ArrayBufferView>(array: T): T;
};

/** Writes to mik's log, with the request's id. */
declare var console: {
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  debug(...values: unknown[]): void;
  trace(...values: unknown[]): void;
  assert(holds?: unknown, ...values: unknown[]): void;
  dir(value?: unknown): void;
  table(rows?: unknown): void;
  count(label?: string): void;
  countReset(label?: string): void;
  time(label?: string): void;
  timeLog(label?: string, ...values: unknown[]): void;
  timeEnd(label?: string): void;
  group(...values: unknown[]): void;
  groupCollapsed(...values: unknown[]): void;
  groupEnd(): void;
};
