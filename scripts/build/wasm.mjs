// Rust → js/src/generated: the two artefacts (core, full), each as glue, types, optimised wasm and wasm as text.
// Stages have stamps of their own, so a change that does not reach the core leaves the core's files alone.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { ifChanged } from "../lib/stamp.mjs";
import { step } from "../lib/step.mjs";
import { pinned } from "../lib/versions.mjs";
import { embed, writeInflate } from "./embed.mjs";

export const generated = inRoot("js", "src", "generated");

const variants = { core: ["--no-default-features"], full: [] };

// Named one by one, so that a newer binaryen never emits an instruction that one of our runtimes lacks.
const wasmFeatures = [
  "mutable-globals",
  "sign-ext",
  "nontrapping-float-to-int",
  "bulk-memory",
  "multivalue",
  "reference-types",
];
const wasmOptFlags = [
  "--mvp-features",
  ...wasmFeatures.map((feature) => `--enable-${feature}`),
  "-Oz",
  "--strip-debug",
  "--strip-producers",
  "--strip-target-features",
];

/** cargo and wasm-bindgen, through wasm-pack, into a folder of the target directory. */
async function pack(variant, { env, route }) {
  const out = inRoot("target", "pack", variant);
  const inputs = [inRoot("src"), inRoot("Cargo.toml"), inRoot("Cargo.lock")];
  const extra = JSON.stringify([route.name, route.rustc, env.CARGO_ENCODED_RUSTFLAGS, pinned]);
  await ifChanged(`pack-${variant}`, { inputs, extra, outputs: [out] }, () =>
    step(`compile the ${variant} artefact to wasm`, () => {
      rmSync(out, { recursive: true, force: true });
      // `no-install`: a wasm-bindgen of the right version is on PATH, and wasm-pack may not go looking for another.
      const args = [
        "build",
        "--mode",
        "no-install",
        "--target",
        "web",
        "--release",
        "--no-pack",
        "--out-dir",
        out,
      ];
      return run("wasm-pack", [...args, "--out-name", variant, inRoot(), "--", ...variants[variant]], {
        env,
        capture: true,
      });
    }),
  );
  return out;
}

/** wasm-opt, and copies of what the facade imports. */
async function optimise(variant, packed) {
  const copies = [`${variant}.js`, `${variant}.d.ts`];
  const wasm = `${variant}_bg.wasm`;
  const outputs = [wasm, ...copies].map((file) => join(generated, file));
  await ifChanged(`opt-${variant}`, { inputs: [packed], extra: wasmOptFlags.join(" "), outputs }, () =>
    step(`wasm-opt -Oz ${wasm}`, async () => {
      const wasmOpt = inRoot("node_modules", "binaryen", "bin", "wasm-opt");
      await run(
        process.execPath,
        [wasmOpt, ...wasmOptFlags, join(packed, wasm), "-o", join(generated, wasm)],
        {
          capture: true,
        },
      );
      for (const file of copies) copyFileSync(join(packed, file), join(generated, file));
    }),
  );
}

// What an entry gets when it imports a .wasm file; `?module` is how edge runtimes spell it.
const wasmImports = `declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}
`;

/** Brings js/src/generated up to date; `tools` is what setup() resolved with. */
export async function buildWasm(tools) {
  mkdirSync(generated, { recursive: true });
  const optimised = [];
  // One cargo at a time (they share a target folder); wasm-opt of one artefact runs beside cargo of the next.
  for (const variant of Object.keys(variants)) {
    const packed = await pack(variant, tools);
    optimised.push(optimise(variant, packed).then(() => embed(generated, variant)));
  }
  await Promise.all(optimised);
  await writeInflate(generated);
  writeFileSync(join(generated, "wasm-imports.d.ts"), wasmImports);
}
