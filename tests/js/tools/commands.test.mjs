// The embedded engine with a real shell and a real Python: files, processes, output.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Driver, Highway, py } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { nodeTools } from "highway-wasm/node";
import { rejectionOf } from "../support/errors.mjs";
import { runModule } from "../support/child.mjs";
import { until } from "../support/until.mjs";

function start(t, options = {}, engineOptions = {}) {
  const engine = new LocalEngine({ tools: nodeTools(options), ...engineOptions });
  t.after(() => engine.close());
  return { engine, driver: new Driver({ engine }) };
}

/**
 * {@link start} with a clock that `jump` sets an hour ahead, so that a time limit passes exactly when the test says,
 * however late a process starts.
 */
function startWithClock(t) {
  let ahead = 0;
  const started = start(t, {}, { clock: () => Date.now() + ahead });
  const jump = async () => {
    ahead += 3_600_000;
    await new Highway({ engine: started.engine }).system.health();
  };
  return { ...started, jump };
}

/** A folder that is removed after the test. */
function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "highway-wasm-test-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    // A process that has ended and is not yet waited for by its parent counts as ended.
    const status = `/proc/${pid}/status`;
    return !existsSync(status) || !/^State:\s+Z/m.test(readFileSync(status, "utf8"));
  } catch {
    return false;
  }
}

/** A command that starts a child and a grandchild, writes all process ids to a file, and runs for a long time. */
const family = (file, before = "") =>
  `${before} sleep 300 & (${before} echo $! $$ > ${file}.tmp; sh -c 'echo $$ >> ${file}.tmp; mv ${file}.tmp ${file}; ${before} sleep 301') & wait`;
const pidsIn = (file) => readFileSync(file, "utf8").trim().split(/\s+/).map(Number);

