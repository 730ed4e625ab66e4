// The commands that need a server, against `highway-wasm serve` in another process, and against a server that
// misbehaves.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createServer } from "node:http";
import { once } from "node:events";
import { connect, createServer as createRelay } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { folder, highway, PROGRAM, shellWorkflow, start, startServer } from "../support/cli.mjs";
import { until } from "../support/until.mjs";

const files = {
  "two.json": shellWorkflow("two", { first: "echo one; echo warn >&2", second: "echo two" }),
  "slow.json": shellWorkflow("slow", { long: "sleep 60" }),
  "failing.json": shellWorkflow("failing", { bad: "echo 'not ok 1'; exit 3" }),
};
const nobody = "00000000-0000-4000-8000-000000000000";

/** Clean-up for the whole file. It has the form of a test context. */
const cleanups = [];
const all = { after: (cleanup) => cleanups.push(cleanup) };
let server;
let cwd;
before(async () => {
  cwd = folder(all, files);
  server = await startServer(all, [], { limit: 1_800_000 });
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
/** Submits a workflow. Resolves with the id of the run once the run is in the given state. */
async function submitted(t, file, state) {
  const { code, stdout } = await ask(t, ["run", file, "--detach"]);
  assert.equal(code, 0);
  assert.match(stdout, /^[0-9a-f-]{36}\n$/);
  const id = stdout.trim();
  await until(async () => (await json(t, ["status", id])).value.state === state);
  return id;
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
      assert.match(stderr, /✓ second +completed\n.*completed\n$/s);
    }
  });

  test("that fails has exit code 1", async (t) => {
    assert.equal((await ask(t, ["run", "failing.json"])).code, 1);
  });

  test("continues when the user interrupts, who is told how to follow it again", async (t) => {
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

  test("with --detach prints only the id, or JSON", async (t) => {
    await submitted(t, "two.json", "completed");
    const { code, value } = await json(t, ["run", "two.json", "--detach"]);
    assert.equal(code, 0);
    assert.deepEqual(Object.keys(value), ["runId", "state"]);
    assert.equal(value.state, "submitted");
  });

  test("with a wrong key, or none, is refused", async (t) => {
    const wrong = await ask(t, ["run", "two.json"], { env: { HIGHWAY_API_KEY: "wrong-key-of-tests" } });
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^error: .*401.*the API key is wrong/m);
    const none = await ask(t, ["run", "two.json"], { env: { HIGHWAY_API_KEY: undefined } });
    assert.equal(none.code, 2);
    assert.match(none.stderr, /there is no API key/);
  });
});

