// `npm run bench`: measures ratios within one run on one machine, as medians of several rounds. Nothing passes or
// fails; the figures serve to compare the state before and after a change.
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
