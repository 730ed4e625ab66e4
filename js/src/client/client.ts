/** The client: it keeps the settings and has the core carry out operations. */

import { Credentials, loadSpellings } from "./credentials.js";
import { absolute, environmentVariable, isPage } from "../shared/environment.js";
import { type ErrorFacts, errorOf, type HighwayError, isHighwayError, makeError } from "../shared/errors.js";
import { CallHost, type CallHostOptions } from "./host.js";
import type { Fetch } from "./options.js";
import type {
  CallOptions,
  CircuitBreakerOptions,
  ClientOptions,
  DurationInput,
  EngineLike,
  RetryOptions,
} from "./options.js";
import { checkCount, checkOptions, invalid } from "../shared/options.js";
import { bigJson, parseJson } from "../shared/json.js";
import { plainText } from "../shared/plain.js";
import { core } from "../wasm/runtime.js";
import type { Session } from "./session.js";
import { Watching } from "./watching.js";

/** The default endpoint. */
const DEFAULT_ENDPOINT = "https://highway.solutions";
/** The endpoint of an embedded engine, which ignores the host name. */
const ENGINE_ENDPOINT = "http://engine";
/** Default of the largest answer that is accepted, in bytes. */
const MAX_RESPONSE_SIZE = 32 * 1024 * 1024;

const OPTIONS = [
  "apiKey",
  "auth",
  "endpoint",
  "fetch",
  "engine",
  "retry",
  "circuitBreaker",
  "timeout",
  "maxResponseSize",
  "dangerouslyAllowBrowser",
] as const;

/** The server's limit on requests, from its latest answer. */
export interface RateLimit {
  /** Requests allowed per window of time. */
  readonly limit: number;
  /** Requests left in the present window. */
  readonly remaining: number;
  /** When the next window begins, as the server sends it: usually in seconds since the Unix epoch. */
  readonly reset: number | null;
}

/** @internal Options of one call. */
export interface CallExtras extends CallOptions, CallHostOptions {
  /** The body as JSON text, which is sent unchanged. */
  bodyText?: string | undefined;
}

/** @internal */
export class Client implements Session {
  readonly endpoint: string;
  readonly engine: EngineLike | undefined;
  readonly credentials: Credentials;
  readonly maxResponseSize: number;
  /** The runs that are followed. */
  readonly watching: Watching;
  /** Five numbers that the core keeps between calls. */
  memory: Float64Array = new Float64Array(5);
  rateLimit: RateLimit | null = null;

  readonly #fetch: Fetch | undefined;
  readonly #needsKey: boolean;
  readonly #when: RetryOptions["when"];
  /** The settings as JSON text for the core. */
  readonly config: string;

  constructor(options: ClientOptions, more: readonly string[] = [], of = "the driver") {
    checkOptions(options, [...OPTIONS, ...more], of);
    const {
      engine,
      fetch: givenFetch,
      maxResponseSize = engine ? 8 * MAX_RESPONSE_SIZE : MAX_RESPONSE_SIZE,
    } = options;
    if (engine !== undefined) checkEngine(options);
    if (givenFetch !== undefined && typeof givenFetch !== "function")
      throw invalid("`fetch` is not a function", "/fetch");
    checkCount(maxResponseSize, "/maxResponseSize");
    this.engine = engine;
    this.credentials = new Credentials(options);
    const endpoint = options.endpoint ?? environmentVariable("HIGHWAY_API_ENDPOINT");
    this.endpoint = engine ? ENGINE_ENDPOINT : absolute(String(endpoint ?? DEFAULT_ENDPOINT));
    this.#fetch = engine?.fetch ?? givenFetch;
    this.maxResponseSize = maxResponseSize;
    this.watching = new Watching(this);
    // A page usually has no key: it asks its own server or a proxy, which `endpoint` names.
    const isOpen = engine !== undefined || options.auth === false || (isPage() && endpoint !== undefined);
    this.#needsKey = this.credentials.setting === "" && !isOpen;
    this.#when = options.retry === false ? undefined : options.retry?.when;
    this.config = JSON.stringify({
      endpoint: this.endpoint,
      credential: this.credentials.setting,
      timeout: optional("/timeout", options.timeout),
      retry: retryConfig(options.retry),
      circuitBreaker: circuitConfig(options.circuitBreaker),
    });
    core.call((api) => api.clientCheck(this.config));
  }

