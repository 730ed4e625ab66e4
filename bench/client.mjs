// The cost of the client: CPU time of this process for following runs to their results, as a multiple of the time for
// the same requests sent with `fetch` and read with `json()`.
import { fork } from "node:child_process";
import { once } from "node:events";
import { row } from "./lib.mjs";

const RUNS = 1000;
/** Duration of a run in milliseconds. */
const LASTS = 3000;
const ROUNDS = 5;

/** CPU time of this process for some work, in milliseconds. */
async function cpu(work) {
  globalThis.gc?.();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Sends recorded requests again, as many at the same time as the client had pending. */
async function replay(base, asked) {
  const queue = [...asked];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [method, path] = next.split(" ");
      const headers = { accept: "application/json", authorization: "Bearer key" };
      await (await fetch(base + path, { method, headers })).json();
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

export async function benchClient() {
  const { Highway } = await import("highway-wasm");
  const server = fork(new URL("./api-server.mjs", import.meta.url));
  const [{ port }] = await once(server, "message");
  const base = `http://127.0.0.1:${port}`;
  const ask = async (message) => {
    server.send(message);
    const [{ asked }] = await once(server, "message");
    return asked;
  };
  const ratios = [];
  let requests = 0;
  let own = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await ask({ count: RUNS, lasts: LASTS });
    const highway = new Highway({ endpoint: base, apiKey: "key" });
    const handles = Array.from({ length: RUNS }, (_, at) => highway.handle(`run-${at}`));
    const ours = await cpu(() => Promise.all(handles.map((handle) => handle.result())));
    const asked = await ask({});
    const raw = await cpu(() => replay(base, asked));
    requests = asked.length;
    own = ours;
    ratios.push(ours / raw);
  }
  server.disconnect();
  ratios.sort((one, other) => one - other);
  console.log(
    `\nclient, ${RUNS} runs of ${LASTS / 1000} s followed to their results; 1 = the same ${requests} requests with fetch`,
  );
  row("CPU time", ratios[ROUNDS >> 1], "×");
  row("CPU time per request", (own / requests) * 1000, "µs");
}
