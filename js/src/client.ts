/** The client: settings, and operations carried out by the core. */

import { environmentVariable, isPage } from "./environment.js";
import { errorOf, isHighwayError, makeError } from "./errors.js";
import { CallHost, type Fetch } from "./host.js";
import { type ClientOptions, checkOptions, type DurationInput } from "./options.js";
import { plainText } from "./plain.js";
import { core } from "./runtime.js";

/** Where runs go when nobody says otherwise. */
const DEFAULT_ENDPOINT = "https://highway.solutions";
/** The embedded engine answers whatever the host name is. */
const ENGINE_ENDPOINT = "http://engine";

const OPTIONS = [
  "apiKey",
  "endpoint",
  "fetch",
  "engine",
  "retry",
  "timeout",
  "dangerouslyAllowBrowser",
] as const;

/** @internal What a call may ask for besides its arguments. */
export interface CallExtras {
  signal?: AbortSignal | undefined;
  onProgress?: ((status: unknown) => void) | undefined;
}

/** @internal */
export class Client {
  readonly endpoint: string;
  readonly #credential: string;
  readonly #fetch: Fetch;
  readonly #attempts: number | undefined;
  readonly #timeout: number | undefined;

  constructor(options: ClientOptions, more: readonly string[] = []) {
    checkOptions(options, [...OPTIONS, ...more], "the driver");
    const { engine } = options;
    if (engine !== undefined) {
      for (const key of ["apiKey", "endpoint", "fetch"] as const) {
        if (options[key] !== undefined) {
          throw invalid(
            `\`engine\` and \`${key}\` exclude each other`,
            `/${key}`,
            "give `engine` to run here, or the others to run on a server",
          );
        }
      }
      if (typeof engine?.fetch !== "function") {
        throw invalid(
          "`engine` is not an engine",
          "/engine",
          'give a `LocalEngine` of "highway-wasm/engine"',
        );
      }
    }
    const { apiKey: givenKey, fetch: givenFetch, retry } = options;
    if (givenKey !== undefined && typeof givenKey !== "string")
      throw invalid("`apiKey` is not text", "/apiKey");
    if (givenFetch !== undefined && typeof givenFetch !== "function")
      throw invalid("`fetch` is not a function", "/fetch");
    const attempts = retry === false ? 1 : retry?.attempts;
    const isRetry = retry === undefined || retry === false || (typeof retry === "object" && retry !== null);
    if (!isRetry || (attempts !== undefined && !(Number.isInteger(attempts) && attempts > 0))) {
      throw invalid(
        "`retry` is neither `false` nor `{ attempts }` with a whole number above 0",
        "/retry/attempts",
      );
    }
    const apiKey = givenKey ?? environmentVariable("HIGHWAY_API_KEY") ?? "";
    if (givenKey?.startsWith("hw_k1_") && isPage() && !options.dangerouslyAllowBrowser) {
      throw errorOf("API_KEY_EXPOSED", "a long-lived API key in a page can be read by every visitor", {
        path: "/apiKey",
        help: "keep the key on a server that forwards the requests, or pass `dangerouslyAllowBrowser: true`",
      });
    }
    const endpoint = options.endpoint ?? environmentVariable("HIGHWAY_API_ENDPOINT") ?? DEFAULT_ENDPOINT;
    this.endpoint = engine ? ENGINE_ENDPOINT : String(endpoint);
    this.#credential = engine ? "local" : apiKey;
    this.#fetch = engine?.fetch ?? givenFetch ?? ((request, init) => globalThis.fetch(request, init));
    this.#attempts = attempts;
    this.#timeout = options.timeout === undefined ? undefined : seconds("timeout", options.timeout, 0.001);
    core.call((api) => api.clientCheck(this.#config()));
  }

  /** Refuses to go on without a key; `what` names the call. */
  requireKey(what: string): void {
    if (this.#credential !== "") return;
    throw errorOf("API_KEY_MISSING", `an API key is required for ${what}`, {
      help: "pass `apiKey`, set HIGHWAY_API_KEY, or pass an `engine` to run without a server",
    });
  }

  /** Carries out an operation of the core. */
  async call<T>(op: string, args: object, extras: CallExtras = {}): Promise<T> {
    const { signal, onProgress } = extras;
    this.requireKey(`${op}()`);
    if (signal !== undefined && !isSignal(signal)) throw invalid("`signal` is not an AbortSignal", "/signal");
    const host = new CallHost(this.#fetch, signal, onProgress);
    try {
      const text = await core.callAsync((api) => api.clientCall(host, this.#config(), op, plainText(args)));
      if (!host.thrown) return JSON.parse(text) as T;
    } catch (error) {
      if (!host.thrown) throw withCause(error, signal?.reason, host.lastFailure);
    }
    throw host.thrown.error;
  }

  #config(): string {
    return JSON.stringify({
      endpoint: this.endpoint,
      credential: this.#credential,
      ...(this.#attempts === undefined ? {} : { attempts: this.#attempts }),
      ...(this.#timeout === undefined ? {} : { timeout: this.#timeout }),
    });
  }
}

function invalid(message: string, path: string, help?: string): Error {
  return errorOf("OPTION_INVALID", message, { path, help });
}

/** Whether a value works as an AbortSignal, of whatever realm. */
function isSignal(value: unknown): boolean {
  return typeof value === "object" && value !== null && "aborted" in value && "addEventListener" in value;
}

/** The error with what is behind it, which does not cross the boundary. */
function withCause(error: unknown, reason: unknown, failure: unknown): unknown {
  if (!(isHighwayError(error, "ABORTED") || isHighwayError(error, "API_UNREACHABLE"))) return error;
  const cause = error.code === "ABORTED" ? reason : failure;
  return makeError(error.name, { ...error, message: error.message, cause });
}

/** @internal Seconds of a duration that was given as an option. */
export function seconds(name: string, value: DurationInput, least: number): number {
  const text = plainText(value, `/${name}`);
  return core.call((api) => api.seconds(name, text, least));
}
