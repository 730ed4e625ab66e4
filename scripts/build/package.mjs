// pkg-template + licence + readme + docs → dist, the root of the npm package. The version comes from Cargo.toml.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { inRoot, readJson } from "../lib/paths.mjs";
import { filesIn, ifChanged } from "../lib/stamp.mjs";
import { notices } from "./vendor.mjs";

const dist = inRoot("dist");

// The type of `import wasm from "highway-wasm/core.wasm"`.
const wasmTypes = "declare const module: WebAssembly.Module;\nexport default module;\n";

function writeManifest() {
  const [, version] = readFileSync(inRoot("Cargo.toml"), "utf8").match(/^version = "(.*)"$/m);
  const manifest = { ...readJson(inRoot("pkg-template", "package.json")), version };
  writeFileSync(join(dist, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Links dist into node_modules, so that the demo, the examples and the tests can import the package by its name. */
function link() {
  const name = inRoot("node_modules", "highway-wasm");
  if (existsSync(name) && realpathSync(name) === realpathSync(dist)) return;
  rmSync(name, { recursive: true, force: true });
  symlinkSync(dist, name, "junction");
}

/** Brings the files in dist up to date that are neither JavaScript nor wasm. */
export async function assemble() {
  const texts = [inRoot("LICENSE"), inRoot("pkg-template", "README.md")];
  // How the project writes is of no use to users.
  const docs = filesIn([inRoot("docs")]).filter((file) => basename(file) !== "style.md");
  const inputs = [
    inRoot("pkg-template"),
    inRoot("Cargo.toml"),
    inRoot("package-lock.json"),
    ...texts,
    ...docs,
  ];
  const files = [
    ...docs.map((file) => join("docs", basename(file))),
    "package.json",
    "LICENSE",
    "README.md",
    "THIRD-PARTY-LICENSES.txt",
    "wasm.d.ts",
  ];
  await ifChanged("package", { inputs, outputs: files.map((file) => join(dist, file)) }, () => {
    for (const text of texts) copyFileSync(text, join(dist, basename(text)));
    rmSync(join(dist, "docs"), { recursive: true, force: true });
    mkdirSync(join(dist, "docs"));
    for (const doc of docs) copyFileSync(doc, join(dist, "docs", basename(doc)));
    writeManifest();
    writeFileSync(join(dist, "THIRD-PARTY-LICENSES.txt"), notices());
    writeFileSync(join(dist, "wasm.d.ts"), wasmTypes);
  });
  link();
}
