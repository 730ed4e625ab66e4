// The commands that need a server, against `highway-wasm serve` in a process of its own, and against one that misbehaves.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { folder, highway, shellWorkflow, start, startServer } from "./support/cli.mjs";

const files = {
  "two.json": shellWorkflow("two", { first: "echo one; echo warn >&2", second: "echo two" }),
  "slow.json": shellWorkflow("slow", { long: "sleep 60" }),
  "failing.json": shellWorkflow("failing", { bad: "exit 3" }),
};
const nobody = "00000000-0000-4000-8000-000000000000";

/** What belongs to all tests of this file: it looks like a test to whoever cleans up behind one. */
const cleanups = [];
const all = { after: (cleanup) => cleanups.push(cleanup) };
let server;
let cwd;
before(async () => {
  cwd = folder(all, files);
  server = await startServer(all, [], { limit: 280_000 });
});
after(async () => {
  server.child.kill("SIGTERM");
  await server.ended;
  for (const cleanup of cleanups) cleanup();
});
const ask = (t, args, options = {}) =>
  highway(t, args, { cwd, ...options, env: { ...server.env, ...options.env } });
const json = async (t, args) => {
  const { code, stdout, stderr } = await ask(t, [...args, "--json"]);
  assert.equal(stderr, "");
  assert.equal(stdout.trimEnd().split("\n").length, 1, stdout);
  return { code, value: JSON.parse(stdout) };
};
/** Submits a workflow; resolves with the id of the run once it is in the given state. */
async function submitted(t, file, state) {
  const { code, stdout } = await ask(t, ["run", file, "--detach"]);
  assert.equal(code, 0);
  assert.match(stdout, /^[0-9a-f-]{36}\n$/);
  const id = stdout.trim();
  for (let turn = 0; turn < 50; turn++) {
    const { value } = await json(t, ["status", id]);
    if (value.state === state) return id;
    await sleep(50);
  }
  assert.fail(`run ${id} never was ${state}`);
}

describe("run on a server", { concurrency: 2 }, () => {
  test("is followed to its result, with endpoint and key from the environment or from options", async (t) => {
    for (const [args, env] of [
      [[], server.env],
      [["--endpoint", server.url, "--api-key", server.key], {}],
      [
        ["--endpoint", server.url, "--api-key", server.key],
        { HIGHWAY_API_ENDPOINT: "http://127.0.0.1:9", HIGHWAY_API_KEY: "wrong-key-of-tests" },
      ],
    ]) {
      const { code, stdout, stderr } = await highway(t, ["run", "two.json", ...args], { cwd, env });
      assert.equal(code, 0, stderr);
      assert.equal(JSON.parse(stdout).output.stdout, "two");
      assert.match(stderr, /✓ second +succeeded\n.*completed\n$/s);
    }
  });

  test("that fails has exit code 1", async (t) => {
    assert.equal((await ask(t, ["run", "failing.json"])).code, 1);
  });

  test("goes on where the user has enough, who is told how to go on", async (t) => {
    const run = start(t, ["run", "slow.json"], { cwd, env: server.env });
    const [, id] = await run.seen(/^run (\S+)$/m);
    await run.seen(/▸ long +running/);
    run.child.kill("SIGINT");
    const { code, stderr } = await run.ended;
    assert.equal(code, 130);
    assert.match(
      stderr,
      new RegExp(`the run goes on: \`highway-wasm status ${id}\` .* \`highway-wasm cancel ${id}\``),
    );
    assert.equal((await json(t, ["status", id])).value.state, "running");
    assert.equal((await ask(t, ["cancel", id])).code, 0);
  });

  test("with --detach gives the id alone, or as JSON", async (t) => {
    await submitted(t, "two.json", "completed");
    const { code, value } = await json(t, ["run", "two.json", "--detach"]);
    assert.equal(code, 0);
    assert.deepEqual(Object.keys(value), ["runId", "state"]);
    assert.equal(value.state, "submitted");
  });

  test("with a wrong key, or none, is refused", async (t) => {
    const wrong = await ask(t, ["run", "two.json"], { env: { HIGHWAY_API_KEY: "wrong-key-of-tests" } });
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^error: .*401.*the API key is not the right one/m);
    const none = await ask(t, ["run", "two.json"], { env: { HIGHWAY_API_KEY: undefined } });
    assert.equal(none.code, 2);
    assert.match(none.stderr, /there is no API key/);
  });
});

