// Recorded conversations of public clients (`tests/wire`), and the comparison with ours.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { byteServer, uploadOf } from "./byte-server.mjs";

const folder = new URL("../../wire/", import.meta.url);

/** All recordings by name, without `.json`. */
export const recordings = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => [file.slice(0, -5), JSON.parse(readFileSync(new URL(file, folder), "utf8"))]),
);

/** The value of a recorded header. */
const headerOf = ({ headers }, name) => headers.find(([key]) => key.toLowerCase() === name)?.[1];

/** The key of a recording; undefined if no request has one. */
export const credentialOf = ({ exchanges }) =>
  exchanges.map(({ request }) => headerOf(request, "authorization")?.replace(/^Bearer /, "")).find(Boolean);

/** A recorded answer as it was sent. */
export function answerOf({ status, headers, body }) {
  if (typeof body === "string" && /^<\d+ bytes>$/.test(body)) {
    return { status, headers, body: Buffer.alloc(Number.parseInt(body.slice(1), 10), 7) };
  }
  const isText = typeof body === "string" && !headers["Content-Type"]?.includes("json");
  return { status, headers, body: isText ? body : JSON.stringify(body) };
}

/** Requests that our following sends and the recorded clients did not. */
const isOurOwn = ({ method, path }) => method === "GET" && /\/(steps|steps\/logs|stream)$/.test(path);

/**
 * A server that answers with the recorded answers in order. Our additional requests get 404; `asked` are the other
 * requests.
 */
export async function replayServer(t, { exchanges }) {
  const asked = [];
  const server = await byteServer(t, (request) => {
    const exchange = exchanges[asked.length];
    if (isOurOwn(request) && exchange?.request.path !== request.path) {
      return { status: 404, headers: { "content-type": "application/json" }, body: "{}" };
    }
    asked.push(request);
    if (exchange) return answerOf(exchange.response);
    // 418 is an error that is never repeated and that no recording has.
    return { status: 418, headers: {}, body: "nothing more was recorded" };
  });
  return { url: server.url, asked };
}

/** The value with documented differences made equal. */
function comparable(value, other) {
  if (Array.isArray(value)) {
    return value.map((item, index) => comparable(item, Array.isArray(other) ? other[index] : undefined));
  }
  if (typeof value !== "object" || value === null) return value;
  // The recordings do not contain sources. Any text stands for them.
  if ("_omitted" in value) {
    assert.equal(typeof other, "string", `${value._omitted} is text`);
    assert.ok(other.length > 0);
    return other;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, comparable(item, other?.[key])]),
  );
}

/** The recorded body of a submission as this package sends it. */
function submissionOf(recorded, { artifactId }) {
  const { execute, inputs, ...rest } = recorded;
  // `execute` is true by default, and a definition that is only registered has no inputs.
  if (execute === false) return { ...rest, execute };
  const { variables } = rest.workflow_definition ?? {};
  const named = artifactId === undefined ? {} : { _artifact_id: artifactId };
  return { ...rest, inputs: { ...variables, ...inputs, ...named } };
}

/** Compares an upload: its form, its only part, and the names in its archive. */
async function checkUpload(request, [recorded], title) {
  const part = await uploadOf(request);
  const [, name, filename] = recorded.headers.match(/name="([^"]+)"; filename="([^"]+)"/);
  const type = recorded.headers.match(/Content-Type: (\S+)/)[1];
  assert.deepEqual([part.count, part.name, part.type], [1, name, type], title);
  const generated = /^driver_tasks_[a-z0-9_]{8}\.zip$/;
  if (generated.test(filename)) assert.match(part.filename, generated, title);
  else assert.equal(part.filename, filename, title);
  if (recorded.zip_entries) {
    assert.deepEqual(namesInZip(part.bytes).sort(), [...recorded.zip_entries].sort(), title);
  } else assert.equal(part.bytes.byteLength, recorded.len, title);
}

/** The names in the directory of a zip archive. */
export function namesInZip(bytes) {
  const data = Buffer.from(bytes);
  const end = data.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  assert.ok(end >= 0, "no zip archive");
  const names = [];
  let at = data.readUInt32LE(end + 16);
  for (let left = data.readUInt16LE(end + 10); left > 0; left--) {
    const length = data.readUInt16LE(at + 28);
    names.push(data.toString("utf8", at + 46, at + 46 + length));
    at += 46 + length + data.readUInt16LE(at + 30) + data.readUInt16LE(at + 32);
  }
  return names;
}

const operations = JSON.parse(
  readFileSync(new URL("../../fixtures/operations.json", import.meta.url), "utf8"),
);

/** The operation of a recorded request: its path with names, and their values. */
export function operationOf({ method, path }) {
  const fits = operations.flatMap(([known, template]) => {
    const pattern = template.replaceAll(".", "\\.").replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)");
    const found = known === method && path.match(new RegExp(`^${pattern}$`));
    if (!found) return [];
    const values = Object.entries(found.groups ?? {}).map(([name, value]) => [
      name,
      decodeURIComponent(value),
    ]);
    return [{ template, params: Object.fromEntries(values), count: values.length }];
  });
  // A fixed segment takes precedence over a parameter.
  return fits.sort((a, b) => a.count - b.count)[0];
}

/**
 * Compares all requests with the recorded ones. `options.artifactId` is the id that an upload returned and the recorded
 * client lost.
 */
export async function checkRequests({ exchanges }, asked, options = {}) {
  const line = ({ method, path }) => `${method} ${path}`;
  assert.deepEqual(
    asked.map(line),
    exchanges.map(({ request }) => line(request)),
  );
  const keys = new Map();
  for (const [index, { request: recorded }] of exchanges.entries()) {
    const request = asked[index];
    const title = `request ${index + 1}: ${line(request)}`;
    const query = {};
    for (const [name, value] of new URL(request.url, "http://h").searchParams) {
      query[name] = [...(query[name] ?? []), value];
    }
    assert.deepEqual(query, recorded.query, title);
    assert.equal(request.headers["authorization"], headerOf(recorded, "authorization"), title);
    const key = headerOf(recorded, "x-idempotency-key");
    if (key !== undefined) {
      const ours = request.headers["x-idempotency-key"];
      assert.ok(ours, `${title} has a key`);
      // The same request has the same key, another request another one.
      assert.equal(keys.get(key) ?? ours, ours, title);
      keys.set(key, ours);
    }
    const type = headerOf(recorded, "content-type")?.split(";")[0];
    if (recorded.body !== null && type !== undefined) {
      assert.equal(request.headers["content-type"]?.split(";")[0], type, title);
    }
    if (recorded.body?._multipart) await checkUpload(request, recorded.body._multipart, title);
    else checkBody(request, recorded, options, title);
  }
  assert.equal(new Set(keys.values()).size, keys.size, "different requests have different keys");
}

function checkBody(request, recorded, options, title) {
  const text = request.bytes.toString("utf8");
  if (recorded.body === null) {
    // Our cancellation always has a reason. The API accepts it with and without a body.
    if (/\/cancel$/.test(request.path) && text !== "")
      assert.deepEqual(Object.keys(JSON.parse(text)), ["reason"]);
    else assert.equal(text, "", title);
    return;
  }
  const ours = JSON.parse(text);
  // The JSON of a client that declares no media type was recorded as text.
  const body = typeof recorded.body === "string" ? JSON.parse(recorded.body) : recorded.body;
  const isSubmission = recorded.path === "/api/v1/workflows" && !options.isVerbatim;
  const expected = isSubmission ? submissionOf(body, options) : body;
  assert.deepEqual(ours, comparable(expected, ours), title);
}
