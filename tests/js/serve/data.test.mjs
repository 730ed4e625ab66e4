// The data folder of a server: its owner, its content, and the errors if nothing can be stored there.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Driver, Highway } from "highway-wasm";
import { folder, highway, PROGRAM, start, startServer } from "../support/cli.mjs";
import { checkRejection } from "../support/errors.mjs";

const noUsers = process.platform === "win32" && "Windows has other rights";
const notRoot = process.geteuid?.() !== 0 && "only root can give files away";

const stop = async (server) => {
  server.child.kill("SIGTERM");
  assert.equal((await server.ended).code, 0);
};

describe("a data folder", { skip: noUsers }, () => {
  /** The error of `serve` about it. */
  const refusalOf = async (t, cwd) => {
    const { code, stdout, stderr } = await highway(t, ["serve", "--port", "0"], { cwd });
    assert.deepEqual([code, stdout], [2, ""]);
    return stderr;
  };

  for (const part of ["", "key", "runs", "runs/journal", "work"]) {
    const name = part === "" ? "itself" : `\`${part}\``;
    const make = (t) => {
      const cwd = folder(t);
      const path = join(cwd, ".highway", part);
      mkdirSync(join(cwd, ".highway", "runs"), { recursive: true });
      if (part === "work") mkdirSync(path);
      if (part === "key") writeFileSync(path, "a-key\n");
      if (part === "runs/journal") writeFileSync(path, "");
      return { cwd, path };
    };

    test(`whose ${name} belongs to another user is refused`, { skip: notRoot }, async (t) => {
      const { cwd, path } = make(t);
      chownSync(path, 12345, 12345);
      assert.match(
        await refusalOf(t, cwd),
        /belongs to another user \(uid 12345; this process has 0\)[\s\S]*help: .*data folder/,
      );
    });

    test(`whose ${name} everybody may write to is refused`, async (t) => {
      const { cwd, path } = make(t);
      chmodSync(path, 0o777);
      assert.match(await refusalOf(t, cwd), /everybody may write to `.*`[\s\S]*help: .*o-w/);
    });
  }

  test("reports how many runs it has, and how many of them continue", async (t) => {
    const first = await startServer(t);
    assert.doesNotMatch(first.output.stdout, /kept in .*runs/);
    const at = { endpoint: first.url, apiKey: first.key };
    const over = new Driver(at);
    over.shell("a", "true");
    await over.run();
    const waits = new Driver(at);
    waits.waitFor("later", { event: "never" });
    await waits.start();
    await stop(first);
    const second = await startServer(t, [], { cwd: first.cwd });
    await second.seen(/ kept in .*runs; /);
    assert.ok(
      second.output.stdout.includes(
        `2 runs kept in ${join(first.cwd, ".highway", "runs")}; 1 of them continues\n`,
      ),
    );
    await stop(second);
  });
});

const noMounts =
  spawnSync("unshare", ["--mount", "true"]).status !== 0 &&
  "this user may not mount a file system of its own";

describe("a server whose disk is full", { skip: noMounts }, () => {
  test("says so in every answer and in its health", async (t) => {
    const cwd = folder(t);
    mkdirSync(join(cwd, "data"));
    // The file system belongs to the server and ends with it.
    const script = `mount -t tmpfs -o size=512k,mode=700 none data && exec "$0" "$@"`;
    const program = [process.execPath, PROGRAM, "serve", "--port", "0", "--data", "data", "--key", "a-key"];
    const server = start(t, ["--mount", "sh", "-c", script, ...program], { cwd, file: "unshare" });
    const [, url] = await server.seen(/^listening on (\S+)$/m);
    const client = new Highway({ endpoint: url, apiKey: "a-key", retry: false });
    const submit = (size) =>
      client.workflows.submit({
        workflow: { name: "n", tasks: { a: { task_id: "a", operator_type: "wait", wait_for: "P1D" } } },
        inputs: { text: "x".repeat(size) },
      });
    await submit(10);
    const full = { name: "ApiError", message: /cannot keep the journal: the disk is full/ };
    const error = await checkRejection(submit(600_000), {
      ...full,
      name: "SubmissionError",
      code: "JOURNAL_INVALID",
    });
    assert.equal(error.status, 503);
    await checkRejection(client.workflows.list().toArray(), { ...full, code: "JOURNAL_INVALID" });
    const health = await fetch(`${url}/api/v1/health`);
    const { code, data } = await health.json();
    assert.deepEqual([health.status, code, data.status], [503, "JOURNAL_INVALID", "unhealthy"]);
    const ping = await fetch(`${url}/ping`);
    assert.equal(ping.status, 503);
    await stop(server);
    assert.equal(existsSync(join(cwd, "data", "runs")), false, "nothing was written beside it");
  });
});
