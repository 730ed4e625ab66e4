// Runs in workerd: Cloudflare Workflows, and Highway in a Durable Object, each with the same layered graph.
import { DurableObject, WorkflowEntrypoint } from "cloudflare:workers";
import { durableObjectStore, LocalEngine } from "highway-wasm/engine";
import { dependenciesOf, layered } from "./lib.mjs";

/**
 * Milliseconds from the first step to the last. The clock of workerd advances with reads and writes, which steps do.
 */
export class Steps extends WorkflowEntrypoint {
  async run({ payload: { count, sequence } }, step) {
    const start = Date.now();
    const tasks = {};
    for (let at = 0; at < count; at++) {
      const task = () => step.do(`t${at}`, async () => at);
      if (sequence) await task();
      else tasks[`t${at}`] = Promise.all(dependenciesOf(at).map((id) => tasks[id])).then(task);
    }
    await Promise.all(Object.values(tasks));
    return Date.now() - start;
  }
}

/** Milliseconds from the start of a run until its end is stored. */
export class Engine extends DurableObject {
  async fetch(request) {
    const { count } = await request.json();
    const over = Promise.withResolvers();
    let calls = 0;
    const noop = ({ kwargs }, context) => {
      calls += 1;
      if (kwargs.at === 0) context.onRunEnd(over.resolve);
      return kwargs.at;
    };
    const store = durableObjectStore(this.ctx.storage);
    const engine = new LocalEngine({ tools: { "bench.noop": noop }, store });
    await engine.ready();
    const body = JSON.stringify({ workflow_definition: layered(count), inputs: {} });
    const headers = { "content-type": "application/json" };
    const start = Date.now();
    await engine.fetch("http://engine/api/v1/workflows", { method: "POST", headers, body });
    await over.promise;
    await this.ctx.storage.sync();
    const taken = Date.now() - start;
    await engine.close();
    if (calls !== count) return new Response(`${calls} of ${count} tasks ran`, { status: 500 });
    return Response.json(taken);
  }
}

export default {
  async fetch(request, { STEPS, ENGINE }) {
    if (new URL(request.url).pathname === "/engine") return ENGINE.get(ENGINE.newUniqueId()).fetch(request);
    const instance = await STEPS.create({ params: await request.json() });
    for (let look = 0; look < 600; look++) {
      const { status, output, error } = await instance.status();
      if (status === "complete") return Response.json(output);
      if (status === "errored") return new Response(error.message, { status: 500 });
      await scheduler.wait(100);
    }
    return new Response("it does not end", { status: 500 });
  },
};
