// A shell workflow with the tools of Node, from a CommonJS module: two commands that share a directory.
const assert = require("node:assert/strict");
const { existsSync } = require("node:fs");
const { Driver } = require("highway-wasm");
const { LocalEngine } = require("highway-wasm/engine");
const { nodeTools } = require("highway-wasm/node");

async function main() {
  const engine = new LocalEngine({ tools: nodeTools() });
  const driver = new Driver({ engine });
  const write = driver.shell("write", "echo 'one two' > words.txt && pwd");
  const read = driver.shell("read", "cat words.txt", { depends: [write] });
  driver.shell("shout", `echo "${read.result.stdout}!"`, { depends: [read] });
  const result = await driver.run();
  const failing = new Driver({ engine });
  failing.shell("fail", "echo gone >&2; exit 7");
  const failed = await failing.run();
  await engine.close();

  assert.equal(result.state, "completed", String(result.error));
  assert.ok(!existsSync(result.tasks.write.stdout), "the directory of the run is gone");
  const { code, message } = failed.error;
  const { returncode, stderr } = failed.tasks.fail;
  console.log(
    JSON.stringify({ shout: result.tasks.shout.stdout, failed: { code, message, returncode, stderr } }),
  );
}

main();
