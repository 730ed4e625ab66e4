/** The API key or token of a client: where it comes from, and how it is kept out of errors. */

import { environmentVariable, isPage } from "../shared/environment.js";
import { errorOf, type HighwayError } from "../shared/errors.js";
import type { Auth, ClientOptions } from "./options.js";
import { invalid } from "../shared/options.js";

/** Characters from which a credential is removed from texts. A shorter one is a common word, which reveals nothing. */
const LEAST_SECRET = 8;
/** Keys and tokens of Highway. */
const ANY_KEY = /hw_k1_[\w-]{8,}|eyJ[\w-]+\.[\w-]+\.[\w-]+/g;

let spellings: typeof import("../shared/spellings.js") | undefined;

/** @internal Loads the search for credentials in other spellings. Only errors need it. */
export async function loadSpellings(): Promise<void> {
  spellings ??= await import("../shared/spellings.js").catch(() => undefined);
}

/** @internal The credential of one client. */
export class Credentials {
  readonly #setting: string | true;
  readonly #auth: Auth | undefined;
  readonly #mayExpose: boolean;
  #current: Promise<string> | undefined;
  #value: string | undefined;
  #refused: string | undefined;

  constructor(options: ClientOptions) {
    const { apiKey, auth, engine, dangerouslyAllowBrowser } = options;
    this.#mayExpose = dangerouslyAllowBrowser === true;
    if (apiKey !== undefined && typeof apiKey !== "string") throw invalid("`apiKey` is not text", "/apiKey");
    if (auth !== undefined && auth !== false && typeof auth !== "function") {
      throw invalid("`auth` is neither a function nor `false`", "/auth");
    }
    if (apiKey !== undefined && auth !== undefined) {
      throw invalid("`apiKey` and `auth` exclude each other", "/auth", "`auth` gives the key instead");
    }
    if (engine !== undefined) {
      this.#setting = "";
    } else if (auth !== undefined) {
      this.#auth = auth || undefined;
      this.#setting = auth !== false || "";
    } else {
      if (apiKey !== undefined) this.#refuseExposed(apiKey, "/apiKey");
      this.#setting = apiKey ?? environmentVariable("HIGHWAY_API_KEY") ?? "";
    }
  }

  /** The core's setting: a key, `true` if a function gives the credential, "" for none. */
  get setting(): string | true {
    return this.#setting;
  }

  /** The text without this client's credentials, in every spelling, and without any other key of Highway. */
  struck(text: string): string {
    const secrets = [this.#setting, this.#value, this.#refused].filter(
      (secret) => typeof secret === "string" && secret.length >= LEAST_SECRET,
    ) as string[];
    const strike = (shown: string, secret: string): string =>
      spellings?.strikerOf(secret)(shown) ?? shown.replaceAll(secret, "[API key]");
    return secrets.reduce(strike, text).replace(ANY_KEY, "[API key]");
  }

  /**
   * The credential. If it equals `refused`, the server has refused it and a new one is requested. Concurrent calls
   * share one request.
   */
  async get(refused?: string): Promise<string> {
    const isStale = refused !== undefined && refused === this.#value;
    if (isStale) this.#current = undefined;
    this.#current ??= this.#ask(refused !== undefined);
    return await this.#current;
  }

  async #ask(refresh: boolean): Promise<string> {
    this.#refused = this.#value;
    this.#value = undefined;
    try {
      const value: unknown = await this.#auth?.({ refresh });
      if (typeof value !== "string" || value === "") throw new TypeError("it is empty or not text");
      this.#refuseExposed(value, "/auth");
      this.#value = value;
      return value;
    } catch (error) {
      this.#current = undefined;
      throw error;
    }
  }

  #refuseExposed(key: string, path: string): void {
    if (key.startsWith("hw_k1_") && isPage() && !this.#mayExpose) throw exposed(path);
  }
}

function exposed(path: string): HighwayError {
  return errorOf("API_KEY_EXPOSED", "a long-lived API key in a page can be read by every visitor", {
    path,
    help:
      'keep the key on a server: `createProxy` of "highway-wasm/proxy" gives a handler that adds it, and the page passes the ' +
      "address of that as `endpoint`. Short-lived tokens can be given with `auth`. `dangerouslyAllowBrowser: true` allows it all the same",
  });
}
