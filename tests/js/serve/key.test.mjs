// The key of `highway-wasm serve`: generated once, readable only for its owner, shown once.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { folder, highway, startServer } from "../support/cli.mjs";

const FORM = /^hw_k1_[A-Za-z0-9_-]{43}$/;
const modeOf = (file) => (statSync(file).mode & 0o777).toString(8);
const ask = (url, key) => fetch(`${url}/api/v1/workflows`, { headers: { authorization: `Bearer ${key}` } });

/** Starts a server, sends a request with a key, and stops the server. */
async function once(t, args, options, key) {
  const server = await startServer(t, args, options);
  const { status } = await ask(server.url, key ?? server.key);
  server.child.kill("SIGTERM");
  const { code, stdout, stderr } = await server.ended;
  assert.equal(code, 0, stderr);
  return { status, key: server.key, text: stdout + stderr, stdout, stderr };
}

describe("the key", { concurrency: 2 }, () => {
  test("is generated at the first start, shown once and stored with mode 0600; later starts read it and show its file", async (t) => {
    const cwd = folder(t);
    const first = await once(t, [], { cwd });
    assert.match(first.key, FORM);
    assert.equal(first.status, 200);
    assert.equal(first.text.split(first.key).length, 2, "it is shown once");
    const file = join(cwd, ".highway", "key");
    assert.equal(readFileSync(file, "utf8"), `${first.key}\n`);
    assert.equal(modeOf(file), "600");
    assert.equal(modeOf(join(cwd, ".highway")), "700");
    assert.ok(first.stdout.includes(`kept in ${file}\n`));
    // It is not committed by accident.
    assert.equal(readFileSync(join(cwd, ".highway", ".gitignore"), "utf8"), "*\n");
    assert.deepEqual(readdirSync(join(cwd, ".highway")).sort(), [".gitignore", "key", "runs"]);

    const second = await once(t, [], { cwd }, first.key);
    assert.equal(second.status, 200);
    assert.ok(second.stdout.includes(`API key: in ${file}\n`));
    assert.doesNotMatch(second.text, /hw_k1_/);
    assert.equal(readFileSync(file, "utf8"), `${first.key}\n`);
  });

  test("is stored in the folder of --data; an existing folder is not changed otherwise", async (t) => {
    const cwd = folder(t);
    mkdirSync(join(cwd, "mine"), { mode: 0o755 });
    const { key } = await once(t, ["--data", "mine"], { cwd });
    assert.equal(readFileSync(join(cwd, "mine", "key"), "utf8"), `${key}\n`);
    assert.deepEqual(readdirSync(join(cwd, "mine")).sort(), ["key", "runs"]);
    assert.equal(modeOf(join(cwd, "mine")), "755");
    assert.equal(existsSync(join(cwd, ".highway")), false);
    const deep = await once(t, ["--data=a/b/c"], { cwd });
    assert.equal(readFileSync(join(cwd, "a/b/c/key"), "utf8"), `${deep.key}\n`);
  });

  test("that others could read is protected from them", async (t) => {
    const cwd = folder(t);
    mkdirSync(join(cwd, ".highway"));
    const file = join(cwd, ".highway", "key");
    writeFileSync(file, "  a-key-from-a-copy\n\n");
    chmodSync(file, 0o644);
    const { status } = await once(t, [], { cwd }, "a-key-from-a-copy");
    assert.equal(status, 200);
    assert.equal(modeOf(file), "600");
  });

  for (const [what, args, env] of [
    ["--key", ["--key", "a-given-key"], {}],
    ["HIGHWAY_API_KEY", [], { HIGHWAY_API_KEY: "a-given-key" }],
    ["--key, before HIGHWAY_API_KEY,", ["--key", "a-given-key"], { HIGHWAY_API_KEY: "another-key" }],
  ]) {
    test(`of ${what} is used, and neither shown nor stored`, async (t) => {
      const cwd = folder(t);
      const { status, text } = await once(t, args, { cwd, env }, "a-given-key");
      assert.equal(status, 200);
      assert.doesNotMatch(text, /a-given-key|another-key/);
      assert.match(text, /^API key: the one that was given$/m);
      assert.deepEqual(readdirSync(join(cwd, ".highway")).sort(), [".gitignore", "runs"]);
    });
  }

  test("is the same for servers that start at the same moment, of which one gets the folder", async (t) => {
    const cwd = folder(t);
    const starts = await Promise.allSettled(Array.from({ length: 4 }, () => startServer(t, [], { cwd })));
    const key = readFileSync(join(cwd, ".highway", "key"), "utf8").trim();
    assert.match(key, FORM);
    const [server, ...others] = starts.filter(({ status }) => status === "fulfilled");
    assert.equal(others.length, 0, "one at a time uses a folder");
    assert.equal((await ask(server.value.url, key)).status, 200);
    for (const { reason } of starts.filter(({ status }) => status === "rejected")) {
      assert.match(reason.message, /`\.highway\/runs` is in use/);
    }
    assert.deepEqual(readdirSync(join(cwd, ".highway")).sort(), [".gitignore", "key", "runs"]);
  });

  for (const [what, content] of [
    ["is empty", ""],
    ["holds something else", "this is\nno key"],
  ]) {
    test(`file that ${what} is refused, without its content`, async (t) => {
      const cwd = folder(t);
      mkdirSync(join(cwd, ".highway"));
      writeFileSync(join(cwd, ".highway", "key"), content);
      const { code, stdout, stderr } = await highway(t, ["serve", "--port", "0"], { cwd });
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(
        stderr,
        /^error: the API key is empty.*\n {2}option: --data\n {2}help: remove the file `.*key`/,
      );
      assert.doesNotMatch(stderr, /this is|no key/);
      assert.equal(readFileSync(join(cwd, ".highway", "key"), "utf8"), content);
    });
  }

  for (const [what, make] of [
    ["a link", (file, other) => symlinkSync(other, file)],
    ["a folder", (file) => mkdirSync(file)],
    ["a pipe", (file) => execFileSync("mkfifo", [file])],
  ]) {
    test(`that is ${what} is refused, and nothing is changed`, {
      skip: process.platform === "win32",
    }, async (t) => {
      const cwd = folder(t, { other: "text-of-somebody-else\n" });
      chmodSync(join(cwd, "other"), 0o644);
      mkdirSync(join(cwd, ".highway"));
      make(join(cwd, ".highway", "key"), join(cwd, "other"));
      const { code, stderr } = await highway(t, ["serve", "--port", "0"], { cwd });
      assert.equal(code, 2);
      assert.match(
        stderr,
        /^error: `.*key` is not a regular file.*\n {2}option: --data\n {2}help: remove it/,
      );
      assert.equal(modeOf(join(cwd, "other")), "644");
    });
  }

  test("folder that cannot be created is an error without a stack", async (t) => {
    const cwd = folder(t, { file: "" });
    const { code, stderr } = await highway(t, ["serve", "--port", "0", "--data", "file/data"], { cwd });
    assert.equal(code, 2);
    assert.match(stderr, /^error: .*file\/data/);
    assert.doesNotMatch(stderr, /\n {4}at /);
  });
});
