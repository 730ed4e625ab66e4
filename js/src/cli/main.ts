#!/usr/bin/env node
/** The program `highway-wasm`. */

import { run } from "./program.js";

// A reader of the output may stop early (`| head`), which is no failure.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

void run(process.argv.slice(2)).then((code) => {
  // A definition may have left timers or servers behind, which would keep the process alive.
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
});
