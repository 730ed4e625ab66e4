/** The embedded engine as a server: what `npx highway-wasm serve` runs. */

import { resolve } from "node:path";
import type { LocalEngine, LocalEngineOptions } from "../engine/host/local-engine.js";
import type { Tools } from "../engine/tools/tool.js";
import { errorOf, isHighwayError } from "../shared/errors.js";
import { checkOptions, invalid } from "../shared/options.js";
import { apiKey, makeFolder } from "./api-key.js";
import { door, isAnyAddress } from "./door.js";
import { fileStore } from "./file-store.js";
import { listen } from "./http-server.js";
import { listener } from "./listener.js";
import { pythonDsl } from "./python-dsl.js";
import { checkOwnership } from "./ownership.js";
import { limited } from "./request-limit.js";
import { tidyWorkspace } from "./run-folder.js";
import { untilStopped } from "./stopping.js";
import { nodeTools } from "./tools.js";

/** The port of a local engine, as Highway's own clients have it. */
export const DEFAULT_PORT = 7822;
/** Where a server keeps what it needs when nobody says otherwise. */
export const DEFAULT_DATA = ".highway";
/** Bytes of a body that are taken when nobody says otherwise. */
const MAX_BODY = 10 * 1024 * 1024;
/** Bytes of all bodies under way that are taken when nobody says otherwise. */
const MAX_BODIES = 64 * 1024 * 1024;
/** Default of `bodyTimeout`. */
const BODY_TIMEOUT = 30_000;
/** Milliseconds that requests under way get when the server stops. */
const PATIENCE = 5000;

/** How to serve. */
export interface ServeOptions {
  /** 7822 by default; 0 takes a free one. */
  port?: number | undefined;
  /** Name or address to listen on; `127.0.0.1` by default, which other machines do not reach. */
  host?: string | undefined;
  /**
   * Folder of what outlives the server: its runs with their working directories, and the key that it makes for itself. Without one, runs are kept in memory, and
   * the key in `.highway`. One server at a time may use it.
   */
  data?: string | undefined;
  /** The API key. Default: `HIGHWAY_API_KEY`, else the one in the data folder, which is made where there is none. */
  key?: string | undefined;
  /** Origins whose pages may use the server, such as `http://localhost:5173`; its own may in any case. */
  cors?: readonly string[] | undefined;
  /** Names that the server may be called by, beside loopback and `host`. Others are refused, against DNS rebinding. */
  allowedHosts?: readonly string[] | undefined;
  /** Bytes of a request's body that are taken; 10 MiB by default. */
  maxBody?: number | undefined;
  /** Bytes of all bodies together that are under way; 64 MiB by default, or `maxBody` where that is more. Beyond it a request gets status 503. */
  maxBodies?: number | undefined;
  /** Longest pause while a body arrives, in milliseconds; then its request gets status 408. 30,000 by default. */
  bodyTimeout?: number | undefined;
  /**
   * Whether workflows may be submitted as Python (`python_dsl`), which is run to read them; no by default. Whoever has the key can then
   * run any code here, as they can with the shell of `nodeTools()`. It takes a `python3` with the package `highway_dsl`.
   */
  pythonDsl?: boolean | undefined;
  /** Tools by name, beside those of `nodeTools()`; of one name these count. */
  tools?: Tools | undefined;
  /** Settings of the engine. Its tools are those of `nodeTools()` and `tools` unless this names others. */
  engine?: LocalEngineOptions | undefined;
}

/** A server that runs. */
export interface HighwayServer {
  /** Its address, to be given to a client as `endpoint`. */
  readonly url: string;
  readonly port: number;
  /** The API key that it asks for. */
  readonly key: string;
  /** The file the key is kept in; undefined where it was given. */
  readonly keyFile: string | undefined;
  /** Whether the key was made just now. */
  readonly isNewKey: boolean;
  /** The runs that were there at the start: where they are kept, how many, and how many of them went on. Undefined without `data`. */
  readonly runs: { readonly folder: string; readonly total: number; readonly active: number } | undefined;
  /** How many requests are under way. */
  readonly underWay: number;
  /** Takes no more requests, waits up to 5 s for those under way, and closes the engine. */
  close(): Promise<void>;
}

/**
 * Serves the embedded engine over HTTP, with an API key, for this machine alone unless `host` says otherwise.
 *
 * Before anything else each request is checked for the name the server is called by, for the origin of the page it comes from,
 * and for the key, which only `/ping` and `/api/v1/health` do without. There is no encryption: across a network put a proxy in
 * front that has it.
 *
 * @throws {ConfigurationError} `OPTION_INVALID`, also for a data folder that another user owns, or everybody may write to.
 * @throws {ExecutionError} `STORE_IN_USE` where another server has the folder, `JOURNAL_INVALID` where what is in it is damaged.
 * @throws {Error} where it cannot listen: `code` is the system's, such as `EADDRINUSE`.
 *
 * @example
 * ```js
 * import { Driver } from "highway-wasm";
 * import { serve } from "highway-wasm/node";
 *
 * const server = await serve({ port: 0, key: "a-key-of-my-own" });
 * const driver = new Driver({ endpoint: server.url, apiKey: server.key });
 * driver.shell("hello", "echo hello");
 * const result = await driver.run();
 * console.log(result.status, result.tasks.hello.stdout); // completed hello
 * await server.close();
 * ```
 */
