// A Highway server for benchmarks, in its own process: its runs end after a while, and it records the requests.
import { createServer } from "node:http";

const PAGE = 100;
let runs = new Map();
let asked = [];

const json = (response, data) => {
  const body = Buffer.from(JSON.stringify({ status: "success", success: true, data }));
  response.writeHead(200, { "content-type": "application/json", "content-length": body.length }).end(body);
};

const view = (id, whole) => {
  const over = Date.now() >= runs.get(id);
  const status = over ? "completed" : "running";
  const step = over ? "succeeded" : "running";
  return {
    workflow_run_id: id,
    workflow_name: "bench",
    status,
    created_at: "2030-01-01T00:00:00.000Z",
    started_at: "2030-01-01T00:00:00.000Z",
    completed_at: over ? "2030-01-01T00:00:03.000Z" : null,
    progress: {
      total: 3,
      completed: over ? 3 : 1,
      tasks: { fetch: "succeeded", transform: step, store: step },
    },
    ...(whole
      ? { current_step: over ? null : "transform", result: over ? { output: { stdout: "ok" } } : null }
      : {}),
  };
};

const steps = (id) => {
  const step = (step_name) => ({ step_name, status: "succeeded", result: { stdout: "ok", returncode: 0 } });
  return { workflow_run_id: id, steps: ["fetch", "transform", "store"].map(step) };
};

const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  const { pathname, searchParams } = new URL(request.url, "http://h");
  const [, , , , id, what] = pathname.split("/");
  if (id === undefined) {
    const page = Number(searchParams.get("page") ?? 1);
    const ids = [...runs.keys()].reverse().slice((page - 1) * PAGE, page * PAGE);
    return json(response, { workflows: ids.map((run) => view(run, false)), total: runs.size, page });
  }
  if (what === "steps") return json(response, steps(id));
  if (what !== undefined || !runs.has(id)) return response.writeHead(404).end("{}");
  json(response, view(id, true));
});

process.on("message", ({ count, lasts }) => {
  const answer = { asked };
  asked = [];
  if (count !== undefined) {
    runs = new Map(Array.from({ length: count }, (_, at) => [`run-${at}`, Date.now() + lasts]));
  }
  process.send(answer);
});

server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.on("disconnect", () => process.exit());
