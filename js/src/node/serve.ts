/** The embedded engine as an HTTP server, which `npx highway-wasm serve` runs. */

import { resolve } from "node:path";
import type { LocalEngine } from "../engine/host/local-engine.js";
import type { LocalEngineOptions } from "../engine/host/options.js";
import type { Tools } from "../engine/tools/tool.js";
import { errorOf, isHighwayError } from "../shared/errors.js";
import { checkCount, checkOptions, invalid } from "../shared/options.js";
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

/** The default port, which Highway's own clients use for a local engine. */
export const DEFAULT_PORT = 7822;
/** The default data folder. */
export const DEFAULT_DATA = ".highway";
/** Default of `maxBody`, in bytes. */
const MAX_BODY = 10 * 1024 * 1024;
/** Default of `maxBodies`, in bytes. */
const MAX_BODIES = 64 * 1024 * 1024;
/** Default of `bodyTimeout`, in milliseconds. */
const BODY_TIMEOUT = 30_000;
/** Milliseconds that pending requests get when the server stops. */
const PATIENCE = 5000;

/** Options of {@link serve}. */
export interface ServeOptions {
  /** Port to listen on; 0 for a free one; default: 7822. */
  port?: number | undefined;
  /** Name or address to listen on; default: `127.0.0.1`, which other machines cannot reach. */
  host?: string | undefined;
  /**
   * Folder for everything that outlives the server: runs with their working directories, and its key.
   * Default: runs are kept in memory, and the key in `.highway`. One server at a time can use a folder.
   */
  data?: string | undefined;
  /**
   * The API key. Default: the environment variable `HIGHWAY_API_KEY`, otherwise the key in the data folder, which is
   * created if there is none.
   */
  key?: string | undefined;
  /** Origins whose pages may use the server, such as `http://localhost:5173`. The server's own origin always may. */
  cors?: readonly string[] | undefined;
  /**
   * Other names that clients may use for the server, apart from loopback and `host`. All other names are refused, as a
   * protection against DNS rebinding.
   */
  allowedHosts?: readonly string[] | undefined;
  /** The largest body of a request, in bytes; default: 10 MiB. */
  maxBody?: number | undefined;
  /**
   * Bytes of all bodies together that are being received; default: 64 MiB, or `maxBody` if that is more. A request
   * above it gets status 503.
   */
  maxBodies?: number | undefined;
  /** Longest pause while a body arrives, in milliseconds; then the request gets status 408. Default: 30,000. */
  bodyTimeout?: number | undefined;
  /**
   * Whether workflows may be submitted as Python (`python_dsl`), which is run to compile them; default: false.
   * Everybody with the key can then run any code on this machine, as is already possible with the shell of
   * `nodeTools()`. Requires a `python3` with the package `highway_dsl`.
   */
  pythonDsl?: boolean | undefined;
  /** Tools by name, in addition to those of `nodeTools()`. They replace tools of the same name. */
  tools?: Tools | undefined;
  /** Options of the engine. Its `tools` replace those of `nodeTools()` and of the option `tools`. */
  engine?: LocalEngineOptions | undefined;
}

/** A running server. */
export interface HighwayServer {
  /** The URL of the server, for the `endpoint` of a client. */
  readonly url: string;
  /** The port that it listens on. */
  readonly port: number;
  /** The API key that the server requires. */
  readonly key: string;
  /** The file with the key; undefined if the key was given. */
  readonly keyFile: string | undefined;
  /** Whether the key is new. */
  readonly isNewKey: boolean;
  /** The runs at the start: their folder, their number, and how many of them continue. Undefined without `data`. */
  readonly runs: { readonly folder: string; readonly total: number; readonly active: number } | undefined;
  /** Number of pending requests. */
  readonly underWay: number;
  /** Accepts no more requests, waits up to 5 s for pending ones, and closes the engine. */
  close(): Promise<void>;
}

/**
 * Serves the embedded engine over HTTP, with an API key. Only this machine can reach it, unless `host` says otherwise.
 *
 * Each request is first checked for the host name it uses, the origin of its page, and the key. Only `/ping` and
 * `/api/v1/health` need no key. There is no encryption: in a network, put a proxy with encryption in front.
 *
 * @throws {ConfigurationError} `OPTION_INVALID`, also for a data folder that another user owns or everybody may write
 *   to.
 * @throws {ExecutionError} `STORE_IN_USE` if another server uses the folder, `JOURNAL_INVALID` if its content is
 *   damaged.
 * @throws {Error} if it cannot listen; `code` is the system's, such as `EADDRINUSE`.
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
  // Only a program that serves loads the module of the engine.
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

/** Does something in the data folder. An error of the system becomes an error that names the folder. */
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

/** The number of runs of an engine, and of those that have not ended. */
async function countRuns(engine: LocalEngine): Promise<{ total: number; active: number }> {
  const response = await engine.fetch(new Request("http://engine/api/v1/workflows/stats"));
  const { data } = (await response.json()) as { data?: { total_runs: number; running: number } };
  return { total: data?.total_runs ?? 0, active: data?.running ?? 0 };
}

/** Whether a run has ended or is unknown. */
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
  for (const [name, value] of Object.entries(limits)) checkCount(value, `/${name}`);
  for (const name of texts(allowedHosts, "allowedHosts")) {
    if (/[\s/@?#\\*]|^$/.test(name) || isAnyAddress(name)) {
      throw invalid(
        `\`${name}\` is not a name of a host`,
        "/allowedHosts",
        "give a name such as `build.example`",
      );
    }
  }
  // IPv6 addresses have brackets in URLs, but not as an address to listen on.
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
  // The parser knows no origin for schemes of other programs, such as that of a browser extension.
  return parsed.origin === "null" ? own.toLowerCase() : parsed.origin;
}