export async function serve(options: ServeOptions = {}): Promise<HighwayServer> {
  const { port, host, data, cors, allowedHosts, limits, tools, engine: settings, ...more } = checked(options);
  // The module of the engine is loaded by who serves, not by everybody who imports this.
  const { LocalEngine } = await import("../entries/engine-inline.js");
  const isKept = options.data !== undefined;
  const { key, file, isNew } = inFolder(data, () => {
    checkOwnership(data);
    if (isKept) makeFolder(data);
    return apiKey(options.key, data);
  });
  const store = isKept ? fileStore(`${data}/runs`) : undefined;
  const workspace = isKept ? resolve(data, "work") : undefined;
  const engine = new LocalEngine({
    tools: { ...nodeTools({ workspace }), ...tools },
    store,
    pythonDsl: more.pythonDsl ? pythonDsl() : undefined,
    ...settings,
  });
  try {
    await engine.ready();
    const runs = isKept ? { folder: resolve(data, "runs"), ...(await countRuns(engine)) } : undefined;
    if (workspace !== undefined) await tidyWorkspace(workspace, (runId) => isOver(engine, runId));
    const stopped = new AbortController();
    const getIn = door({ key, host, allowedHosts, origins: cors });
    const answer = listener(
      limited(
        untilStopped((request) => engine.fetch(request), stopped.signal),
        limits,
      ),
    );
    const http = await listen(
      (request, response) => {
        if (getIn(request, response)) answer(request, response);
      },
      host,
      port,
    );
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      stopped.abort();
      await http.stop(PATIENCE);
      await engine.close();
    };
    return {
      url: http.url,
      port: http.port,
      key,
      keyFile: file,
      isNewKey: isNew,
      runs,
      get underWay() {
        return http.underWay;
      },
      close: () => (closing ??= close()),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** What is done in the data folder; what the system says against it becomes an error that says which folder it is. */
function inFolder<T>(data: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (isHighwayError(cause) || code === undefined) throw cause;
    const isFile = code === "ENOTDIR" || code === "EEXIST";
    const reason = isFile ? "is not a folder" : `cannot be used: ${message.replace(/^[A-Z]+: /, "")}`;
    throw errorOf("OPTION_INVALID", `\`${data}\` ${reason}`, {
      path: "/data",
      help: "name a folder that this user may write to",
      cause,
    });
  }
}

/** How many runs an engine has, and how many of them are not over. */
async function countRuns(engine: LocalEngine): Promise<{ total: number; active: number }> {
  const response = await engine.fetch(new Request("http://engine/api/v1/workflows/stats"));
  const { data } = (await response.json()) as { data?: { total_runs: number; running: number } };
  return { total: data?.total_runs ?? 0, active: data?.running ?? 0 };
}

/** Whether a run has ended, or is not known any more. */
async function isOver(engine: LocalEngine, runId: string): Promise<boolean> {
  const url = `http://engine/api/v1/workflows/${encodeURIComponent(runId)}`;
  const response = await engine.fetch(new Request(url));
  if (response.status === 404) return true;
  const { data } = (await response.json()) as { data?: { completed_at?: string | null } };
  return typeof data?.completed_at === "string";
}

const OPTIONS = [
  "port",
  "host",
  "data",
  "key",
  "cors",
  "allowedHosts",
  "maxBody",
  "maxBodies",
  "bodyTimeout",
  "pythonDsl",
  "tools",
  "engine",
];

function checked(options: ServeOptions) {
  checkOptions(options, OPTIONS, "serve");
  const { port = DEFAULT_PORT, host = "127.0.0.1", data = DEFAULT_DATA, maxBody = MAX_BODY } = options;
  const { cors = [], allowedHosts = [], pythonDsl = false, tools = {}, engine = {} } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw invalid("`port` is not a whole number from 0 to 65535", "/port");
  }
  if (typeof host !== "string" || !/^[^\s/@?#\\]+$/.test(host))
    throw invalid("`host` is not a name or an address", "/host");
  if (typeof data !== "string" || data === "") throw invalid("`data` is empty or not text", "/data");
  const { maxBodies = Math.max(MAX_BODIES, maxBody), bodyTimeout = BODY_TIMEOUT } = options;
  const limits = { maxBody, maxBodies, bodyTimeout };
  for (const [name, value] of Object.entries(limits)) {
    if (Number.isInteger(value) && value > 0) continue;
    throw invalid(`\`${name}\` is not a whole number above 0`, `/${name}`);
  }
  for (const name of texts(allowedHosts, "allowedHosts")) {
    if (/[\s/@?#\\*]|^$/.test(name) || isAnyAddress(name)) {
      throw invalid(
        `\`${name}\` is not a name of a host`,
        "/allowedHosts",
        "give a name such as `build.example`",
      );
    }
  }
  // IPv6 addresses have brackets in addresses of pages, but not where they are listened on.
  const bound = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (typeof pythonDsl !== "boolean") throw invalid("`pythonDsl` is neither true nor false", "/pythonDsl");
  return {
    port,
    host: bound,
    data,
    limits,
    allowedHosts,
    pythonDsl,
    tools,
    engine,
    cors: texts(cors, "cors").map(origin),
  };
}

function texts(list: readonly string[], name: string): readonly string[] {
  if (Array.isArray(list) && list.every((item) => typeof item === "string")) return list;
  throw invalid(`\`${name}\` is not a list of texts`, `/${name}`);
}

/** An origin as browsers write it. */
function origin(text: string): string {
  const help = "give it as a browser does: `http://localhost:5173`";
  if (text === "*")
    throw invalid("`*` would allow every page that a browser opens", "/cors", "name the origins");
  const [, own] = /^([a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\*]+)\/?$/i.exec(text) ?? [];
  if (own === undefined || !URL.canParse(own)) throw invalid(`\`${text}\` is not an origin`, "/cors", help);
  const parsed = new URL(own);
  // Schemes that browsers do not know themselves, such as that of an extension, have no origin to the parser.
  return parsed.origin === "null" ? own.toLowerCase() : parsed.origin;
}
