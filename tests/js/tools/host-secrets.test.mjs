// What the commands of tasks see of their host, and commands that are not possible.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { Driver } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { nodeTools, pythonDsl, serve } from "highway-wasm/node";
import { noPython } from "../support/artifacts.mjs";
import { folder } from "../support/cli.mjs";

const HOST = {
  HIGHWAY_API_KEY: "hw_k1_of-the-host",
  HIGHWAY_SECRET_TOKEN: "token-of-the-host",
  highway_secret_other: "other-of-the-host",
};

/** Sets variables of this process for one test. */
function withHost(t) {
  for (const [name, value] of Object.entries({ ...HOST, OPEN_TO_ALL: "open-to-all" })) {
    process.env[name] = value;
    t.after(() => delete process.env[name]);
  }
}

const sees = (text) => [...Object.values(HOST), "open-to-all"].filter((value) => text.includes(value));

test("commands and Python do not get the host's own variables", { skip: noPython }, async (t) => {
  withHost(t);
  const engine = new LocalEngine({ tools: nodeTools(), pythonDsl: pythonDsl() });
  t.after(() => engine.close());
  const driver = new Driver({ engine });
  driver.shell("shell", "env");
  driver.python("python", "import os\nprint(dict(os.environ))");
  driver.task("durable", { durable: "def durable():\n    import os\n    return dict(os.environ)" });
  const { tasks } = await driver.run();
  for (const task of Object.values(tasks)) {
    assert.deepEqual(sees(JSON.stringify(task.result)), ["open-to-all"], task.name);
  }
  const source = "import os\ndef get_workflow():\n    raise ValueError(dict(os.environ))";
  const body = JSON.stringify({ python_dsl: source });
  const answer = await engine.fetch("http://e/api/v1/workflows", { method: "POST", body });
  assert.deepEqual(sees(await answer.text()), ["open-to-all"]);
});

test("those of `serve` do not either, and get the variables of their task", async (t) => {
  withHost(t);
  const server = await serve({ port: 0 });
  t.after(() => server.close());
  assert.equal(server.key, HOST.HIGHWAY_API_KEY);
  const driver = new Driver({ endpoint: server.url, apiKey: server.key });
  driver.shell("a", "env");
  const env = { HIGHWAY_API_KEY: "of the task", N: 5, OPEN_TO_ALL: null };
  driver.tool("b", "tools.shell.run", { command: "echo $HIGHWAY_API_KEY $N $OPEN_TO_ALL", env });
  const { tasks } = await driver.run();
  assert.deepEqual(sees(tasks.a.stdout), ["open-to-all"]);
  assert.equal(tasks.b.stdout, "of the task 5");
});

test("a value that is not text becomes a variable with JSON text", async (t) => {
  const engine = new LocalEngine({ tools: nodeTools({ env: { PATH: process.env.PATH, GONE: "here" } }) });
  t.after(() => engine.close());
  const driver = new Driver({ engine });
  const env = { TEXT: 'a "b"', LIST: [1, { n: null }], BIG: 12345678901234567890n, YES: true, GONE: null };
  driver.tool("a", "tools.shell.run", {
    command: 'echo "$TEXT $LIST $BIG $YES"; printenv GONE || echo none',
    env,
  });
  const { stdout } = (await driver.run()).tasks.a;
  assert.equal(stdout, 'a "b" [1,{"n":null}] 12345678901234567890 true\nnone');
});

test("values that no program can get are refused at once, with the reason", async (t) => {
  const engine = new LocalEngine({ tools: nodeTools() });
  t.after(() => engine.close());
  const long = "x".repeat(3_000_000);
  for (const [kwargs, message] of [
    [{ command: "echo x\0y" }, /NUL/],
    [{ command: "true", cwd: "/tmp\0" }, /NUL/],
    [{ command: "true", env: { A: "x\0" } }, /NUL/],
    [{ command: "true", env: { "A\0": "x" } }, /NUL/],
    [{ command: "true", env: { "A=B": "x" } }, /`A=B`/],
    [{ command: "true", env: { "": "x" } }, /name of a variable/],
    [{ command: "true", env: "A=B" }, /`env`/],
    [{ command: `: ${long}` }, /too long/],
    [{ command: "true", env: { A: long } }, /too long/],
  ]) {
    const driver = new Driver({ engine });
    driver.tool("a", "tools.shell.run", kwargs, { retries: 3, retryDelay: 60 });
    const { error } = (await driver.run()).tasks.a;
    assert.equal(error.code, "TOOL_ARGUMENTS_INVALID", error.message);
    assert.match(error.message, message);
  }
});

test("a program that cannot be started says why", async (t) => {
  const file = `${folder(t)}/text`;
  writeFileSync(file, "no program");
  for (const [options, message, help] of [
    [{ shell: file }, /EACCES/, /allow this user/],
    [{ shell: "/nonexistent/sh" }, /ENOENT/, /install/],
    [{ cwd: file }, /is not a folder/, undefined],
  ]) {
    const engine = new LocalEngine({ tools: nodeTools(options) });
    const driver = new Driver({ engine });
    driver.shell("a", "true");
    const { error } = (await driver.run()).tasks.a;
    assert.match(error.message, message);
    if (help) assert.match(error.help, help);
    await engine.close();
  }
});