  /** Throws if a key is required and missing. `what` names the call. */
  requireKey(what: string): void {
    if (!this.#needsKey) return;
    throw errorOf("API_KEY_MISSING", `an API key is required for ${what}`, {
      help: "pass `apiKey` or `auth`, set HIGHWAY_API_KEY, pass `auth: false` for an endpoint that asks for none, or an `engine` to run without a server",
    });
  }

  /** Carries out an operation of the core. */
  async call<T>(op: string, args: object, options: CallExtras = {}): Promise<T> {
    const { timeout } = options;
    const limit = timeout === undefined ? {} : { limitMs: seconds("/timeout", timeout, 0.001) * 1000 };
    return await this.callText<T>(op, plainText({ ...args, ...limit }), options);
  }

  /** {@link call} with the arguments as JSON text. */
  async callText<T>(op: string, args: string, options: CallExtras = {}): Promise<T> {
    const { signal, bodyText } = options;
    this.requireKey(`${op}()`);
    checkSignal(signal);
    const host = new CallHost(this, options);
    try {
      const text = await core.callAsync((api) => api.clientCall(host, this.config, op, args, bodyText));
      // An answer that was requested as bytes is in `host.bytes`.
      if (!host.thrown) return (host.bytes ?? parseJson(text)) as T;
    } catch (error) {
      await loadSpellings();
      if (!host.thrown) throw this.shownError(error, signal?.reason, host.lastFailure);
    }
    throw host.thrown.error;
  }

  /** Sends a request: through the caller's function or through the global one. */
  async fetch(request: Request, signal: AbortSignal): Promise<Response> {
    // Called as a plain function, because a page's own `fetch` refuses any other `this`.
    const send = this.#fetch ?? globalThis.fetch;
    const response = await send(request, { signal });
    if (response.status === 503 && this.engine?.failure) throw this.engine.failure;
    return response;
  }

  /**
   * The failure of a request as the cause of an error. The texts of a runtime's own errors may repeat what a server
   * sent, so they are cleaned.
   */
  causeOf(failure: unknown): unknown {
    return this.#fetch ? failure : withoutSecrets(failure, this.credentials);
  }

  /** The error for an answer `data` that is not what was requested. */
  unexpected(message: string, data: unknown): HighwayError {
    const body = this.credentials.struck(bigJson(data ?? null)).slice(0, 200);
    return errorOf("API_RESPONSE_INVALID", message, { details: { body } });
  }

  /**
   * The error that the caller sees: without credentials that a server repeated, and with its cause, which cannot cross
   * the boundary to the core.
   */
  shownError(error: unknown, reason?: unknown, failure?: unknown): unknown {
    if (!isHighwayError(error)) return error;
    const { name, code, message, cause } = error;
    const facts = parseJson(this.credentials.struck(bigJson({ ...error, message }))) as ErrorFacts;
    const isUnreachable = code === "API_UNREACHABLE";
    // An embedded engine has no server and no network, so the text must not mention them.
    const own = this.engine && {
      message: facts.message
        .replace(`\`${ENGINE_ENDPOINT}\` could not be reached`, "the engine failed")
        .replace("the server", "the engine"),
      help: isUnreachable
        ? undefined
        : facts.help?.replace(" and the endpoint", "").replace("the server", "the engine"),
    };
    const shownCause =
      code === "ABORTED" ? reason : isUnreachable || code === "AUTH_FAILED" ? failure : cause;
    return makeError(name, { ...facts, ...own, cause: shownCause });
  }

  /** Asks `retry.when` whether a failure is worth another attempt. */
  judge(error: HighwayError, attempt: number): boolean | undefined {
    const verdict: unknown = this.#when?.(this.shownError(error) as HighwayError, attempt);
    if (verdict === undefined || typeof verdict === "boolean") return verdict;
    throw invalid("`when` gave neither a boolean nor undefined", "/retry/when", "it has to decide at once");
  }

  /** Reads the rate limit from the headers of an answer. */
  sawHeaders(headers: Headers): void {
    const read = (name: string): number | null => {
      const value = Number(headers.get(`x-ratelimit-${name}`) || Number.NaN);
      return Number.isFinite(value) ? value : null;
    };
    const limit = read("limit");
    const remaining = limit === null ? null : read("remaining");
    if (limit === null || remaining === null) return;
    this.rateLimit = { limit, remaining, reset: read("reset") };
  }
}

function checkEngine(options: ClientOptions): void {
  for (const key of ["apiKey", "auth", "endpoint", "fetch"] as const) {
    if (options[key] !== undefined) {
      throw invalid(
        `\`engine\` and \`${key}\` exclude each other`,
        `/${key}`,
        "give `engine` to run here, or the others to run on a server",
      );
    }
  }
  if (typeof options.engine?.fetch !== "function") {
    throw invalid("`engine` is not an engine", "/engine", 'give a `LocalEngine` of "highway-wasm/engine"');
  }
}

function retryConfig(retry: RetryOptions | false | undefined): object | undefined {
  if (retry === undefined) return undefined;
  if (retry === false) return { attempts: 1 };
  if (typeof retry !== "object" || retry === null)
    throw invalid("`retry` is neither `false` nor an object", "/retry");
  checkOptions(retry, ["attempts", "delay", "maxDelay", "totalTime", "when"], "`retry`", "/retry");
  const { attempts, delay, maxDelay, totalTime, when } = retry;
  checkCount(attempts, "/retry/attempts");
  if (when !== undefined && typeof when !== "function")
    throw invalid("`when` is not a function", "/retry/when");
  return {
    attempts,
    delay: optional("/retry/delay", delay),
    maxDelay: optional("/retry/maxDelay", maxDelay),
    totalTime: optional("/retry/totalTime", totalTime),
    when: when !== undefined,
  };
}

function circuitConfig(circuit: CircuitBreakerOptions | false | undefined): object | false | undefined {
  if (circuit === undefined || circuit === false) return circuit;
  if (typeof circuit !== "object" || circuit === null) {
    throw invalid("`circuitBreaker` is neither `false` nor an object", "/circuitBreaker");
  }
  checkOptions(circuit, ["failures", "openFor"], "`circuitBreaker`", "/circuitBreaker");
  checkCount(circuit.failures, "/circuitBreaker/failures");
  return { failures: circuit.failures, openFor: optional("/circuitBreaker/openFor", circuit.openFor) };
}

/** @internal Refuses a value that cannot be used as an AbortSignal. Signals of other realms are accepted. */
export function checkSignal(signal: unknown): void {
  const works =
    typeof signal === "object" && signal !== null && "aborted" in signal && "addEventListener" in signal;
  if (signal !== undefined && !works) throw invalid("`signal` is not an AbortSignal", "/signal");
}

/** A copy of an error and its causes, with cleaned messages: name, code, message and cause. */
function withoutSecrets(failure: unknown, credentials: Credentials, depth = 0): unknown {
  if (typeof failure !== "object" || failure === null) return failure;
  const { name, code, message, cause } = failure as Partial<Error> & { code?: unknown };
  const isEnd = cause === undefined || depth > 3;
  const options = isEnd ? {} : { cause: withoutSecrets(cause, credentials, depth + 1) };
  const copy = new Error(credentials.struck(String(message)), options);
  Object.defineProperty(copy, "name", { value: String(name) });
  return code === undefined ? copy : Object.assign(copy, { code });
}

function optional(path: string, value: DurationInput | undefined): number | undefined {
  return value === undefined ? undefined : seconds(path, value, 0.001);
}

/** @internal The duration of the option at `path` in seconds, at least `least`. */
export function seconds(path: string, value: DurationInput, least: number): number {
  const text = plainText(value, path);
  return core.call((api) => api.seconds(path, text, least));
}
