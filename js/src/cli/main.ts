#!/usr/bin/env node
/** The program `highway-wasm`. */

import { run } from "./program.js";

// Who reads the output may stop to do so (`| head`); that is no failure.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

void run(process.argv.slice(2)).then((code) => {
  // A definition may have left timers or servers of its own behind, which would keep the process alive.
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
});
