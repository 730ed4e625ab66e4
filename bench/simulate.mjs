// Simulations of whole schedules, in milliseconds.
import { median, row } from "./lib.mjs";

export async function benchSimulate() {
  const { Driver } = await import("highway-wasm");
  const { simulate } = await import("highway-wasm/engine");
  const driver = new Driver({ name: "report" });
  driver.tool("fetch", "report.fetch", {}, { retries: 2, retryDelay: 60 });
  driver.tool(
    "render",
    "report.render",
    { of: "{{fetch_result.rows}}" },
    { depends: "fetch", delay: "PT5M" },
  );
  driver.tool("send", "report.send", {}, { depends: "render" });
  const definition = {
    ...driver.build({ timeout: "PT1H" }),
    schedule: "*/15 * * * *",
    max_active_runs: 10,
  };
  const fetch = [new Error("busy"), { result: { rows: 3 }, delay: 20 }];
  const tools = { fetch, render: { result: {}, delay: 40 }, send: {} };
  const options = { at: "2030-01-01T00:00:00Z", for: "P3D", tools };
  const { runs, timeline } = await simulate(definition, options);
  console.log(
    `\nsimulation, three days of a schedule: ${runs.length} runs, ${timeline.length} attempts and waits`,
  );
  const whole = await median(() => simulate(definition, options), 15);
  row("simulate", whole, "ms");
  row("the same, per attempt or wait", (whole / timeline.length) * 1000, "µs");
}
