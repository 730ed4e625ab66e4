// The wasm as text inside a JavaScript module, for the entries that carry it inline. Deflated before base64: plain
// base64 gzips about 29 % larger than the binary, deflated base64 gzips to the binary's own gzip size, which is worth
// the 2 KB (gzip) of the synchronous inflate that undoes it. Deflated by zopfli, which takes seconds and saves another 5 %:
// nobody downstream can, since the text does not get any smaller.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { ifChanged } from "../lib/stamp.mjs";
import { Failure } from "../lib/step.mjs";
import { toolBin } from "../lib/tools.mjs";
import { pinned } from "../lib/versions.mjs";

/** `{variant}_bytes.js`: `deflated` (base64 of the raw deflate stream) and `size` (bytes once inflated). */
export function embed(dir, variant) {
  const file = (suffix) => join(dir, `${variant}_${suffix}`);
  const outputs = [file("bytes.js"), file("bytes.d.ts")];
  const zopfli = join(toolBin("zopfli", pinned.zopfli), "zopfli");
  return ifChanged(`embed-${variant}`, { inputs: [file("bg.wasm")], extra: zopfli, outputs }, async () => {
    const wasm = readFileSync(file("bg.wasm"));
    const copy = inRoot("target", "pack", `${variant}.wasm`);
    writeFileSync(copy, wasm);
    await run(zopfli, [copy], { capture: true });
    // A gzip member without optional fields: ten bytes of header, eight of trailer, between them raw deflate.
    const gzip = readFileSync(`${copy}.gz`);
    if (gzip[3] !== 0) throw new Failure("zopfli wrote a header that was not expected");
    const text = gzip.subarray(10, -8).toString("base64");
    writeFileSync(outputs[0], `export const size = ${wasm.length};\nexport const deflated = "${text}";\n`);
    writeFileSync(outputs[1], "export declare const size: number;\nexport declare const deflated: string;\n");
  });
}