describe("list", { concurrency: 2 }, () => {
  test("shows runs, newest first, as many as requested, in the requested state", async (t) => {
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

  test("says next to the result that there are none", async (t) => {
    const { code, stdout, stderr } = await ask(t, ["list", "--status", "timed_out"]);
    assert.deepEqual([code, stdout, stderr], [0, "", "no runs\n"]);
    assert.deepEqual((await json(t, ["list", "--status", "timed_out"])).value, { runs: [] });
  });
});

describe("an existing run", { concurrency: 2 }, () => {
  test("shows its status", async (t) => {
    const id = await submitted(t, "failing.json", "failed");
    const { code, stdout } = await ask(t, ["status", id]);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^run +${id}\nworkflow +failing\nstate +failed\ncreated .*Z\n`));
    assert.match(stdout, /^error +.*exit code 3/m);
    assert.match(stdout, /^ {2}✗ bad {2}failed$/m);
    const { value } = await json(t, ["status", id]);
    assert.deepEqual([value.runId, value.state, value.progress.tasks], [id, "failed", { bad: "failed" }]);
  });

  test("shows its logs", async (t) => {
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

  test("can be cancelled once", async (t) => {
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
    test(`if it does not exist: ${command} says so, with exit code 1`, async (t) => {
      const { code, stdout, stderr } = await ask(t, [command, nobody]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^error: .*404.*there is no run/);
      const { code: exit, value } = await json(t, [command, nobody]);
      assert.deepEqual([exit, value.error.code], [1, "API_NOT_FOUND"]);
    });
  }
});

const operator = (id, type, more) => [id, { task_id: id, operator_type: type, dependencies: [], ...more }];
const definition = (name, ...operators) =>
  JSON.stringify({
    name,
    tasks: Object.fromEntries(operators.map(([id, type, more]) => operator(id, type, more))),
  });
/** Submits a definition from standard input. Resolves with the id of the run. */
async function detached(t, input) {
  const { code, stdout, stderr } = await ask(t, ["run", "-", "--detach"], { input });
  assert.equal(code, 0, stderr);
  return stdout.trim();
}
/** Repeats a command until its output is as wanted. */
const askUntil = (t, args, isWanted) =>
  until(async () => {
    const { value } = await json(t, args);
    return isWanted(value) && value;
  });
const lines = (text) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("a run that is running", { concurrency: 2 }, () => {
  /** Writes a line, waits for the signal `go`, and writes another line. */
  const gated = definition(
    "gated",
    ["one", "task", { function: "tools.shell.run", args: ["echo first"] }],
    ["gate", "wait_for_event", { event_name: "go", timeout_seconds: 60, dependencies: ["one"] }],
    ["two", "task", { function: "tools.shell.run", args: ["echo last"], dependencies: ["gate"] }],
  );
  /** Follows such a run and sends the signal once `pattern` is seen. Resolves with the outcome of the program. */
  async function followed(t, args, pattern) {
    const id = await detached(t, gated);
    const following = start(
      t,
      args.map((arg) => (arg === "ID" ? id : arg)),
      { cwd, env: server.env },
    );
    await following.seen(pattern);
    assert.doesNotMatch(following.output.stdout, /\blast\b|"state":"completed"|state +completed/);
    assert.equal((await ask(t, ["signal", id, "go"])).code, 0);
    return { id, ...(await following.ended) };
  }

  test("is watched until it has ended, with the exit code of its outcome", async (t) => {
    const { id, code, stdout } = await followed(t, ["status", "ID", "--watch"], /✓ one/);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^run +${id}\n[^]*state +completed\n`));
    const failing = await submitted(t, "failing.json", "failed");
    const failed = await ask(t, ["status", failing, "-w"]);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /^✗ bad: .*\n {2}stdout: not ok 1$/m);
    const told = await followed(t, ["status", "ID", "--watch", "--json"], /^\{.*\}$/m);
    assert.deepEqual([told.code, told.stderr], [0, ""]);
    const seen = lines(told.stdout);
    assert.ok(seen.length > 1 && seen.every(({ runId }) => runId === told.id), told.stdout);
    assert.equal(seen.at(-1).state, "completed");
  });

  test("has its logs followed to the end, each entry once", async (t) => {
    const { code, stdout } = await followed(t, ["logs", "ID", "--follow"], /^one stdout: first$/m);
    assert.deepEqual([code, stdout], [0, "one stdout: first\ntwo stdout: last\n"]);
    const told = await followed(t, ["logs", "ID", "-f", "--json"], /first/);
    assert.deepEqual(
      lines(told.stdout).map(({ task, content }) => `${task} ${content.trim()}`),
      ["one first", "two last"],
    );
  });

  test("whose task writes 5 MB shows each line once and in order, and says which are left out", async (t) => {
    const count = 80_000;
    // In bursts, the last one as long as all others: 64 bytes per line.
    const burst = `awk -v a=$1 -v b=$2 'BEGIN { for (i = a; i <= b; i++) printf "%063d\\n", i }'`;
    const bursts = `for n in 0 1 2 3; do set -- $((n * 10000 + 1)) $((n * 10000 + 10000)); ${burst}; sleep 0.5; done`;
    const command = `{ ${bursts}; set -- 40001 ${count}; ${burst}; }`;
    const definition = shellWorkflow("much", { out: command, err: `${command} >&2` });
    const id = await detached(t, JSON.stringify(definition));
    const { code, stdout, stderr } = await ask(t, ["logs", id, "--follow"]);
    assert.equal(code, 0);
    for (const label of ["out stdout: ", "err stderr: "]) {
      const shown = stdout.split("\n").filter((line) => line.startsWith(label));
      let last = 0;
      for (const line of shown) {
        const [, bytes, gap] =
          /^\[(?:(\d+) bytes \()?(\d+) lines\)? are left out here\]$/.exec(line.slice(label.length)) ?? [];
        if (bytes !== undefined) assert.equal(Number(bytes), Number(gap) * 64);
        last = gap === undefined ? last + 1 : last + Number(gap);
        if (gap === undefined) assert.equal(line, label + String(last).padStart(63, "0"));
      }
      assert.equal(last, count);
    }
    const isCut = /left out here/.test(stdout);
    assert.equal(
      stderr,
      isCut
        ? `lines are left out above: \`highway-wasm logs ${id}\` prints those that the engine keeps\n`
        : "",
    );
    // The result has all lines.
    const { stdout: whole } = await ask(t, ["logs", id]);
    assert.deepEqual([whole.split("\n").length, /left out/.test(whole)], [2 * count + 1, false]);
  });

  test("has its logs followed through an outage", async (t) => {
    const target = new URL(server.env.HIGHWAY_API_ENDPOINT);
    const open = new Set();
    let refused = 0;
    let isAway = false;
    const relay = createRelay((socket) => {
      open.add(socket);
      socket.on("close", () => open.delete(socket)).on("error", () => {});
      if (isAway) {
        refused += 1;
        socket.destroy();
        return;
      }
      const onward = connect(Number(target.port), target.hostname).on("error", () => socket.destroy());
      socket.on("close", () => onward.destroy());
      socket.pipe(onward).pipe(socket);
    });
    const cut = () => {
      for (const socket of open) socket.destroy();
    };
    relay.listen(0, "127.0.0.1");
    await once(relay, "listening");
    t.after(() => {
      cut();
      relay.close();
    });
    const id = await detached(t, gated);
    const env = { ...server.env, HIGHWAY_API_ENDPOINT: `http://127.0.0.1:${relay.address().port}` };
    const following = start(t, ["logs", id, "--follow"], { cwd, env });
    await following.seen(/^one stdout: first$/m);
    isAway = true;
    cut();
    // A call tries three times, then fails.
    await until(() => refused > 12 || following.child.exitCode !== null);
    isAway = false;
    assert.equal((await ask(t, ["signal", id, "go"])).code, 0);
    const { code, stdout } = await following.ended;
    assert.deepEqual([code, stdout], [0, "one stdout: first\ntwo stdout: last\n"]);
  });

  test("has the output of a task followed while the task runs", async (t) => {
    const gate = join(cwd, "gate");
    const command = `echo one; until [ -e ${gate} ]; do sleep 0.05; done; echo two; printf three`;
    const id = await detached(t, JSON.stringify(shellWorkflow("slow", { a: command })));
    const following = start(t, ["logs", id, "--follow"], { cwd, env: server.env });
    await following.seen(/^a stdout: one$/m);
    writeFileSync(gate, "");
    const { code, stdout } = await following.ended;
    assert.deepEqual([code, stdout], [0, "a stdout: one\na stdout: two\na stdout: three\n"]);
  });

  test("is left by a reader that stops early", async (t) => {
    const id = await detached(
      t,
      JSON.stringify(shellWorkflow("long", { one: "echo first", two: "sleep 60" })),
    );
    const command = `"$0" "$1" logs ${id} --follow --json | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const shell = start(t, ["-c", command, process.execPath, PROGRAM], {
      file: "bash",
      cwd,
      env: server.env,
    });
    await shell.seen(/first/);
    // Writing fails with the next entry, which the cancellation causes.
    assert.equal((await ask(t, ["cancel", id])).code, 0);
    const { stdout } = await shell.ended;
    assert.match(stdout, /^\{.*first.*\}\n0\n$/);
  });

  test("is left by Ctrl-C", async (t) => {
    const id = await detached(
      t,
      JSON.stringify(shellWorkflow("long", { one: "echo first", two: "sleep 60" })),
    );
    for (const args of [
      ["logs", id, "--follow"],
      ["status", id, "--watch"],
    ]) {
      const following = start(t, args, { cwd, env: server.env });
      await following.seen(/first|two/);
      following.child.kill("SIGINT");
      const { code, stderr } = await following.ended;
      assert.equal(code, 130);
      assert.doesNotMatch(stderr, /error/);
    }
    assert.equal((await ask(t, ["cancel", id])).code, 0);
  });

  test("receives signals with data", async (t) => {
    const waits = definition("waits", [
      "paid",
      "wait_for_event",
      { event_name: "paid", timeout_seconds: 60, result_key: "paid" },
    ]);
    const id = await detached(t, waits);
    const { code, stderr } = await ask(t, [
      "signal",
      id,
      "paid",
      "-d",
      "amount=12",
      "-d",
      "note=1.10",
      "-d",
      "ok:=true",
    ]);
    assert.deepEqual([code, stderr], [0, `signal \`paid\` was sent to run ${id}\n`]);
    await askUntil(t, ["status", id], ({ state }) => state === "completed");
    const other = await detached(t, waits);
    const sent = await ask(t, ["signal", other, "paid", "--payload", "-", "--json"], {
      input: "amount: 13\n",
    });
    assert.deepEqual(
      [sent.code, JSON.parse(sent.stdout)],
      [0, { runId: other, signal: "paid", payload: { amount: 13 } }],
    );
    await askUntil(t, ["status", other], ({ state }) => state === "completed");
  });

  test("receives decisions about approvals", async (t) => {
    const asks = definition("asks", [
      "review",
      "task",
      {
        function: "tools.approval.request",
        kwargs: { approval_key: "{{workflow_run_id}}:review", title: "Ship it?" },
        result_key: "review",
      },
    ]);
    const ids = [await detached(t, asks), await detached(t, asks), await detached(t, asks)];
    for (const id of ids)
      await askUntil(t, ["approvals", "--run", id], ({ approvals }) => approvals.length === 1);
    const listed = await ask(t, ["approvals"]);
    for (const id of ids) assert.match(listed.stdout, new RegExp(`^${id}:review +Ship it\\?$`, "m"));
    const asleep = await ask(t, ["status", ids[0]]);
    assert.match(
      asleep.stdout,
      new RegExp(`^waits {6}review waits for the approval \`${ids[0]}:review\`$`, "m"),
    );
    assert.match(asleep.stderr, new RegExp(`help: answer it: \`highway-wasm approve ${ids[0]}:review\``));
    const first = await ask(t, ["approve", `${ids[0]}:review`, "--comment", "fine"]);
    assert.deepEqual([first.code, first.stderr], [0, `\`${ids[0]}:review\` is approved\n`]);
    const second = await json(t, ["reject", ids[1].slice(0, 13)]);
    assert.deepEqual(second, { code: 0, value: { approvalKey: `${ids[1]}:review`, status: "rejected" } });
    const third = await ask(t, ["approve", ids[2]]);
    assert.equal(third.code, 0, third.stderr);
    for (const id of ids)
      await askUntil(t, ["approvals", "--run", id], ({ approvals }) => approvals.length === 0);
    const none = await ask(t, ["approve", `${ids[0]}:nothing`]);
    assert.equal(none.code, 1);
    assert.match(
      none.stderr,
      /^error: no task waits for the approval `.*:nothing`\n {2}help: it may be decided already/,
    );
  });
});

