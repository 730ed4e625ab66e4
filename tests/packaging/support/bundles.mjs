// Bundles of programs that use the installed package.
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build, stop } from "esbuild";

/** Bundles source text, or the file `entry`, in the folder where the package is installed. */
export async function bundle(dir, { source, entry, ...options }) {
  const from =
    source === undefined
      ? { entryPoints: [join(dir, entry)] }
      : { stdin: { contents: source, resolveDir: dir } };
  const { outputFiles, metafile, warnings } = await build({
    ...from,
    absWorkingDir: dir,
    bundle: true,
    format: "esm",
    target: "es2022",
    outdir: join(dir, "out"),
    write: false,
    metafile: true,
    logLevel: "silent",
    ...options,
  });
  const externals = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external).map(({ path }) => path),
  );
  const files = outputFiles.map(({ path, contents }) => ({ path, contents: Buffer.from(contents) }));
  return { text: outputFiles.find(({ path }) => path.endsWith(".js"))?.text, files, externals, warnings };
}

export { stop };

/** A part of the text of an embedded module, to count its copies. */
export function payload(root, variant) {
  const text = readFileSync(join(root, "esm", "generated", `${variant}_bytes.js`), "utf8");
  return /deflated = "(?:.{1000})(.{200})/.exec(text)[1];
}

/** How often a text occurs in another. */
export const copies = (text, piece) => text.split(piece).length - 1;