describe("shell", { concurrency: true }, () => {
  test("the quick start: tasks share a directory that is removed after the run", async (t) => {
    const { driver } = start(t);
    driver.shell("backup_db", "echo data > backup.sql && pwd && echo done");
    driver.shell("upload", "cat backup.sql; echo '{{backup_db_result.stdout}}' | head -1", {
      depends: ["backup_db"],
    });
    const result = await driver.run();
    assert.equal(result.state, "completed", result.error?.message);
    const [directory] = result.tasks.backup_db.stdout.split("\n");
    assert.equal(result.tasks.upload.stdout, `data\n${directory}`);
    assert.equal(result.tasks.backup_db.returncode, 0);
    assert.deepEqual(Object.keys(result.tasks.backup_db.result).sort(), [
      "exit_code",
      "returncode",
      "stderr",
      "stdout",
    ]);
    assert.ok(await until(() => !existsSync(directory)), `${directory} is still there`);
  });

  test("each run has its own directory, also after a failure", async (t) => {
    const { driver } = start(t);
    driver.shell("a", "pwd; ls; touch here; exit 3");
    const [one, two] = await Promise.all([driver.run(), driver.run()]);
    assert.notEqual(one.tasks.a.stdout, two.tasks.a.stdout);
    for (const { tasks } of [one, two]) {
      assert.doesNotMatch(tasks.a.stdout, /here/);
      assert.ok(await until(() => !existsSync(tasks.a.stdout)));
    }
  });

  test("commands of one run may run at the same time", async (t) => {
    const { driver } = start(t);
    // Each waits for the other's file.
    driver.shell("a", "touch a; while [ ! -e b ]; do sleep 0.02; done", { timeout: 60 });
    driver.shell("b", "touch b; while [ ! -e a ]; do sleep 0.02; done", { timeout: 60 });
    assert.equal((await driver.run()).state, "completed");
  });

  test("an exit code other than 0 fails the task; its output is kept", async (t) => {
    const { driver } = start(t);
    driver.shell("a", "echo out; echo first >&2; echo 'no such table' >&2; exit 3");
    const result = await driver.run();
    assert.equal(result.state, "failed");
    const { a } = result.tasks;
    assert.deepEqual(
      [a.state, a.stdout, a.stderr, a.returncode, a.error.code],
      ["failed", "out", "first\nno such table", 3, "EXIT_CODE_NONZERO"],
    );
    assert.match(a.error.message, /3.*no such table/);
    const logs = await driver.logs(result.runId);
    assert.deepEqual(
      logs.map(({ stream }) => stream),
      ["stdout", "stderr", "error"],
    );
  });

  test("check: false makes the exit code data", async (t) => {
    const { driver } = start(t);
    driver.tool("a", "tools.shell.run", { command: "echo out; exit 3", check: false });
    driver.shell("b", "echo 'it was {{a_result.returncode}}'", { depends: ["a"] });
    const { state, tasks } = await driver.run();
    assert.deepEqual([state, tasks.a.state, tasks.a.returncode], ["completed", "completed", 3]);
    assert.equal(tasks.b.stdout, "it was 3");
  });

  test("a failing command is tried again, in the same directory", async (t) => {
    const { driver } = start(t);
    driver.shell("a", "echo x >> tries; [ $(wc -l < tries) -ge 3 ]", { retries: 3, retryDelay: 0 });
    assert.equal((await driver.run()).state, "completed");
  });

  test("a command ended by a signal", async (t) => {
    const { driver } = start(t);
    driver.shell("a", "kill -KILL $$");
    assert.equal((await driver.run()).tasks.a.returncode, 137);
  });

  test("cwd, env and the shell may be set", async (t) => {
    const cwd = folder(t);
    const { driver } = start(t, { cwd, env: { PATH: process.env.PATH, STAGE: "test" }, shell: "/bin/sh" });
    driver.shell("a", 'echo "$STAGE $HOME $(pwd)"');
    driver.tool("b", "tools.shell.run", { command: 'echo "$STAGE $MORE"', env: { MORE: "1" } });
    const { tasks } = await driver.run();
    assert.deepEqual([tasks.a.stdout, tasks.b.stdout], [`test  ${cwd}`, "test 1"]);
    assert.ok(existsSync(cwd), "a directory of the caller's own stays");
  });

  test("a missing shell", async (t) => {
    const { driver } = start(t, { shell: "/nonexistent/sh" });
    driver.shell("a", "true", { retries: 3 });
    const { a } = (await driver.run()).tasks;
    assert.equal(a.error.code, "TOOL_UNAVAILABLE");
    assert.match(a.error.message, /\/nonexistent\/sh/);
  });

  test("large output is truncated, and says so; the process ends", async (t) => {
    const { driver } = start(t);
    driver.shell("a", "head -c 11534336 /dev/zero | tr '\\0' x; echo; echo end >&2");
    const { a } = (await driver.run()).tasks;
    assert.equal(a.state, "completed");
    assert.ok(
      a.stdout.length >= 10 * 1024 * 1024 && a.stdout.length < 10.1 * 1024 * 1024,
      `${a.stdout.length}`,
    );
    assert.match(a.stdout, /^x+\n\[1048577 bytes \(0 lines\) are left out here\]\nx+$/);
    assert.equal(a.stderr, "end");
  });

  test("lines that are dropped from an output are counted", async (t) => {
    for (const maxOutput of [40, 41, 64, 100]) {
      const { driver } = start(t, { maxOutput });
      driver.shell("a", "seq 1 200");
      const { a } = (await driver.run()).tasks;
      let number = 0;
      for (const line of a.stdout.split("\n")) {
        const [, gap] = /^\[\d+ bytes \((\d+) lines\) are left out here\]$/.exec(line) ?? [];
        number += Number(gap ?? 1);
        if (gap === undefined) assert.equal(line, String(number));
      }
      assert.equal(number, 200);
    }
  });

  test("unicode, quotes and bytes that are not text", async (t) => {
    const { driver } = start(t);
    const odd = `größe 🛣️ "q" \\ $HOME \`x\``;
    driver.tool("a", "tools.shell.run", { command: 'printf %s "$TEXT"', env: { TEXT: odd } });
    driver.shell("b", "printf '\\377\\376ok'");
    driver.shell("c", "cat <<'END'\nzwei\nZeilen 数\nEND");
    const { tasks } = await driver.run();
    assert.equal(tasks.a.stdout, odd);
    assert.equal(tasks.b.stdout, "\ufffd\ufffdok");
    assert.equal(tasks.c.stdout, "zwei\nZeilen 数");
  });

  test("a command has no input to wait for", async (t) => {
    const { driver } = start(t);
    driver.shell("a", "cat; echo over", { timeout: 60 });
    assert.equal((await driver.run()).tasks.a.stdout, "over");
  });
});

