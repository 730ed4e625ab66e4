// The program of the packed tarball as npm installs it: `npx highway-wasm`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { installed, npm, tarball, temporaryFolder } from "./support/package.mjs";

let dir;
before(async () => {
  dir = temporaryFolder("cli");
  writeFileSync(join(dir, "package.json"), JSON.stringify({ name: "a-user", private: true }));
  npm(["install", await tarball()], dir);
});

/** Runs a program in the user's folder. Resolves with `{ code, stdout, stderr }`. */
function run(file, args, { limit = 120_000, onOutput = () => {} } = {}) {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, HIGHWAY_API_KEY: "", HIGHWAY_API_ENDPOINT: "" };
  env.npm_config_offline = "true";
  env.npm_config_update_notifier = "false";
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: dir, env, timeout: limit, killSignal: "SIGKILL", stdio: "pipe" });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
      onOutput(stdout, child);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal, stdout, stderr }));
  });
}

describe("the program of the package", () => {
  it("is found by npx, and prints its version", async () => {
    const { version } = JSON.parse(readFileSync(join(dir, "node_modules/highway-wasm/package.json"), "utf8"));
    const { code, stdout, stderr } = await run("npx", ["--no-install", "highway-wasm", "--version"]);
    assert.deepEqual([code, stdout, stderr], [0, `${version}\n`, ""]);
  });

  it("is an executable file, even if nobody made it one", async () => {
    assert.match(
      readFileSync(join(dir, "node_modules/.bin/highway-wasm"), "utf8"),
      /^#!\/usr\/bin\/env node\n/,
    );
    const { root, manifest } = await installed("cli-unpacked");
    const file = join(root, manifest.bin["highway-wasm"]);
    assert.equal(statSync(file).mode & 0o111, 0o111);
    assert.equal(existsSync(join(root, "cjs", "cli")), false);
    assert.match((await run(file, ["--help"])).stdout, /^Usage: highway-wasm COMMAND/m);
  });

  it("runs a definition in YAML, and a driver of the same package", async () => {
    writeFileSync(
      join(dir, "it.yaml"),
      'name: it\ntasks:\n  one:\n    task_id: one\n    operator_type: task\n    function: tools.shell.run\n    args: ["echo {{inputs.who}}"]\n',
    );
    writeFileSync(
      join(dir, "it.mjs"),
      'import { Driver } from "highway-wasm";\nconst driver = new Driver();\ndriver.shell("one", "echo {{inputs.who}}");\nexport default driver;\n',
    );
    for (const file of ["it.yaml", "it.mjs"]) {
      const bin = join(dir, "node_modules/.bin/highway-wasm");
      const { code, stdout, stderr } = await run(bin, ["run", file, "--json", "-i", "who=Ada"]);
      assert.equal(code, 0, stdout + stderr);
      assert.equal(JSON.parse(stdout).tasks.one.stdout, "Ada");
    }
  });

  it("serves, and stops by a signal", async () => {
    const bin = join(dir, "node_modules/.bin/highway-wasm");
    let health;
    const { code, stdout, stderr } = await run(bin, ["serve", "--port", "0"], {
      onOutput(text, child) {
        const [, url] = /^listening on (\S+)\n.*\nkept in /m.exec(text) ?? [];
        if (url === undefined || health !== undefined) return;
        health = fetch(`${url}/ping`).then(({ status }) => status);
        void health.finally(() => child.kill("SIGTERM"));
      },
    });
    assert.equal(code, 0, stdout + stderr);
    assert.equal(await health, 200);
    assert.equal(statSync(join(dir, ".highway", "key")).mode & 0o777, 0o600);
  });

  it("`serve` of /node is available for import and for require", async () => {
    for (const [name, load] of [
      ["serve.mjs", 'import { serve } from "highway-wasm/node";'],
      ["serve.cjs", 'const { serve } = require("highway-wasm/node");'],
    ]) {
      const source = `${load}
(async () => {
  const server = await serve({ port: 0, key: "a-key-of-this-test" });
  const { status } = await fetch(server.url + "/api/v1/version", { headers: { authorization: "Bearer " + server.key } });
  await server.close();
  console.log(status);
})();`;
      writeFileSync(join(dir, name), source);
      const { code, stdout, stderr } = await run(process.execPath, [name]);
      assert.deepEqual([code, stdout, stderr], [0, "200\n", ""], name);
    }
  });
});