describe("list", { concurrency: 2 }, () => {
  test("shows runs, newest first, as many as wanted, in the state that is wanted", async (t) => {
    const first = await submitted(t, "two.json", "completed");
    const second = await submitted(t, "failing.json", "failed");
    const { stdout, code } = await ask(t, ["list"]);
    assert.equal(code, 0);
    const ids = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" ")[0]);
    assert.ok(ids.indexOf(second) >= 0 && ids.indexOf(second) < ids.indexOf(first), stdout);
    assert.match(
      stdout,
      new RegExp(`^${second} {2}failed +\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ {2}failing$`, "m"),
    );
    assert.equal((await ask(t, ["list", "--limit", "1"])).stdout.trimEnd().split("\n").length, 1);
    const failed = (await json(t, ["list", "--status", "failed", "-n", "100"])).value.runs;
    assert.ok(failed.some(({ runId }) => runId === second));
    assert.ok(failed.every(({ state }) => state === "failed"));
    assert.equal((await json(t, ["list", "-n", "2"])).value.runs.length, 2);
  });

  test("of nothing says so beside the result", async (t) => {
    const { code, stdout, stderr } = await ask(t, ["list", "--status", "timed_out"]);
    assert.deepEqual([code, stdout, stderr], [0, "", "no runs\n"]);
    assert.deepEqual((await json(t, ["list", "--status", "timed_out"])).value, { runs: [] });
  });
});

describe("a run that exists", { concurrency: 2 }, () => {
  test("has a status", async (t) => {
    const id = await submitted(t, "failing.json", "failed");
    const { code, stdout } = await ask(t, ["status", id]);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^run +${id}\nworkflow +failing\nstate +failed\ncreated .*Z\n`));
    assert.match(stdout, /^error +.*exit code 3/m);
    assert.match(stdout, /^ {2}✗ bad {2}failed$/m);
    const { value } = await json(t, ["status", id]);
    assert.deepEqual([value.runId, value.state, value.progress.tasks], [id, "failed", { bad: "failed" }]);
  });

  test("has logs", async (t) => {
    const id = await submitted(t, "two.json", "completed");
    const { code, stdout } = await ask(t, ["logs", id]);
    assert.equal(code, 0);
    assert.deepEqual(stdout.trimEnd().split("\n").sort(), [
      "first stderr: warn",
      "first stdout: one",
      "second stdout: two",
    ]);
    const { value } = await json(t, ["logs", id]);
    assert.deepEqual(value.logs.map(({ task, content }) => `${task} ${content.trim()}`).sort(), [
      "first one",
      "first warn",
      "second two",
    ]);
  });

  test("can be cancelled, once", async (t) => {
    const id = await submitted(t, "slow.json", "running");
    const first = await ask(t, ["cancel", id, "--reason", "no longer wanted"]);
    assert.deepEqual([first.code, first.stdout, first.stderr], [0, "", `run ${id} is cancelled\n`]);
    const { value } = await json(t, ["status", id]);
    assert.equal(value.state, "cancelled");
    assert.match(JSON.stringify(value), /no longer wanted/);
    const second = await ask(t, ["cancel", id]);
    assert.deepEqual([second.code, second.stderr], [1, `run ${id} was over already\n`]);
    assert.deepEqual(await json(t, ["cancel", id]), { code: 1, value: { runId: id, cancelled: false } });
  });

  for (const command of ["status", "logs", "cancel"]) {
    test(`that does not: ${command} says so, with exit code 1`, async (t) => {
      const { code, stdout, stderr } = await ask(t, [command, nobody]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^error: .*404.*there is no run/);
      const { code: exit, value } = await json(t, [command, nobody]);
      assert.deepEqual([exit, value.error.code], [1, "API_NOT_FOUND"]);
    });
  }
});

describe("a server that misbehaves", () => {
  test("gets no say over the terminal", async (t) => {
    const evil = "\x1b]0;owned\x07\x1b[2J";
    const data = {
      workflow_run_id: "r",
      workflow_name: `a${evil}`,
      status: "failed",
      error: `b${evil}`,
      steps: [],
    };
    const other = createServer((request, response) => {
      const content = { step_name: `s${evil}`, stream: "stdout", content: `c${evil}\nd` };
      const answer = request.url.includes("logs")
        ? { logs: [content] }
        : request.url.includes("/workflows/r")
          ? data
          : { workflows: [data], total: 1 };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ status: "success", data: answer }));
    }).listen(0, "127.0.0.1");
    await once(other, "listening");
    t.after(() => {
      other.closeAllConnections();
      other.close();
    });
    const env = {
      HIGHWAY_API_ENDPOINT: `http://127.0.0.1:${other.address().port}`,
      HIGHWAY_API_KEY: "a-key-of-these-tests",
    };
    for (const args of [
      ["list"],
      ["status", "r"],
      ["logs", "r"],
      ["status", "r", "--json"],
      ["run", "two.json"],
    ]) {
      const { stdout, stderr } = await highway(t, args, { cwd, env });
      assert.ok(stdout + stderr !== "");
      for (const character of "\x1b\x07")
        assert.ok(!(stdout + stderr).includes(character), `${args}: ${stdout}${stderr}`);
    }
    assert.match((await highway(t, ["list"], { cwd, env })).stdout, /a\\x1b\]0;owned\\x07/);
  });
});
