/** `highway-wasm serve` */

import type { Tools } from "../../engine/tools/tool.js";
import { errorOf, type HighwayError, isHighwayError } from "../../shared/errors.js";
import { isAnyAddress, nameOf } from "../../node/door.js";
import { DEFAULT_DATA, DEFAULT_PORT, type HighwayServer, serve as startServer } from "../../node/serve.js";
import { inOptions } from "../advice.js";
import { bytes, duration, wholeNumber } from "../arguments.js";
import { type Command, type Given, textOf, textsOf, parsedOf } from "../command.js";
import { FINE } from "../exit-codes.js";
import { LIMIT, limitsOf } from "../limits.js";
import type { Output } from "../output.js";
import { secretsOfEnvironment } from "../secrets.js";
import { TOOLS_OPTION, toolsOf } from "../tools.js";

export const serve: Command = {
  name: "serve",
  summary: "serve the embedded engine over HTTP, with a shell and Python",
  args: [],
  options: {
    port: {
      short: "p",
      value: "PORT",
      help: `port to listen on; ${DEFAULT_PORT} by default, 0 takes a free one`,
    },
    host: { value: "HOST", help: "name or address to listen on; 127.0.0.1 by default: this machine only" },
    data: {
      value: "DIR",
      completes: "folder",
      help: `folder of the runs and the API key; ${DEFAULT_DATA} by default`,
    },
    key: {
      value: "KEY",
      help: "API key, instead of one that the server makes; safer in HIGHWAY_API_KEY",
    },
    cors: {
      value: "ORIGIN",
      multiple: true,
      help: "allow pages of this origin: http://localhost:5173",
    },
    "allowed-host": {
      value: "NAME",
      multiple: true,
      help: "allow requests to this name of the server",
    },
    concurrency: { value: "COUNT", help: "tool calls at a time; 64 by default" },
    "keep-runs": {
      value: "COUNT",
      help: "finished runs to keep, the newest; all by default",
    },
    "python-dsl": {
      help: "take workflows as Python (`python_dsl`) and run their source to read them; needs the package highway-dsl",
    },
    limit: LIMIT,
    "max-body": { value: "BYTES", help: "largest body of a request; 10M by default" },
    "max-bodies": { value: "BYTES", help: "bodies of all active requests together; 64M by default" },
    "body-timeout": {
      value: "TIME",
      help: "longest pause while a body arrives; 30s by default",
    },
    "max-streams": { value: "COUNT", help: "open event streams; 256 by default" },
    ...TOOLS_OPTION,
  },
  notes: `At its first start the server makes an API key, shows it once, and keeps it in DIR/key. Clients send it with every request:

  export HIGHWAY_API_ENDPOINT=http://127.0.0.1:${DEFAULT_PORT} HIGHWAY_API_KEY=$(cat ${DEFAULT_DATA}/key)

Templates read {{secrets.NAME}} from HIGHWAY_SECRET_NAME in the environment, only in the arguments of tools.

Ctrl-C answers the active requests and stops the server; a second Ctrl-C stops it at once. Runs are kept in DIR/runs,
their working directories in DIR/work. They continue at the next start.`,
  examples: [
    ["serve", `this machine alone, on port ${DEFAULT_PORT}`],
    ["serve --cors http://localhost:5173", "for a page under development"],
    ["serve --tools tools.mjs", "with tools of your own"],
  ],
  async run({ given, output, signal }) {
    const options = optionsOf(given, await toolsOf(given));
    const server = await inOptions(serve.options, () => startServer(options)).catch((cause) => {
      throw isHighwayError(cause, "STORE_IN_USE") ? inUse(cause) : cause;
    });
    tell(server, textOf(given, "host"), output);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    const { underWay } = server;
    if (!output.isJson)
      output.note(
        underWay === 0
          ? "stopping"
          : `stopping; ${underWay} ${underWay === 1 ? "request is" : "requests are"} under way`,
      );
    await server.close();
    return FINE;
  },
};

function inUse(cause: HighwayError): HighwayError {
  const help = "stop the other server, or give this one a folder of its own: `--data DIR`";
  return errorOf("STORE_IN_USE", cause.message, { details: cause.details, help, cause });
}

function optionsOf(given: Given, tools: Tools): Parameters<typeof startServer>[0] {
  const count = (text: string, name: string): number => wholeNumber(text, name, 1, 2 ** 31);
  return {
    port: parsedOf(given, "port", (text, name) => wholeNumber(text, name, 0, 65535)),
    maxBody: parsedOf(given, "max-body", bytes),
    maxBodies: parsedOf(given, "max-bodies", bytes),
    bodyTimeout: parsedOf(given, "body-timeout", (text, name) =>
      Math.ceil(duration(text, name, 0.001) * 1000),
    ),
    key: textOf(given, "key"),
    host: textOf(given, "host"),
    tools,
    pythonDsl: given["python-dsl"] === true,
    engine: {
      secrets: secretsOfEnvironment(),
      limits: limitsOf(given),
      concurrency: parsedOf(given, "concurrency", count),
      maxStreams: parsedOf(given, "max-streams", count),
      keepRuns: parsedOf(given, "keep-runs", count),
    },
    data: textOf(given, "data") ?? DEFAULT_DATA,
    cors: textsOf(given, "cors"),
    allowedHosts: textsOf(given, "allowed-host"),
  };
}

function tell(
  { url, key, keyFile, isNewKey, runs }: HighwayServer,
  host = "127.0.0.1",
  output: Output,
): void {
  if (output.isJson) {
    output.json({ url, keyFile: keyFile ?? null, isNewKey, runs: runs ?? null });
    return;
  }
  output.result(`listening on ${url}`);
  if (isNewKey) {
    output.reveal(`new API key, shown this once: ${key}`);
    output.result(`kept in ${keyFile}`);
  } else {
    output.result(keyFile === undefined ? "API key: the one that was given" : `API key: in ${keyFile}`);
  }
  if (runs !== undefined && runs.total > 0) {
    const kept = runs.total === 1 ? "1 run" : `${runs.total} runs`;
    output.result(
      `${kept} kept in ${runs.folder}; ${runs.active} of them ${runs.active === 1 ? "continues" : "continue"}`,
    );
  }
  const name = nameOf(host);
  const isLoopback = name === "localhost" || name === "[::1]" || name.startsWith("127.");
  if (!isLoopback) {
    const who = isAnyAddress(host) ? "on all networks of this machine" : `of ${host}`;
    output.note(
      `${output.paint("yellow", "warning:")} whoever has the key can run commands here, from everywhere ${who}; nothing is encrypted`,
    );
  }
}
