// Programs of Python that use a public client of Highway, as its users write them.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { clientPython, whyNoClients } from "../../../scripts/lib/python.mjs";
import { start, startServer } from "../../js/support/cli.mjs";

/** Why there are no tests with a set of packages; false where there are. */
export function skipWithout(set) {
  const reason = whyNoClients();
  if (reason !== undefined) return reason;
  return clientPython(set) === undefined && "not set up: run `node scripts/test.mjs clients`";
}

/**
 * Runs a scenario of a program of this folder: `python program.py scenario`, in a folder of its own, against a server. Gives the
 * JSON that the program writes as its last line.
 */
export async function runClient(t, set, program, scenario, { url, key }, more = {}) {
  // The clients keep state in the current directory.
  const cwd = mkdtempSync(join(tmpdir(), "highway-client-"));
  t.after(() => rmSync(cwd, { recursive: true, force: true }));
  const file = fileURLToPath(new URL(`../${program}`, import.meta.url));
  const env = { HIGHWAY_API_ENDPOINT: url, HIGHWAY_API_KEY: key, PYTHONDONTWRITEBYTECODE: "1", ...more };
  const { ended } = start(t, [file, scenario], { cwd, env, file: clientPython(set), limit: 280_000 });
  const { code, stdout, stderr } = await ended;
  assert.equal(code, 0, `${program} ${scenario}:\n${stdout}${stderr}`);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1));
}

/** What the server itself says: the data of `/api/v1/{path}`. */
export async function ask({ url, key }, path, method = "GET", body = undefined) {
  const response = await fetch(`${url}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer.data;
}

/** A server for all tests of a file, given once they run; it has a folder and a key of its own. */
export function sharedServer(skip) {
  const cleanups = [];
  const shared = {};
  before(async () => {
    if (skip) return;
    const t = { after: (cleanup) => cleanups.push(cleanup) };
    Object.assign(shared, await startServer(t, [], { limit: 280_000 }));
  });
  after(() => {
    for (const cleanup of cleanups.reverse()) cleanup();
  });
  return shared;
}