describe("processes are ended", { concurrency: true }, () => {
  test("when the attempt reaches its time limit, with all their children", async (t) => {
    const file = join(folder(t), "pids");
    const { driver, jump } = startWithClock(t);
    driver.shell("a", family(file), { timeout: 600 });
    const handle = await driver.start({ timeout: 86_400 });
    await until(() => existsSync(file));
    await jump();
    const result = await handle.result();
    assert.deepEqual([result.state, result.tasks.a.error.code], ["failed", "TASK_TIMED_OUT"]);
    const pids = pidsIn(file);
    assert.equal(pids.length, 3);
    assert.ok(await until(() => !pids.some(isAlive)), `of ${pids} some are alive: ${pids.filter(isAlive)}`);
  });

  test("when they ignore SIGTERM", async (t) => {
    const file = join(folder(t), "pids");
    const { driver, jump } = startWithClock(t);
    driver.shell("a", family(file, "trap '' TERM;"), { timeout: 600 });
    const handle = await driver.start({ timeout: 86_400 });
    await until(() => existsSync(file));
    await jump();
    await handle.result();
    const pids = pidsIn(file);
    assert.ok(await until(() => !pids.some(isAlive)), `alive: ${pids.filter(isAlive)}`);
  });

  test("when the run is cancelled", async (t) => {
    const file = join(folder(t), "pids");
    const { driver } = start(t);
    driver.shell("a", family(file));
    driver.shell("b", "true", { depends: ["a"] });
    const handle = await driver.start();
    assert.ok(await until(() => existsSync(file)));
    assert.equal(await handle.cancel(), true);
    const pids = pidsIn(file);
    assert.ok(await until(() => !pids.some(isAlive)), `alive: ${pids.filter(isAlive)}`);
    const result = await handle.result();
    assert.deepEqual([result.state, result.tasks.b.isSuccess], ["cancelled", false]);
  });

  test("when the run reaches its time limit", async (t) => {
    const file = join(folder(t), "pids");
    const { driver, jump } = startWithClock(t);
    driver.shell("a", family(file), { timeout: 86_400 });
    const handle = await driver.start({ timeout: 600 });
    await until(() => existsSync(file));
    await jump();
    assert.equal((await handle.result()).state, "timed_out");
    const pids = pidsIn(file);
    assert.ok(await until(() => !pids.some(isAlive)), `alive: ${pids.filter(isAlive)}`);
  });

  test("when the engine is closed, before close resolves; the directory is removed too", async (t) => {
    const file = join(folder(t), "pids");
    const { driver, engine } = start(t);
    driver.shell("a", `pwd > ${file}.dir; ${family(file)}`);
    await driver.start();
    assert.ok(await until(() => existsSync(file)));
    await engine.close();
    const pids = pidsIn(file);
    assert.deepEqual(pids.filter(isAlive), []);
    assert.ok(!existsSync(readFileSync(`${file}.dir`, "utf8").trim()));
  });
});

const noPython = spawnSync("python3", ["--version"]).error && "this machine has no python3";

describe("python", { concurrency: true, skip: noPython }, () => {
  test("computes from earlier results and inputs", async (t) => {
    const { driver } = start(t);
    const count = driver.shell("count", "echo 41");
    driver.python(
      "sum",
      py`
        def helper(n):
            return n + 1

        def sum():
            """Doc."""
            print("computing ✓")
            return {"total": helper(int("${count.result.stdout}")), "who": "{{inputs.who}}", "none": None}
      `,
      { depends: [count] },
    );
    driver.shell("show", "echo {{sum_result.total}} {{sum_result.result.who}}", { depends: ["sum"] });
    const { state, tasks, error } = await driver.run({ inputs: { who: "Ada" } });
    assert.equal(state, "completed", error?.message);
    const expected = { total: 42, who: "Ada", none: null };
    assert.deepEqual(tasks.sum.result.result, expected);
    assert.deepEqual(tasks.sum.result.parsed_result ?? tasks.sum.result.result, expected);
    assert.match(tasks.sum.stdout, /computing ✓/);
    assert.equal(tasks.show.stdout, "42 Ada");
  });

  test("an exception fails the task, with its traceback", async (t) => {
    const { driver } = start(t);
    driver.python("a", "def a():\n    raise ValueError('größe')");
    const { a } = (await driver.run()).tasks;
    assert.deepEqual([a.state, a.error.code, a.returncode], ["failed", "EXIT_CODE_NONZERO", 1]);
    assert.match(a.stderr, /Traceback[\s\S]*ValueError: größe/);
    assert.match(a.error.message, /ValueError: größe/);
  });

  test("source without a function runs as a script", async (t) => {
    const { driver } = start(t);
    driver.python("a", "import sys\nprint(1 + 1)\nprint('e', file=sys.stderr)");
    const { a } = (await driver.run()).tasks;
    assert.deepEqual([a.state, a.stdout, a.stderr], ["completed", "2", "e"]);
  });

  test("shares the run's directory", async (t) => {
    const { driver } = start(t);
    driver.shell("write", "echo 7 > n");
    driver.python("read", "def read():\n    return int(open('n').read())", { depends: ["write"] });
    assert.equal((await driver.run()).tasks.read.result.result, 7);
  });

  test("that is missing: advice", async (t) => {
    const { driver } = start(t, { python: "/nonexistent" });
    driver.python("a", "print(1)", { retries: 3 });
    const result = await driver.run();
    const { a } = result.tasks;
    assert.deepEqual([result.state, a.error.code], ["failed", "TOOL_UNAVAILABLE"]);
    assert.match(a.error.message, /\/nonexistent/);
    assert.match(a.error.help, /install/);
    assert.deepEqual((await driver.logs(result.runId)).length, 1, "it is not tried again");
  });

  test("is ended at its time limit", async (t) => {
    const file = join(folder(t), "pid");
    const { driver, jump } = startWithClock(t);
    const source = `import os, time\nopen(${JSON.stringify(file)}, "w").write(str(os.getpid()))\ntime.sleep(300)`;
    driver.python("a", source, { timeout: 600 });
    const handle = await driver.start({ timeout: 86_400 });
    await until(() => existsSync(file) && readFileSync(file, "utf8") !== "");
    await jump();
    assert.equal((await handle.result()).tasks.a.error.code, "TASK_TIMED_OUT");
    const [pid] = pidsIn(file);
    assert.ok(await until(() => !isAlive(pid)));
  });
});

