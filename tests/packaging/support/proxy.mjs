// A Highway server that requires a key, for the tests of the proxy: the embedded engine of the installed package.
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const KEY = "hw_k1_s3cr3t-of-the-server";

/** Imports a module of the installed package by its file. */
export const load = (root, file) => import(pathToFileURL(join(root, "esm", file)));

const greeting = {
  name: "greeting",
  start_task: "send",
  tasks: {
    send: { task_id: "send", operator_type: "task", function: "mail.send", kwargs: { to: "{{inputs.to}}" } },
  },
};
/** The workflows and verbs that the proxies of these tests allow. */
export const allow = {
  greeting: { verbs: ["submit", "status", "steps", "list"], workflow: greeting },
  waiting: {
    verbs: ["submit", "status", "steps"],
    workflow: {
      name: "waiting",
      tasks: { wait: { task_id: "wait", operator_type: "task", function: "test.wait" } },
    },
  },
};

/**
 * An embedded engine behind node:http that requires the key. For a worker, it also has a stream for each run. `seen`
 * has its requests.
 */
export async function serveEngine(root) {
  const { LocalEngine } = await load(root, "entries/engine-inline.js");
  const { listener } = await load(root, "node.js");
  const waiting = new Set();
  const engine = new LocalEngine({
    tools: {
      "mail.send": ({ kwargs }) => `sent to ${kwargs.to}`,
      "test.wait": () => new Promise((resolve) => waiting.add(resolve)),
    },
  });
  const seen = [];
  const streams = new Set();
  const answer = async (request) => {
    const { pathname } = new URL(request.url);
    seen.push({ line: `${request.method} ${pathname}`, headers: Object.fromEntries(request.headers) });
    if (request.headers.get("authorization") !== `Bearer ${KEY}`)
      return new Response("no key", { status: 401 });
    if (!pathname.endsWith("/stream") || !server.hasStreams) return engine.fetch(request);
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode(": hello\n\n"));
        streams.add(controller);
      },
      cancel: () => streams.clear(),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  const server = createServer(listener(answer));
  server.hasStreams = false;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    server,
    seen,
    streams,
    /** Releases all tools that wait. */
    release() {
      for (const resolve of waiting) resolve("released");
      waiting.clear();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await engine.close();
    },
  };
}
