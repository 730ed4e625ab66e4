// The wasm as text inside a JavaScript module, for the entries that contain it. It is deflated before base64: base64
// text of the plain bytes gzips to 29 % more than the bytes, base64 text of deflated bytes to no more. That is worth
// the 2 KB (gzip) of the synchronous inflate. zopfli deflates it, which takes seconds and saves another 5 %; later
// compression of the text cannot save that.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { ifChanged } from "../lib/stamp.mjs";
import { Failure } from "../lib/step.mjs";
import { toolBin } from "../lib/tools.mjs";
import { pinned } from "../lib/versions.mjs";

/** Writes `{variant}_bytes.js`: `deflated` (base64 of the raw deflate stream) and `size` (bytes once inflated). */
export function embed(dir, variant) {
  const file = (suffix) => join(dir, `${variant}_${suffix}`);
  const outputs = [file("bytes.js"), file("bytes.d.ts")];
  const zopfli = join(toolBin("zopfli", pinned.zopfli), "zopfli");
  return ifChanged(`embed-${variant}`, { inputs: [file("bg.wasm")], extra: zopfli, outputs }, async () => {
    const wasm = readFileSync(file("bg.wasm"));
    const copy = inRoot("target", "pack", `${variant}.wasm`);
    writeFileSync(copy, wasm);
    await run(zopfli, [copy], { capture: true });
    // A gzip member without optional fields: a header of ten bytes, raw deflate, a trailer of eight bytes.
    const gzip = readFileSync(`${copy}.gz`);
    if (gzip[3] !== 0) throw new Failure("zopfli wrote a header that was not expected");
    const text = gzip.subarray(10, -8).toString("base64");
    writeFileSync(outputs[0], `export const size = ${wasm.length};\nexport const deflated = "${text}";\n`);
    writeFileSync(outputs[1], "export declare const size: number;\nexport declare const deflated: string;\n");
  });
}
