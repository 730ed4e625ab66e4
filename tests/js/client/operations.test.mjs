// The table of operations, and `request()`, which reaches all of them and any other operation of a server.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { checkRejection } from "../support/errors.mjs";
import { faultServer, json, silence, text } from "../support/fault-server.mjs";
import { operationOf, recordings } from "../support/wire.mjs";

const operations = JSON.parse(
  readFileSync(new URL("../../fixtures/operations.json", import.meta.url), "utf8"),
);
const keyOf = ([method, path]) => `${method} ${path}`;
const namesIn = (path) => Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);

const refused = (path, more = {}) => ({ name: "ConfigurationError", code: "OPTION_INVALID", path, ...more });
const highwayFor = (server, options) =>
  new Highway({ endpoint: server.url, apiKey: "test-key", retry: false, ...options });

/** A server that answers with the request, in an envelope. */
const echoServer = (t) =>
  faultServer(t, ({ method, url, headers, body }) =>
    json(200, { status: "success", data: { method, url, headers, body } }),
  );

/** Checks that requests are refused before anything is sent. `cases` are `[path of the error, arguments…]`. */
async function checkRefusals(t, cases) {
  const server = await echoServer(t);
  const highway = highwayFor(server);
  for (const [path, ...args] of cases) {
    const outcome = highway.request(...args).then(() => assert.fail(`not refused: ${JSON.stringify(args)}`));
    await checkRejection(outcome, refused(path));
  }
  assert.equal(server.requests.length, 0, "nothing was sent");
}

