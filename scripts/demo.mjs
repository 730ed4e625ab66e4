// `npm run demo`: from a bare machine to a completed workflow. Sets up, builds what changed, runs examples/demo.mjs.

import { build } from "./build.mjs";
import { inRoot } from "./lib/paths.mjs";
import { tryRun } from "./lib/run.mjs";
import { main } from "./lib/step.mjs";
import { setup } from "./setup.mjs";

await main(async () => {
  await build(await setup());
  const { code } = await tryRun(process.execPath, [inRoot("examples", "demo.mjs"), ...process.argv.slice(2)]);
  process.exitCode = code;
});
