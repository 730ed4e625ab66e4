// A process that waits for a store, prints `in` once it has it, and then writes into its journal until it is killed:
// entries `[{"owner":NAME,"n":N}]`. `node lock-worker.mjs STORE NAME [WAIT]`. A STORE that ends with `.db` is a
// database. Prints `refused CODE MESSAGE` if it does not get the store.
import { pathToFileURL } from "node:url";
import { fileStore, sqliteStore } from "highway-wasm/node";
import Database from "libsql";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const { Journal } = await import(pathToFileURL(inRoot("dist", "esm", "engine", "stores", "journal.js")).href);
const [place, owner, wait = "600"] = process.argv.slice(2);
const options = { wait: Number(wait) };
const store = place.endsWith(".db") ? sqliteStore(new Database(place), options) : fileStore(place, options);
const journal = new Journal(store, {
  failed: ({ code, message }) => {
    console.log(`stopped ${code} ${message}`);
    process.exit(0);
  },
});
try {
  await journal.open(() => {});
} catch ({ code, message }) {
  console.log(`refused ${code} ${message}`);
  process.exit(0);
}
console.log("in");
for (let n = 0; ; n++) {
  await new Promise((release) =>
    journal.keep({ entry: JSON.stringify([{ owner, n }]), wake: undefined, release }),
  );
  await new Promise((resolve) => setTimeout(resolve, 1));
}