describe("a run that failed", { concurrency: 2 }, () => {
  test("is retried", async (t) => {
    const id = await submitted(t, "failing.json", "failed");
    const { code, stdout } = await ask(t, ["retry", id]);
    assert.equal(code, 0);
    assert.match(stdout, /^[0-9a-f-]{36}\n$/);
    assert.notEqual(stdout.trim(), id);
    const { value } = await json(t, ["retry", id]);
    assert.equal(value.retried, id);
    const watched = await ask(t, ["retry", id, "--watch"]);
    assert.equal(watched.code, 1);
    assert.match(watched.stderr, /✗ bad: .*exit code 3.*\n {2}stdout: not ok 1\n/);
  });

  test("is the only one to be retried", async (t) => {
    const { code, stderr } = await ask(t, ["retry", await submitted(t, "two.json", "completed")]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: /);
  });
});

describe("schedules", { concurrency: 1 }, () => {
  test("are listed, paused, resumed, shown and deleted, by id, its beginning, or workflow", async (t) => {
    assert.deepEqual((await json(t, ["schedules"])).value, { schedules: [] });
    const nightly = JSON.stringify(shellWorkflow("nightly", { one: "true" }, { schedule: "0 3 * * *" }));
    await detached(t, nightly);
    const { schedules } = (await json(t, ["schedules", "list"])).value;
    assert.equal(schedules.length, 1);
    const id = schedules[0].schedule_id;
    const listed = await ask(t, ["schedules"]);
    assert.match(listed.stdout, new RegExp(`^${id} +active +0 3 \\* \\* \\* +nightly +next \\d{4}-`));
    for (const [args, active] of [
      [["pause", "nightly"], false],
      [["resume", id.slice(0, 8)], true],
      [["pause", id], false],
    ]) {
      assert.equal((await ask(t, ["schedules", ...args])).code, 0);
      assert.equal((await json(t, ["schedules", "show", id])).value.is_active, active);
    }
    assert.match((await ask(t, ["schedules"])).stdout, / paused /);
    assert.deepEqual((await json(t, ["schedules", "history", "nightly"])).value.executions, []);
    assert.equal((await ask(t, ["schedules", "delete", "nightly"])).code, 0);
    assert.equal((await ask(t, ["schedules"])).stderr, "no schedules\n");
    const gone = await ask(t, ["schedules", "pause", "nightly"]);
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, /404/);
  });
});