test("invalid arguments are refused, and not tried again", async (t) => {
  const { driver } = start(t);
  driver.tool("a", "tools.shell.run", { command: 5 }, { retries: 3 });
  driver.tool("b", "tools.code.exec", {}, { retries: 3 });
  driver.tool("c", "tools.http.request", { url: "nonsense" }, { retries: 3 });
  driver.tool("d", "tools.shell.run", { command: "true", env: "x" });
  const { runId, tasks } = await driver.run();
  for (const name of ["a", "b", "c"]) assert.equal(tasks[name].error.code, "TOOL_ARGUMENTS_INVALID", name);
  const errors = (await driver.logs(runId)).filter(({ task }) => task !== "d");
  assert.equal(errors.length, 3);
});

test("a missing working directory is reported as missing", async (t) => {
  const { driver } = start(t, { cwd: "/nonexistent/folder" });
  driver.shell("a", "true");
  const { a } = (await driver.run()).tasks;
  assert.match(`${a.error.message} ${a.error.help}`, /\/nonexistent\/folder/);
});

test("a working directory that is a file is reported as such", async (t) => {
  const { driver } = start(t, { cwd: process.execPath });
  driver.shell("a", "true");
  const { a } = (await driver.run()).tasks;
  assert.equal(a.error.code, "TOOL_ARGUMENTS_INVALID");
  assert.match(a.error.message, /is not a folder/);
});

test("options that do not exist are refused", async () => {
  const error = await rejectionOf((async () => nodeTools({ pyhton: "python3" }))());
  assert.equal(error.code, "OPTION_INVALID");
});

const program = (body) => `
  import { Driver } from "highway-wasm";
  import { LocalEngine } from "highway-wasm/engine";
  import { nodeTools } from "highway-wasm/node";
  const engine = new LocalEngine({ tools: nodeTools() });
  const driver = new Driver({ engine });
  ${body}`;

test("commands end with the process that runs them, whatever ends it", async (t) => {
  for (const signal of ["SIGINT", "SIGTERM"]) {
    const file = join(folder(t), "pids");
    const source = program(
      `driver.shell("a", "pwd > ${file}.folder; echo $$ > ${file}; sleep 77"); await driver.run();`,
    );
    const child = spawn(process.execPath, ["--input-type=module", "--eval", source], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("exit", (_code, name) => resolve(name)));
    await until(() => existsSync(file) && readFileSync(file, "utf8") !== "");
    const pid = Number(readFileSync(file, "utf8"));
    assert.ok(isAlive(pid));
    child.kill(signal);
    assert.equal(await ended, signal);
    await until(() => !isAlive(pid));
    assert.ok(!isAlive(pid), signal);
    assert.ok(!existsSync(readFileSync(`${file}.folder`, "utf8").trim()), "its folder is removed");
  }
});

test("a command for which the system has no memory fails as a task, not as the process", async () => {
  const source = program(`
    import { closeSync, openSync } from "node:fs";
    const here = new Driver({ engine: new LocalEngine({ tools: nodeTools({ cwd: "/" }) }) });
    here.shell("a", "echo ok");
    const opened = [];
    try {
      for (;;) opened.push(openSync("/dev/null"));
    } catch {}
    const full = await here.run();
    for (const file of opened) closeSync(file);
    const again = await here.run();
    console.log(full.state, full.tasks.a.error.code, again.state, again.tasks.a.stdout);`);
  const { stdout, stderr, code } = await runModule(`
    import { spawnSync } from "node:child_process";
    const limited = ["-c", 'ulimit -n 150; exec node --input-type=module --eval "$0"', ${JSON.stringify(source)}];
    const { stdout, stderr } = spawnSync("sh", limited, { encoding: "utf8" });
    console.log(stdout.trim(), stderr.trim());`);
  assert.deepEqual([stdout.trim(), stderr, code], ["failed TOOL_UNAVAILABLE completed ok", "", 0]);
});
