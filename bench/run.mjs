// `npm run bench`: measurements as ratios within one run on one machine, medians of several rounds. Nothing here passes or
// fails; figures are for comparing before and after a change.
import { build } from "../scripts/build.mjs";
import { main } from "../scripts/lib/step.mjs";
import { setup } from "../scripts/setup.mjs";
import { benchClient } from "./client.mjs";
import { benchDefinition } from "./definition.mjs";
import { benchEngine } from "./engine.mjs";
import { benchLayout } from "./layout.mjs";
import { benchSimulate } from "./simulate.mjs";

await main(async () => {
  await build(await setup());
  await benchDefinition();
  await benchLayout();
  await benchEngine();
  await benchSimulate();
  await benchClient();
});
