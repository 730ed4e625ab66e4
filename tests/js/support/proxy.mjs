// Proxies for tests: what they allow, the server behind them, and requests of a page.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { LocalEngine } from "highway-wasm/engine";
import { listener } from "highway-wasm/node";
import { createProxy } from "highway-wasm/proxy";

export const KEY = "hw_k1_s3cr3t-of-the-server";

export const VERBS = [
  "submit",
  "status",
  "steps",
  "logs",
  "events",
  "graph",
  "query",
  "cancel",
  "retry",
  "signal",
  "update",
  "approve",
  "list",
];

/** A definition with one task. `kwargs` are the arguments of its tool. */
export const definitionOf = (name, kwargs = { to: "{{inputs.to}}" }, more = {}) => ({
  name,
  version: "1.0.0",
  start_task: "send",
  tasks: {
    send: { task_id: "send", operator_type: "task", dependencies: [], function: "mail.send", kwargs },
  },
  ...more,
});

export const greeting = definitionOf("greeting");

/** The usual option `allow` of a proxy: the workflow `greeting` with all verbs, or with some. */
export const allowing = (verbs = VERBS, more = {}) => ({ greeting: { verbs, workflow: greeting, ...more } });

/**
 * A function in place of the network. `script` gets each request, `{method, path, search, headers, text, json}`, and
 * returns a Response or its data. `seen` has all requests.
 */
export function upstream(script = answerOf) {
  const seen = [];
  const fetch = async (input, init) => {
    const request = new Request(input, init);
    const { pathname: path, search, origin } = new URL(request.url);
    const text = await request.text();
    const { method, signal } = request;
    const asked = { method, path, search, origin, headers: request.headers, text, signal };
    Object.defineProperty(asked, "json", { get: () => JSON.parse(text) });
    seen.push(asked);
    const answer = await script(asked, seen.length - 1);
    return answer instanceof Response ? answer : Response.json({ status: "success", data: answer });
  };
  return {
    fetch,
    seen,
    /** Method and path of every request. */
    get lines() {
      return seen.map(({ method, path, search }) => `${method} ${path}${search}`);
    },
  };
}

/** A server on which every run belongs to `greeting`. Answers below a run repeat the request. */
export function answerOf({ method, path, text }) {
  if (method === "POST" && path === "/api/v1/workflows")
    return { workflow_run_id: "run-1", workflow_name: JSON.parse(text).workflow_definition.name };
  if (path === "/api/v1/workflows") return { workflows: [], total: 0 };
  if (path === "/api/v1/approvals") return { approvals: [] };
  return { workflow_run_id: "run-1", workflow_name: "greeting", status: "running", asked: path };
}

/** A proxy in front of a script, and the requests that the script got. */
export function proxyFor(options = {}, script = answerOf) {
  const server = upstream(script);
  const proxy = createProxy({
    apiKey: KEY,
    endpoint: "http://highway.test",
    fetch: server.fetch,
    allow: allowing(),
    ...options,
  });
  return { proxy, server, ask: asking(proxy) };
}

/**
 * A function that sends requests to a proxy as a page of its own origin does: `ask("GET workflows/r", { headers, body,
 * context })`. The path is below `/api/v1`, or a whole one. Returns status, code, data and the rest of the answer.
 * Checks that no answer has the key.
 */
export function asking(proxy, base = "https://app.example") {
  return async (line, { headers = {}, body, context = [], signal } = {}) => {
    const [method, path] = line.split(" ");
    const url = base + (path.startsWith("/") ? path : `/api/v1/${path}`);
    const isPlain = body === undefined || typeof body === "string" || ArrayBuffer.isView(body);
    const sent = isPlain || body instanceof ReadableStream ? body : JSON.stringify(body);
    const request = new Request(url, {
      method,
      headers,
      signal,
      ...(sent === undefined ? {} : { body: sent, duplex: "half" }),
    });
    return await readAnswer(await proxy(request, ...context));
  };
}

/** Reads an answer. */
export async function readAnswer(response) {
  const text = await response.text();
  const headers = Object.fromEntries(response.headers);
  assert.ok(!`${text}${JSON.stringify(headers)}`.includes("s3cr3t"), `the key is in the answer: ${text}`);
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    // Not all answers are JSON.
  }
  return {
    status: response.status,
    code: json?.code,
    message: json?.message,
    data: json?.data,
    json,
    text,
    headers,
  };
}

/** Checks that an answer is a refusal of the proxy itself, in the form of the API's errors. */
export function checkRefusal(answer, status, code) {
  assert.equal(`${answer.status} ${answer.code}`, `${status} ${code}`, answer.text);
  assert.equal(answer.json.status, "error");
  assert.equal(answer.json.success, false);
  assert.match(answer.message, /./);
  assert.equal(answer.headers["cache-control"], "no-store");
  return answer;
}

/** An embedded engine whose tool `mail.send` returns its arguments as text. */
export function engineFor(t, tools = {}) {
  const engine = new LocalEngine({ tools: { "mail.send": ({ kwargs }) => kwargs, ...tools } });
  t.after(() => engine.close());
  return engine;
}

/** A fetch handler behind node:http. */
export async function serve(t, handler) {
  const server = createServer(listener(handler));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  const { port } = server.address();
  return { url: `http://127.0.0.1:${port}`, port, server };
}

/** A schema in the form of the specification. */
export const schemaOf = (validate) => ({ "~standard": { version: 1, vendor: "test", validate } });

/** The errors that are written to the console during a test. Not for tests that run at the same time as others. */
export function errorsOf(t) {
  const { mock } = t.mock.method(console, "error", () => {});
  return {
    get texts() {
      return mock.calls.map(({ arguments: words }) =>
        words.map((word) => word?.stack ?? String(word)).join(" "),
      );
    },
  };
}
