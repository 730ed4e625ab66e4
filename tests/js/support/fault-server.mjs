// A real HTTP server on the loopback interface whose answers a test scripts.
import { once } from "node:events";
import { createServer } from "node:http";
import { Driver } from "highway-wasm";

/** A JSON answer. */
export const json = (status, body, headers = {}) => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

/** An answer of another media type. */
export const text = (status, body, type = "text/plain", headers = {}) => ({
  status,
  headers: { "content-type": type, ...headers },
  body,
});

/** No answer: the connection is cut after `written` was sent. */
export const reset = (written) => ({ written, isReset: true });

/** No answer at all, ever. */
export const silence = Object.freeze({ isSilent: true });

/** Headers and the start of a body that never ends. */
export const stalled = Object.freeze({ isStalled: true });

function send(response, answer) {
  if (answer.isSilent) return;
  if (answer.isReset) {
    const socket = response.socket;
    if (answer.written) socket.write(answer.written);
    setImmediate(() => socket.resetAndDestroy());
    return;
  }
  if (answer.isStalled) {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write('{"status": ');
    return;
  }
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body);
}

/**
 * Starts a server. `script` is a function of `(request, index)`, or a list of answers whose last one is repeated. An
 * answer may be a promise. `requests` has each request as `{method, url, path, headers, body, json, at}`. `t.after`
 * closes the server with all its connections.
 */
export async function faultServer(t, script) {
  const requests = [];
  const open = new Set();
  const waiting = new Set();
  const answer =
    typeof script === "function" ? script : (_, index) => script[Math.min(index, script.length - 1)];
  const server = createServer(async (incoming, response) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString("utf8");
    const { method, url, headers } = incoming;
    const request = { method, url, path: url.split("?")[0], headers, body, at: performance.now() };
    Object.defineProperty(request, "json", { get: () => JSON.parse(body) });
    requests.push(request);
    open.add(request);
    response.once("close", () => open.delete(request));
    for (const wake of waiting) wake();
    send(response, await answer(request, requests.length - 1));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    /** Requests that are neither answered completely nor cut. */
    open,
    /** Resolves when `count` requests have arrived. */
    async received(count) {
      while (requests.length < count) {
        await new Promise((resolve) => {
          waiting.add(resolve);
        });
      }
      return requests[count - 1];
    },
  };
}

/** The script of a server on which a run passes through `states`. The last one stays. */
export function runScript(states, run = {}) {
  let polls = 0;
  return ({ method, path }) => {
    if (method === "POST" && path.endsWith("/cancel")) return json(200, { status: "success", data: {} });
    if (method === "POST") return json(201, { status: "success", data: { workflow_run_id: "run-1" } });
    if (/\/steps(\?|$)/.test(path)) return json(200, { status: "success", data: { steps: [] } });
    if (path.endsWith("/stream")) return json(404, {});
    const status = states[Math.min(polls++, states.length - 1)];
    return json(200, { status: "success", data: { workflow_run_id: "run-1", status, ...run } });
  };
}

/** A driver with one task for a server. */
export function driverFor(server, options = {}) {
  const driver = new Driver({ endpoint: server.url, apiKey: "test-key", ...options });
  driver.shell("a", "true");
  return driver;
}
