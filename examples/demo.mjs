// `npm run demo`: defines, submits and follows workflows on the embedded engine, and checks that all came out as it
// should. Exits with 1 if anything did not.
import assert from "node:assert/strict";
import { Driver } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { nodeTools } from "highway-wasm/node";
import { quickstart } from "./quickstart.mjs";
import { REGIONS, stockReport } from "./stock-report.mjs";
import { printTasks, progressPrinter } from "./support/progress.mjs";
import { EXPECTED_VALUE, startStockService } from "./support/stock-service.mjs";

const engine = new LocalEngine({ tools: nodeTools() });
const service = await startStockService();

try {
  console.log("\n1. The quick start: two shell tasks that share a file\n");
  let result = await quickstart({ engine }).run({ onProgress: progressPrinter() });
  printTasks(result);
  console.log(`\n  ${result.tasks.upload_backup?.stdout?.replaceAll("\n", "\n  ")}\n\n  ${result.status}`);
  assert.equal(result.status, "completed");
  assert.equal(result.tasks.upload_backup.stdout, "backup written\nCREATE TABLE users (id int);");

  console.log("\n2. A report on real input: a flaky server, a fan-out, a delay, a fan-in into Python\n");
  const inputs = { service: service.url, currency: "EUR" };
  result = await stockReport({ engine }).run({ inputs, onProgress: progressPrinter() });
  printTasks(result);
  const report = result.tasks.report?.result?.result;
  console.log(`\n  the service was asked ${service.requests.length} times, twice in vain`);
  console.log(`  report: ${JSON.stringify(report)}\n\n  ${result.status}`);
  assert.equal(result.status, "completed");
  assert.equal(service.requests.length, 3 + REGIONS.length);
  assert.equal(report.value, EXPECTED_VALUE);
  assert.equal(report.currency, "EUR");

  console.log("\n3. What a failure looks like\n");
  const failing = new Driver({ name: "failing", engine });
  failing.shell("compile", "echo 'main.c:3: error: missing ;' >&2; exit 2");
  failing.shell("install", "echo never", { depends: ["compile"] });
  result = await failing.run({ onProgress: progressPrinter() });
  console.log("");
  printTasks(result);
  console.log(`\n  ${result.status}: ${result.error}`);
  assert.equal(result.status, "failed");
  assert.equal(result.tasks.compile.stderr, "main.c:3: error: missing ;");
  assert.equal(result.tasks.install.state, "skipped");

  console.log("\nAll three came out as expected.");
} catch (error) {
  console.error("\nThe demo did not come out as expected:\n", error);
  process.exitCode = 1;
} finally {
  service.close();
  await engine.close();
}
