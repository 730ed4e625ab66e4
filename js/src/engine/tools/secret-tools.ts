/** `tools.secrets.*`: reads and writes a store of secrets. */

import { invalid } from "../../shared/options.js";
import {
  badArguments,
  ownTools,
  textGiven,
  type Tool,
  type ToolCall,
  ToolError,
  type Tools,
} from "./tool.js";

/** A store of secrets. Each function may be asynchronous. */
export interface SecretStore {
  /** The secret with this name; undefined or null if there is none. */
  get(name: string): unknown;
  /** Stores a secret, and replaces the one of that name. */
  set(name: string, value: string): unknown;
  /** Deletes a secret. Returns whether it existed. */
  delete(name: string): unknown;
  /** The names of all secrets. */
  list(): Iterable<string> | Promise<Iterable<string>>;
}

/**
 * The tools `tools.secrets.get_secret`, `set_secret`, `delete_secret` and `list_secrets` over a store: an object, a
 * `Map`, or a {@link SecretStore}.
 *
 * - `get_secret({name})` returns the secret; an unknown name fails the task with `SECRET_UNKNOWN`.
 * - `set_secret({name, value})` returns `{success, name}`, `delete_secret({name})` returns `{success, name, deleted}`,
 *   and `list_secrets()` returns `{secrets, count}` with names only.
 *
 * The engine stores the results of tasks in its journal and shows them in its API. That includes the result of
 * `get_secret`, and a `value` in a definition. If that is not acceptable, write a tool that reads the store itself.
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
    throw invalid("the store of the secrets is not an object", "/store");
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
    throw invalid(`the store of the secrets has no function \`${missing}\``, `/store/${missing}`);
  }
  const object = store as Record<string, string>;
  return {
    get: (name) => (Object.hasOwn(object, name) ? object[name] : undefined),
    // A secret may have the name of a property that every object has.
    set: (name, value) =>
      Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true }),
    delete: (name) => Object.hasOwn(object, name) && Reflect.deleteProperty(object, name),
    list: () => Object.keys(object),
  };
}
