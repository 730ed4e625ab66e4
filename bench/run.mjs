// `npm run bench`: measurements as ratios within one run on one machine, medians of several rounds. Nothing here passes or
// fails; figures are for comparing before and after a change.
import { build } from "../scripts/build.mjs";
import { main } from "../scripts/lib/step.mjs";
import { setup } from "../scripts/setup.mjs";
import { benchClient } from "./client.mjs";
import { benchDefinition } from "./definition.mjs";
import { benchEngine } from "./engine.mjs";
import { benchLayout } from "./layout.mjs";
import { median, row } from "./lib.mjs";
import { benchSimulate } from "./simulate.mjs";

await main(async () => {
  await build(await setup());
  await benchDefinition();
  await benchLayout();
  const { Driver } = await import("highway-wasm");

  /** A layered graph: every task depends on two of the layer before. */
  const define = (driver, count) => {
    for (let at = 0; at < count; at++) {
      const depends = at < 10 ? [] : [`t${at - 10}`, `t${at - 9 - (at % 10 === 9 ? 1 : 0)}`];
      driver.tool(`t${at}`, "bench.noop", { at }, { depends });
    }
    return driver;
  };

  for (const count of [1_000, 10_000]) {
    const document = define(new Driver({ apiKey: "k" }), count).build();
    const stringify = await median(() => JSON.stringify(document));
    const defining = await median(() => define(new Driver({ apiKey: "k" }), count));
    const driver = define(new Driver({ apiKey: "k" }), count);
    console.log(
      `\ndriver, ${count} tasks; 1 = JSON.stringify of the finished document (${stringify.toFixed(2)} ms)`,
    );
    row("define, task by task", defining / stringify, "×");
    row("validate", (await median(() => driver.validate())) / stringify, "×");
    row("build", (await median(() => driver.build())) / stringify, "×");
  }

  await benchEngine();
  await benchSimulate();
  await benchClient();
});
