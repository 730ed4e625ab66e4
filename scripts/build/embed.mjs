// The wasm as text inside a JavaScript module, for the entries that carry it inline. Deflated before base64: plain
// base64 gzips about 29 % larger than the binary, deflated base64 gzips to the binary's own gzip size, which is worth
// the 2 KB (gzip) of the synchronous inflate that undoes it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { withEsbuild } from "../lib/esbuild.mjs";
import { inRoot, readJson } from "../lib/paths.mjs";
import { ifChanged } from "../lib/stamp.mjs";

/** `{variant}_bytes.js`: `deflated` (base64 of the raw deflate stream) and `size` (bytes once inflated). */
export function embed(dir, variant) {
  const file = (suffix) => join(dir, `${variant}_${suffix}`);
  const outputs = [file("bytes.js"), file("bytes.d.ts")];
  return ifChanged(`embed-${variant}`, { inputs: [file("bg.wasm")], outputs }, () => {
    const wasm = readFileSync(file("bg.wasm"));
    const text = deflateRawSync(wasm, { level: 9, memLevel: 9 }).toString("base64");
    writeFileSync(outputs[0], `export const size = ${wasm.length};\nexport const deflated = "${text}";\n`);
    writeFileSync(outputs[1], "export declare const size: number;\nexport declare const deflated: string;\n");
  });
}

const inflateSource = `import { inflateSync } from "fflate";
export const inflate = (data, size) => inflateSync(data, { out: new Uint8Array(size) });
`;
const inflateTypes = `/** Undoes raw deflate synchronously; \`size\` is the length of the result. */
export declare function inflate(data: Uint8Array, size: number): Uint8Array<ArrayBuffer>;
`;

/** `inflate.js`: fflate's inflate alone, as one small module. */
export function writeInflate(dir) {
  const outputs = [join(dir, "inflate.js"), join(dir, "inflate.d.ts")];
  const manifest = inRoot("node_modules", "fflate", "package.json");
  return ifChanged(
    "inflate",
    { inputs: [manifest], extra: inflateSource + inflateTypes, outputs },
    async () => {
      const { version } = readJson(manifest);
      const notice = `/*! fflate ${version} | (c) Arjun Barrett | MIT License, see THIRD-PARTY-LICENSES.txt */`;
      const options = {
        stdin: { contents: inflateSource, resolveDir: inRoot() },
        outfile: outputs[0],
        bundle: true,
        minify: true,
        format: "esm",
        target: "es2022",
        banner: { js: notice },
      };
      await withEsbuild(({ build }) => build(options));
      writeFileSync(outputs[1], inflateTypes);
    },
  );
}
