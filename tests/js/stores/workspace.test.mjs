// Working directories that survive a process: a run that continues finds the files that its tasks have written.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { fileStore, nodeTools, serve } from "highway-wasm/node";
import { checkThrown } from "../support/errors.mjs";
import { until } from "../support/until.mjs";

const KEY = "a-key-of-these-tests";

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "highway-workspace-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("of a server that was killed exist at its next start, and are removed once the run has ended", async (t) => {
  const data = folder(t);
  const gate = join(data, "gate");
  const source = `
    import { serve } from "highway-wasm/node";
    const { url } = await serve({ port: 0, key: "${KEY}", data: ${JSON.stringify(data)} });
    console.log(url);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [line] = await once(child.stdout, "data");
  const driver = new Driver({ endpoint: String(line).trim(), apiKey: KEY });
  driver.shell("write", "echo kept > note");
  driver.shell("wait", `while [ ! -e ${gate} ]; do sleep 0.05; done`, { depends: "write" });
  driver.shell("read", "cat note", { depends: "wait" });
  const { runId } = await driver.start();
  const highway = new Highway({ endpoint: String(line).trim(), apiKey: KEY });
  await until(async () => (await highway.steps.get(runId, "wait")).status === "running");
  child.kill("SIGKILL");
  await once(child, "exit");

  // The remains of a run that ended while no server was running.
  mkdirSync(join(data, "work", "a-run-that-is-gone", "run"), { recursive: true });
  const server = await serve({ port: 0, key: KEY, data });
  t.after(() => server.close());
  assert.deepEqual(readdirSync(join(data, "work")), [runId]);
  mkdirSync(gate);
  const again = new Driver({ endpoint: server.url, apiKey: KEY });
  const result = await again.handle(runId).result();
  assert.equal(result.tasks.read.stdout, "kept");
  await until(() => !existsSync(join(data, "work", runId)));
});

test("keep the finished steps of a Python function when its engine is closed", async (t) => {
  const path = folder(t);
  const open = () => {
    const tools = nodeTools({ workspace: join(path, "work"), env: { ...process.env, FOLDER: path } });
    const engine = new LocalEngine({ tools, store: fileStore(join(path, "runs")) });
    t.after(() => engine.close());
    return { engine, driver: new Driver({ engine }) };
  };
  const durable = `
def work(ctx):
    import os, time
    def once():
        with open(os.path.join(os.environ["FOLDER"], "lines"), "a") as file:
            file.write("done ")
        return 7
    value = ctx.step("once", once)
    gate = os.path.join(os.environ["FOLDER"], "gate")
    open(gate + ".reached", "w").close()
    while not os.path.exists(gate):
        time.sleep(0.02)
    return value
`;
  const first = open();
  first.driver.task("work", { durable });
  const { runId } = await first.driver.start();
  await until(() => existsSync(join(path, "gate.reached")));
  await first.engine.close();
  assert.deepEqual(readdirSync(join(path, "work")), [runId]);
  mkdirSync(join(path, "gate"));
  const second = open();
  const { tasks } = await second.driver.handle(runId).result();
  assert.equal(tasks.work.result, 7);
  assert.equal(readFileSync(join(path, "lines"), "utf8"), "done ");
  await until(() => readdirSync(join(path, "work")).length === 0);
});

test("need a path", () => {
  for (const workspace of ["", 1, null]) {
    checkThrown(() => nodeTools({ workspace }), {
      name: "ConfigurationError",
      code: "OPTION_INVALID",
      path: "/workspace",
    });
  }
});