describe("the table", () => {
  test("168 operations, each once", () => {
    assert.equal(operations.length, 168);
    assert.equal(new Set(operations.map(keyOf)).size, 168);
    for (const [method, path] of operations) {
      assert.match(method, /^(GET|POST|PUT|PATCH|DELETE)$/);
      assert.match(path, /^\/([\w.{}/-]*[\w.}-])?$/, path);
      assert.equal(new Set(namesIn(path)).size, namesIn(path).length, path);
    }
  });

  test("they are those that Highway's own client calls", () => {
    // A recording in which that client calls each method once, with its own values in the paths.
    const { exchanges } = recordings.get("highway-sdk-1.0.1__all_168_empty_data");
    const asked = exchanges.map(({ request }) => keyOf([request.method, operationOf(request)?.template]));
    assert.deepEqual(asked.sort(), operations.map(keyOf).sort());
  });

  test("the types have exactly these", () => {
    const dist = dirname(createRequire(import.meta.url).resolve("highway-wasm/package.json"));
    const linesOf = (name) =>
      readFileSync(join(dist, "esm", "client", "api", `${name}.d.ts`), "utf8").split("\n");
    const declared = ["workflows", "system"].flatMap((name) => {
      const lines = linesOf(`operations-${name}`);
      const start = lines.findIndex((line) => /^export interface \w+Operations \{$/.test(line));
      const end = lines.indexOf("}", start);
      assert.ok(start >= 0 && end > start, name);
      // The members of the interface are indented by one level.
      const members = lines.slice(start + 1, end).filter((line) => /^ {4}[^ /*}]/.test(line));
      return members.map((line) => line.match(/^ {4}"([A-Z]+ \/[^"]*)": \{/)?.[1] ?? line);
    });
    const whole = linesOf("operations");
    const both = "export interface Operations extends WorkflowOperations, SystemOperations {";
    assert.equal(whole[whole.indexOf(both) + 1], "}", "the two together have no operation of their own");
    assert.deepEqual(declared.sort(), operations.map(keyOf).sort());
  });
});

describe("every operation", () => {
  const value = "a/b c+d@ü";
  const encoded = "a%2Fb%20c%2Bd%40%C3%BC";

  test("is reached with its method, path, query, headers and body", async (t) => {
    const server = await echoServer(t);
    const highway = highwayFor(server);
    for (const [index, [method, path]] of operations.entries()) {
      const params = Object.fromEntries(namesIn(path).map((name) => [name, value]));
      const body = method === "GET" ? undefined : { number: index, text: "ä\n" };
      const options = {
        ...(namesIn(path).length > 0 ? { params } : {}),
        query: { text: "x y&z=ü", list: [1, "b"], flag: true, none: undefined, nil: null },
        headers: { "X-Number": `n ${index}` },
        body,
      };
      const data = await highway.request(method, path, options);
      const { headers, ...asked } = data;
      assert.deepEqual(
        asked,
        {
          method,
          url: `${path.replaceAll(/\{\w+\}/g, encoded)}?text=x%20y%26z%3D%C3%BC&list=1&list=b&flag=true`,
          body: body === undefined ? "" : JSON.stringify(body),
        },
        `${method} ${path}`,
      );
      assert.equal(headers["x-number"], `n ${index}`);
      assert.equal(headers["authorization"], "Bearer test-key");
      assert.equal(headers["content-type"], body && "application/json");
      assert.match(headers["accept"], /application\/json/);
      assert.equal(headers["x-idempotency-key"], undefined, "no key that nobody gave");
    }
    assert.equal(server.requests.length, 168);
  });

  test("is not sent while a name in its path has no value", async (t) => {
    const cases = operations.flatMap(([method, path]) =>
      namesIn(path).map((missing) => {
        const others = namesIn(path).filter((name) => name !== missing);
        const params = Object.fromEntries(others.map((name) => [name, "x"]));
        return [`/${missing}`, method, path, { params }];
      }),
    );
    assert.ok(cases.length > 80);
    await checkRefusals(t, cases);
  });
});

describe("parameters of a path", () => {
  const path = "/api/v1/users/{email}/roles/{role}";

  test("values that would lead to another path are refused", async (t) => {
    const values = ["", ".", "..", null, undefined];
    const cases = values.flatMap((wrong) => [
      ["/email", "DELETE", path, { params: { email: wrong, role: "r" } }],
      ["/role", "DELETE", path, { params: { email: "e", role: wrong } }],
    ]);
    await checkRefusals(t, [...cases, ["/email", "DELETE", path, {}], ["/email", "DELETE", path]]);
  });

  test("properties that every object has are no values", async (t) => {
    await checkRefusals(t, [["/toString", "GET", "/api/v1/{toString}", { params: {} }]]);
  });

  test("each stays one segment, whatever it contains", async (t) => {
    const server = await echoServer(t);
    const highway = highwayFor(server);
    for (const email of [
      "../../x",
      "%2e%2e",
      "a?b#c",
      "a\r\nb",
      "a\\..\\b",
      "...",
      " ",
      "💥",
      "%",
      ";x={y}",
    ]) {
      const { url } = await highway.request("DELETE", path, { params: { email, role: 0 } });
      const segments = url.split("/");
      assert.deepEqual(
        [segments.length, decodeURIComponent(segments[4]), segments.slice(5).join("/")],
        [7, email, "roles/0"],
      );
    }
  });
});

describe("options", () => {
  test("an unknown option is refused by name", async (t) => {
    const names = ["param", "bdy", "Query", "method", "retry", "key", "attachment"];
    await checkRefusals(
      t,
      names.map((name) => [`/${name}`, "GET", "/api/v1/workers", { [name]: {} }]),
    );
    await checkRefusals(t, [["", "GET", "/api/v1/workers", null]]);
  });

  test("methods that the API does not have", async (t) => {
    const methods = ["OPTIONS", "TRACE", "CONNECT", "QUERY", "", "GET /", undefined, null, 5];
    await checkRefusals(
      t,
      methods.map((method) => ["/method", method, "/api/v1/workers"]),
    );
  });

  test("paths that do not begin at the root", async (t) => {
    const paths = ["api/v1/workers", "workers", "", "?x", "https://elsewhere.example/", undefined, null, {}];
    await checkRefusals(
      t,
      paths.map((path) => ["/path", "GET", path]),
    );
  });

  test("headers that belong to the client, or could add others", async (t) => {
    const wrong = [
      ["Authorization", "Bearer other"],
      ["authorization", "x"],
      ["AUTHORIZATION", ""],
      ["X-A", "a\r\nX-B: b"],
      ["X-A", "a\nb"],
      ["X-A", "a\rb"],
      ["X-A", "a\0"],
      ["X-A", "ü"],
      ["X-A\r\nX-B", "b"],
      ["X A", "b"],
      ["", "b"],
    ];
    await checkRefusals(
      t,
      wrong.map(([name, content]) => [
        `/headers/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`,
        "POST",
        "/api/v1/schedules/scan",
        { headers: { [name]: content } },
      ]),
    );
  });

  test("a body where HTTP allows none is the caller's mistake, not the network's", async (t) => {
    await checkRefusals(t, [
      ["/body", "GET", "/api/v1/workers", { body: { a: 1 } }],
      ["/body", "HEAD", "/api/v1/workers", { body: { a: 1 } }],
    ]);
  });

  for (const [option, value] of Object.entries({
    expects: "xml",
    query: "status=online",
    headers: "X-A: b",
  })) {
    test(`\`${option}\` of a meaningless type is refused instead of being dropped`, async (t) => {
      await checkRefusals(t, [[`/${option}`, "GET", "/api/v1/workers", { [option]: value }]]);
    });
  }

  test("a value that JSON cannot hold is refused with its path", async (t) => {
    const server = await echoServer(t);
    const highway = highwayFor(server);
    for (const [options, path] of [
      [{ body: { a: [() => 1] } }, "/body/a/0"],
      [{ query: { a: Number.NaN } }, "/query/a"],
      [{ query: new URLSearchParams("a=b") }, "/query"],
    ]) {
      const expected = { name: "ValidationError", code: "VALUE_NOT_JSON", path };
      await checkRejection(highway.request("POST", "/api/v1/schedules/scan", options), expected);
    }
    assert.equal(server.requests.length, 0);
  });

  test("a caller's header replaces the one that the client would send", async (t) => {
    const server = await echoServer(t);
    const headers = { "content-type": "application/merge-patch+json", accept: "application/x-ndjson" };
    const { headers: sent } = await highwayFor(server).request("PATCH", "/api/v1/apps/a", {
      body: {},
      headers,
    });
    assert.equal(sent["content-type"], "application/merge-patch+json");
    assert.equal(sent["accept"], "application/x-ndjson");
  });

  test("bodies that are not objects are sent unchanged, and a missing body is not sent", async (t) => {
    const server = await echoServer(t);
    const highway = highwayFor(server);
    for (const body of [0, false, "", [], {}, "text"]) {
      const sent = await highway.request("POST", "/api/v1/workers/cleanup", { body });
      assert.deepEqual([sent.body, sent.headers["content-type"]], [JSON.stringify(body), "application/json"]);
    }
    const none = await highway.request("POST", "/api/v1/workers/cleanup", { body: undefined });
    assert.deepEqual([none.body, none.headers["content-type"]], ["", undefined]);
  });

  test("a query in the path is combined with the given one; methods have any letter case", async (t) => {
    const server = await echoServer(t);
    const { method, url } = await highwayFor(server).request("delete", "/x?a=1", {
      query: { when: new Date(0), b: "" },
    });
    assert.deepEqual([method, url], ["DELETE", "/x?a=1&when=1970-01-01T00%3A00%3A00.000Z&b="]);
  });
});

describe("other paths", () => {
  test("an unknown operation is sent all the same", async (t) => {
    const server = await echoServer(t);
    const highway = highwayFor(server);
    const trace = await highway.request("GET", "/api/v1/workflows/r/trace", { query: { depth: 2 } });
    assert.deepEqual([trace.method, trace.url], ["GET", "/api/v1/workflows/r/trace?depth=2"]);
    const path = "/api/v1/mcp/servers/{name}";
    const removed = await highway.request("DELETE", path, { params: { name: "a/b" } });
    assert.deepEqual([removed.method, removed.url], ["DELETE", "/api/v1/mcp/servers/a%2Fb"]);
    const put = await highway.request("PUT", "/elsewhere", { body: [1] });
    assert.deepEqual([put.method, put.url, put.body], ["PUT", "/elsewhere", "[1]"]);
  });

  test("HEAD returns nothing", async (t) => {
    const server = await echoServer(t);
    assert.equal(await highwayFor(server).request("HEAD", "/ping"), null);
    assert.equal(server.requests[0].method, "HEAD");
  });

  test("a path can never leave the endpoint", async (t) => {
    const server = await echoServer(t);
    const highway = highwayFor(server);
    for (const path of ["//elsewhere.example/x", "/@elsewhere.example/", "/\\elsewhere.example"]) {
      await highway.request("GET", path);
    }
    assert.equal(server.requests.length, 3, "all of them were asked here");
  });

  test("the embedded engine gets the same requests", async () => {
    const engine = new LocalEngine();
    const highway = new Highway({ engine });
    assert.equal((await highway.request("GET", "/api/v1/health")).status, "healthy");
    const absent = highway.request("GET", "/api/v1/analytics/queues");
    await checkRejection(absent, { name: "ApiError", code: "API_NOT_IMPLEMENTED" });
    const unknown = highway.request("GET", "/api/v1/no/such/path");
    await checkRejection(unknown, { name: "ApiError", code: "API_NOT_FOUND" });
    const registering = highway.workflows.register({ workflow: { name: "w", tasks: {} } });
    await checkRejection(registering, { name: "ApiError", code: "DOCUMENT_INVALID" });
    await engine.close();
  });
});

describe("answers", () => {
  const path = "/api/v1/workflows/{workflow_run_id}/graph";
  const params = { workflow_run_id: "r" };
  const asked = (server, expects) => highwayFor(server).request("GET", path, { params, expects });

  test("data is returned without its envelope, or as it is without one", async (t) => {
    const bodies = [
      [{ status: "success", data: { a: 1 } }, { a: 1 }],
      [{ success: true, data: [1, 2] }, [1, 2]],
      [{ status: "success", success: true, data: null }, null],
      [{ data: "x" }, "x"],
      [
        { a: 1, status: "success" },
        { a: 1, status: "success" },
      ],
      [
        { data: 1, rows: 2 },
        { data: 1, rows: 2 },
      ],
      [
        [1, 2],
        [1, 2],
      ],
      ["text", "text"],
      [0, 0],
    ];
    const server = await faultServer(t, (_, index) => json(200, bodies[index][0]));
    for (const [, data] of bodies) assert.deepEqual(await asked(server), data);
  });

  test("text: text is returned unchanged, JSON as its data", async (t) => {
    const server = await faultServer(t, [
      text(200, 'graph TD\n  ü --> "b"', "text/plain; charset=utf-8"),
      text(200, "<p>page</p>", "text/html"),
      json(200, { status: "success", data: { mermaid: "graph TD" } }),
      text(200, "", "text/plain"),
      text(200, "graph TD"),
    ]);
    assert.equal(await asked(server, "text"), 'graph TD\n  ü --> "b"');
    assert.match(server.requests[0].headers["accept"], /^text\/plain/);
    assert.equal(await asked(server, "text"), "<p>page</p>");
    assert.deepEqual(await asked(server, "text"), { mermaid: "graph TD" });
    assert.equal(await asked(server, "text"), "");
    const invalid = { name: "ApiError", code: "API_RESPONSE_INVALID", message: /not JSON/ };
    await checkRejection(asked(server), invalid);
    await checkRejection(asked(server, "json"), invalid);
  });

  test("bytes: exactly what was sent, including an envelope", async (t) => {
    const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
    const server = await faultServer(t, [
      { status: 200, headers: { "content-type": "application/zip" }, body: bytes },
      json(200, { status: "success", data: 1 }),
      { status: 200, headers: {}, body: "" },
      json(404, { message: "no such artifact" }),
    ]);
    const first = await asked(server, "bytes");
    assert.ok(first instanceof Uint8Array);
    assert.deepEqual(first, bytes);
    const second = await asked(server, "bytes");
    assert.equal(new TextDecoder().decode(second), '{"status":"success","data":1}');
    assert.equal((await asked(server, "bytes")).byteLength, 0);
    const missing = { name: "ApiError", code: "API_NOT_FOUND", message: /no such artifact/ };
    await checkRejection(asked(server, "bytes"), missing);
  });

  test("repeatable allows the repetition of an unsafe request", async (t) => {
    const server = await faultServer(t, (_, index) => json(index % 2 === 0 ? 503 : 200, { n: index }));
    const highway = highwayFor(server, { retry: { delay: 0.01 } });
    const scan = (options) => highway.request("POST", "/api/v1/schedules/scan", options);
    await checkRejection(scan(), { name: "ApiError", code: "API_SERVER_ERROR" });
    server.requests.length = 0;
    assert.deepEqual(await scan({ repeatable: true }), { n: 1 });
    assert.equal(server.requests.length, 2);
    server.requests.length = 0;
    assert.deepEqual(await highway.request("PUT", "/x"), { n: 1 });
  });

  test("a signal and a time limit end a request", async (t) => {
    const server = await faultServer(t, [silence]);
    const highway = highwayFor(server);
    const controller = new AbortController();
    const request = highway.request("GET", "/ping", { signal: controller.signal });
    await server.received(1);
    controller.abort(new Error("mine"));
    const aborted = await checkRejection(request, { name: "AbortedError", code: "ABORTED" });
    assert.equal(aborted.cause.message, "mine");
    const late = { name: "TimeoutError", code: "REQUEST_TIMEOUT" };
    await checkRejection(highway.request("GET", "/ping", { timeout: 0.05 }), late);
  });
});
