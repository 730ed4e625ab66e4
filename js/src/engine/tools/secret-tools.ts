/** `tools.secrets.*`: what tasks may know and nobody else writes down. */

import { errorOf } from "../../shared/errors.js";
import {
  badArguments,
  ownTools,
  textGiven,
  type Tool,
  type ToolCall,
  ToolError,
  type Tools,
} from "./tool.js";

/** Where secrets are kept; each function may be asynchronous. */
export interface SecretStore {
  /** The secret of a name; undefined or null where there is none. */
  get(name: string): unknown;
  set(name: string, value: string): unknown;
  /** Whether there was one. */
  delete(name: string): unknown;
  /** The names. */
  list(): Iterable<string> | Promise<Iterable<string>>;
}

/**
 * The tools `tools.secrets.get_secret`, `set_secret`, `delete_secret` and `list_secrets` over a store: an object, a `Map`, or a
 * {@link SecretStore}.
 *
 * - `get_secret({name})` gives the secret itself; without one of that name the task fails with `SECRET_UNKNOWN`.
 * - `set_secret({name, value})`: `{success, name}`; `delete_secret({name})`: `{success, name, deleted}`; `list_secrets()`:
 *   `{secrets, count}`, names alone.
 *
 * The result of a task is kept in the journal of the engine and shown by its API, so what `get_secret` gives is, too, and so is a
 * `value` that stands in a definition. Where that must not be, let a tool of your own read the store.
 *
 * @example
 * ```js
 * import { LocalEngine, secretTools } from "highway-wasm/engine";
 *
 * const engine = new LocalEngine({ tools: secretTools(new Map([["token", "t-1"]])) });
 * await engine.close();
 * ```
 *
 * @throws {ConfigurationError} `OPTION_INVALID`.
 */
export function secretTools(store: SecretStore | Map<string, string> | Record<string, string>): Tools {
  const secrets = storeOf(store);
  const get: Tool = async (call) => {
    const name = nameOf(call);
    const value = await secrets.get(name);
    if (value !== undefined && value !== null) return value;
    throw new ToolError(`there is no secret \`${name}\``, { code: "SECRET_UNKNOWN", retryable: false });
  };
  const set: Tool = async (call) => {
    const name = nameOf(call);
    const value = call.kwargs["value"] ?? call.args[1];
    if (typeof value !== "string") throw badArguments(`the value of the secret \`${name}\` is not text`);
    await secrets.set(name, value);
    return { success: true, name };
  };
  const remove: Tool = async (call) => {
    const name = nameOf(call);
    return { success: true, name, deleted: (await secrets.delete(name)) !== false };
  };
  const list: Tool = async () => {
    const names = [...(await secrets.list())].sort();
    return { secrets: names, count: names.length };
  };
  return ownTools({
    "tools.secrets.get_secret": get,
    "tools.secrets.set_secret": set,
    "tools.secrets.delete_secret": remove,
    "tools.secrets.list_secrets": list,
  });
}

function nameOf({ args, kwargs }: ToolCall): string {
  return textGiven(kwargs["name"] ?? args[0], "name", "give the name of a secret");
}

function storeOf(store: SecretStore | Map<string, string> | Record<string, string>): SecretStore {
  if (typeof store !== "object" || store === null) {
    throw errorOf("OPTION_INVALID", "the store of the secrets is not an object", { path: "/store" });
  }
  if (store instanceof Map) {
    return {
      get: (name) => store.get(name),
      set: (name, value) => store.set(name, value),
      delete: (name) => store.delete(name),
      list: () => store.keys(),
    };
  }
  const own = store as Partial<SecretStore>;
  const names = ["get", "set", "delete", "list"] as const;
  if (names.some((name) => typeof own[name] === "function")) {
    const missing = names.find((name) => typeof own[name] !== "function");
    if (missing === undefined) return own as SecretStore;
    throw errorOf("OPTION_INVALID", `the store of the secrets has no function \`${missing}\``, {
      path: `/store/${missing}`,
    });
  }
  const object = store as Record<string, string>;
  return {
    get: (name) => (Object.hasOwn(object, name) ? object[name] : undefined),
    // A secret may be called like what every object has.
    set: (name, value) =>
      Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true }),
    delete: (name) => Object.hasOwn(object, name) && Reflect.deleteProperty(object, name),
    list: () => Object.keys(object),
  };
}
