/** Where a command works: on a server, or on an engine in this process. */

import { Driver } from "../driver.js";
import { LocalEngine } from "../entries/engine-inline.js";
import { environmentVariable } from "../environment.js";
import { Highway } from "../highway.js";
import type { ClientOptions } from "../options.js";
import { nodeTools } from "../node/tools.js";
import { type Given, textOf } from "./command.js";
import { UsageError } from "./exit-codes.js";
import { secretsOfEnvironment } from "./secrets.js";

/** The server that is named. */
export function serverOf(given: Given): ClientOptions {
  const endpoint = textOf(given, "endpoint") ?? environmentVariable("HIGHWAY_API_ENDPOINT");
  const apiKey = textOf(given, "api-key") ?? environmentVariable("HIGHWAY_API_KEY");
  if (endpoint === undefined) {
    throw new UsageError("it is not said which server", "pass `--endpoint URL`, or set HIGHWAY_API_ENDPOINT");
  }
  if (apiKey === undefined) {
    throw new UsageError("there is no API key", "set HIGHWAY_API_KEY, or pass `--api-key KEY`");
  }
  return { endpoint, apiKey };
}

/** A client of the server that is named. */
export const highwayOf = (given: Given): Highway => new Highway(serverOf(given));

/** Where to run. */
export interface Target {
  readonly driver: Driver;
  readonly isLocal: boolean;
  close(): Promise<void>;
}

/** The server that is named; where none is, or `--local` says so, an engine of our own. */
export function targetOf(given: Given): Target {
  const isNamed = given["endpoint"] !== undefined;
  if (given["local"] && isNamed) throw new UsageError("`--local` and `--endpoint` exclude each other");
  const isLocal = given["local"] !== undefined || !(isNamed || environmentVariable("HIGHWAY_API_ENDPOINT"));
  if (!isLocal) return { driver: new Driver(serverOf(given)), isLocal, close: async () => {} };
  const engine = new LocalEngine({ tools: nodeTools(), secrets: secretsOfEnvironment() });
  return { driver: new Driver({ engine }), isLocal, close: () => engine.close() };
}