/** The environment for a server that answers every request with the value of `answer`. */
async function serverThatSays(t, answer) {
  const other = createServer((request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer(request)));
  }).listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => {
    other.closeAllConnections();
    other.close();
  });
  return {
    HIGHWAY_API_ENDPOINT: `http://127.0.0.1:${other.address().port}`,
    HIGHWAY_API_KEY: "a-key-of-these-tests",
  };
}

test("the history of a schedule shows `timed_out` for a run that exceeded its time limit", async (t) => {
  const started_at = "2030-01-01T00:00:00.000Z";
  const executions = [
    { workflow_run_id: "late", status: "failed", error_code: "RUN_TIMED_OUT", started_at },
    { workflow_run_id: "broken", status: "failed", error_code: "RUN_FAILED", started_at },
    { workflow_run_id: "fine", status: "completed", error_code: null, started_at },
  ];
  const env = await serverThatSays(t, ({ url }) => {
    return { data: url.includes("/history") ? { executions, total: 3 } : { schedules: [], total: 0 } };
  });
  const { stdout, stderr } = await highway(t, ["schedules", "history", "nightly"], { cwd, env });
  assert.equal(stderr, "");
  assert.match(stdout, /^late +timed_out .*\nbroken +failed .*\nfine +completed /);
  const told = await highway(t, ["schedules", "history", "nightly", "--json"], { cwd, env });
  assert.deepEqual(
    JSON.parse(told.stdout).executions.map(({ status }) => status),
    ["timed_out", "failed", "completed"],
  );
});

