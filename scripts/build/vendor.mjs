// Libraries that are published with the package. Each becomes a small module in js/src/generated, from the pinned
// version.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withEsbuild } from "../lib/esbuild.mjs";
import { inRoot, readJson } from "../lib/paths.mjs";
import { ifChanged } from "../lib/stamp.mjs";

const libraries = {
  fflate: "(c) Arjun Barrett",
  "eventsource-parser": "(c) Espen Hovlandsdal",
};

const modules = {
  inflate: {
    library: "fflate",
    source: `import { inflateSync } from "fflate";
export const inflate = (data, size) => inflateSync(data, { out: new Uint8Array(size) });
`,
    types: `/** Undoes raw deflate synchronously; \`size\` is the length of the result. */
export declare function inflate(data: Uint8Array, size: number): Uint8Array<ArrayBuffer>;
`,
  },
  // Loaded only when Python functions are uploaded. The date is fixed, so that the same files make the same archive.
  zip: {
    library: "fflate",
    source: `import { strToU8, zipSync } from "fflate";
const mtime = new Date(1980, 0, 1);
export const zip = (files) =>
  zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, [strToU8(text), { mtime }]])));
`,
    types: `/** A zip archive of text files by path; the same files make the same bytes. */
export declare function zip(files: Record<string, string>): Uint8Array<ArrayBuffer>;
`,
  },
  // Loaded only when a run is followed on a server with event streams.
  events: {
    library: "eventsource-parser",
    source: `import { createParser } from "eventsource-parser";
export const eventParser = (onData, maxBufferSize) => {
  let error;
  const parser = createParser({
    onEvent: ({ data }) => onData(data),
    onError: (found) => { if (found.type === "max-buffer-size-exceeded") error = found; },
    maxBufferSize,
  });
  return (chunk) => { parser.feed(chunk); if (error) throw error; };
};
`,
    types: `/** Feeds on the text of an event stream, and gives the data of each event. Throws where one is larger than the limit. */
export declare function eventParser(onData: (data: string) => void, maxBufferSize: number): (chunk: string) => void;
`,
  },
};

/** Names of the modules. */
export const vendored = Object.keys(modules);

/** Writes `{module}.js` and its types. */
export async function writeVendored(dir) {
  for (const [name, { library, source, types }] of Object.entries(modules)) {
    const outputs = [join(dir, `${name}.js`), join(dir, `${name}.d.ts`)];
    const manifest = inRoot("node_modules", library, "package.json");
    await ifChanged(name, { inputs: [manifest], extra: source + types, outputs }, async () => {
      const { version } = readJson(manifest);
      const notice = `/*! ${library} ${version} | ${libraries[library]} | MIT License, see THIRD-PARTY-LICENSES.txt */`;
      const options = {
        stdin: { contents: source, resolveDir: inRoot() },
        outfile: outputs[0],
        bundle: true,
        minify: true,
        format: "esm",
        target: "es2022",
        banner: { js: notice },
      };
      await withEsbuild(({ build }) => build(options));
      writeFileSync(outputs[1], types);
    });
  }
}

/** The text of THIRD-PARTY-LICENSES.txt. */
export function notices() {
  const notice = (library) => {
    const files = vendored.filter((name) => modules[name].library === library);
    const license = readFileSync(inRoot("node_modules", library, "LICENSE"), "utf8");
    return `${library} (${files.map((name) => `generated/${name}.js`).join(", ")})\n\n${license}`;
  };
  return Object.keys(libraries).map(notice).join("\n\n");
}