describe("the beginning of an id", { concurrency: 2 }, () => {
  test("names the only run that has it", async (t) => {
    const id = await submitted(t, "two.json", "completed");
    const short = id.slice(0, 13);
    assert.equal((await json(t, ["status", short])).value.runId, id);
    assert.match((await ask(t, ["logs", short])).stdout, /first stdout: one/);
    assert.deepEqual(await json(t, ["cancel", short]), { code: 1, value: { runId: id, cancelled: false } });
    // The id may have been copied from elsewhere.
    for (const text of [short.toUpperCase(), id.toUpperCase(), ` ${id} `])
      assert.equal((await json(t, ["status", text])).value.runId, id);
  });

  test("must not be empty, and must belong to an existing run, in every command", async (t) => {
    for (const args of [
      ["status"],
      ["logs"],
      ["cancel"],
      ["retry"],
      ["signal", "go"],
      ["approvals", "--run"],
    ]) {
      const withId = (id) => (args[1] === "go" ? ["signal", id, "go"] : [...args, id]);
      for (const id of [nobody, "zzz", "a/b", "%00"]) {
        const { code, stderr } = await ask(t, withId(id));
        assert.deepEqual(
          [code, stderr.split("\n", 1)[0]],
          [1, `error: the server answered 404: there is no run \`${id}\``],
        );
      }
      for (const id of ["", "  "]) {
        const { code, stderr } = await ask(t, withId(id));
        assert.equal(code, 2, args[0]);
        assert.match(stderr, /^error: .* is empty\n {2}help: /);
      }
    }
  });

  test("is refused if several runs have it, with their ids, and nothing happens", async (t) => {
    const runs = ["ab-1", "ab-2\u001b[2J", "abc", "b"].map((id) => ({
      workflow_run_id: id,
      workflow_name: "w",
      status: "running",
    }));
    const asked = [];
    const env = await serverThatSays(t, ({ method, url }) => {
      asked.push(`${method} ${url.split("?")[0]}`);
      const isList = /^\/api\/v1\/workflows(\?|$)/.test(url);
      return { data: isList ? { workflows: runs, total: runs.length } : runs[2] };
    });
    const { code, stdout, stderr } = await highway(t, ["cancel", "ab"], { cwd, env });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(
      stderr,
      /^error: 3 runs have ids that begin with `ab`\n {2}help: name one of them: `ab-1` \(w, running\); `ab-2\\x1b\[2J` \(w, running\); `abc` \(w, running\)\n$/,
    );
    assert.deepEqual([...new Set(asked)], ["GET /api/v1/workflows"]);
    // An exact id is meant, even if other ids begin with it.
    assert.equal((await highway(t, ["status", "abc", "--json"], { cwd, env })).code, 0);
  });
});

describe("a server that misbehaves", () => {
  test("cannot control the terminal", async (t) => {
    const evil = "\x1b]0;owned\x07\x1b[2J";
    const data = {
      workflow_run_id: "r",
      workflow_name: `a${evil}`,
      status: "failed",
      error: `b${evil}`,
      steps: [],
    };
    const content = { step_name: `s${evil}`, stream: "stdout", content: `c${evil}\nd` };
    const env = await serverThatSays(t, ({ url }) => {
      if (url.includes("logs")) return { data: { logs: [content] } };
      return { data: url.includes("/workflows/r") ? data : { workflows: [data], total: 1 } };
    });
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
