// The requests that a proxy passes on: by verb, method and path, at any mount path, in any spelling of the path.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { allowing, answerOf, asking, checkRefusal, greeting, proxyFor, VERBS } from "../support/proxy.mjs";

/** The requests that each verb allows. */
const REQUESTS = {
  submit: ["POST workflows"],
  list: ["GET workflows"],
  status: ["GET workflows/run-1", "GET workflows/run-1/stream"],
  steps: ["GET workflows/run-1/steps", "GET workflows/run-1/steps/send"],
  logs: ["GET workflows/run-1/steps/logs", "GET workflows/run-1/steps/send/logs"],
  events: ["GET workflows/run-1/events"],
  graph: ["GET workflows/run-1/graph", "GET workflows/run-1/graph/dot"],
  query: ["GET workflows/run-1/query"],
  cancel: ["POST workflows/run-1/cancel"],
  retry: ["POST workflows/run-1/retry"],
  signal: ["POST workflows/run-1/signals"],
  update: ["POST workflows/run-1/updates"],
  approve: [
    "GET approvals?workflow_run_id=run-1",
    "POST approvals/key-1/approve",
    "POST approvals/key-1/reject",
  ],
};
const submission = { workflow_definition: greeting, inputs: { to: "Ada" } };
const bodyOf = (line) => (line === "POST workflows" ? submission : line.startsWith("POST") ? {} : undefined);
/** The proxy reads the list in its own pages. */
const upstreamLine = (line) =>
  line.replace(" ", " /api/v1/").replace(/^(GET .*\/workflows)$/, "$1?page=1&page_size=100");
/** Requests that only look up a run or an approval. */
const isLookup = (line) => /^GET \/api\/v1\/(workflows|approvals)\/[^/]+$/.test(line);

describe("verbs", { concurrency: true }, () => {
  test("the table of this file has all of them", () => {
    assert.deepEqual(Object.keys(REQUESTS).sort(), VERBS.toSorted());
  });

  for (const [verb, lines] of Object.entries(REQUESTS)) {
    for (const line of lines) {
      test(`\`${verb}\` allows: ${line}`, async () => {
        const { ask, server } = proxyFor({ allow: allowing([verb]) });
        const answer = await ask(line, { body: bodyOf(line) });
        assert.equal(answer.status, 200, answer.text);
        assert.equal(server.lines.at(-1), upstreamLine(line));
        assert.ok(server.lines.slice(0, -1).every(isLookup), server.lines.join());
      });

      test(`all other verbs together do not: ${line}`, async () => {
        const { ask, server } = proxyFor({ allow: allowing(VERBS.filter((other) => other !== verb)) });
        checkRefusal(await ask(line, { body: bodyOf(line) }), 403, "VERB_NOT_ALLOWED");
        assert.ok(server.lines.every(isLookup), server.lines.join());
        // The run is known by now.
        checkRefusal(await ask(line, { body: bodyOf(line) }), 403, "VERB_NOT_ALLOWED");
      });

      test(`without a verb, nothing: ${line}`, async () => {
        const { ask } = proxyFor({ allow: allowing([]) });
        checkRefusal(await ask(line, { body: bodyOf(line) }), 403, "VERB_NOT_ALLOWED");
      });

      test(`without a workflow, nothing: ${line}`, async () => {
        const { ask, server } = proxyFor({ allow: {} });
        const code = verb === "submit" ? "WORKFLOW_NOT_ALLOWED" : "VERB_NOT_ALLOWED";
        checkRefusal(await ask(line, { body: bodyOf(line) }), 403, code);
        assert.deepEqual(server.lines, []);
      });
    }
  }

  test("a verb of one workflow does not count for another", async () => {
    const allow = { ...allowing(["status"]), other: { verbs: ["status", "cancel"] } };
    const { ask, server } = proxyFor({ allow });
    checkRefusal(await ask("POST workflows/run-1/cancel"), 403, "VERB_NOT_ALLOWED");
    assert.ok(server.lines.every(isLookup));
  });
});

describe("paths that are not in the table", { concurrency: true }, () => {
  const folder = new URL("../../../js/src/client/api/", import.meta.url);
  const text = ["workflows", "system"].map((of) =>
    readFileSync(new URL(`operations-${of}.ts`, folder), "utf8"),
  );
  const operations = Array.from(
    text.join("").matchAll(/^ {2}"([A-Z]+ \/[^"]*)"/gm),
    ([, operation]) => operation,
  );
  const known = new Set(
    Object.values(REQUESTS)
      .flat()
      .map((line) => upstreamLine(line).split("?")[0]),
  );
  const filled = (line) =>
    line.replace(/\{(\w+)\}/g, (_, name) => ({ step_name: "send", approval_key: "key-1" })[name] ?? "run-1");

  test("no other operation of the API reaches the server", async () => {
    const { ask, server } = proxyFor();
    const all = operations.map(filled);
    // The API reference lacks the stream, which a server may offer.
    assert.deepEqual(
      [...known].filter((line) => !all.includes(line)),
      ["GET /api/v1/workflows/run-1/stream"],
    );
    const others = all.filter((line) => !known.has(line));
    assert.ok(others.length > 140, `${others.length}`);
    for (const line of others) checkRefusal(await ask(line, { body: bodyOf(line) }), 404, "NOT_FOUND");
    assert.deepEqual(server.lines, []);
  });

  test("no other method of a known path reaches the server", async () => {
    const { ask, server } = proxyFor();
    for (const line of known) {
      const [method, path] = line.split(" ");
      const others = ["PUT", "PATCH", "DELETE", "HEAD", "patch", "X"].filter((other) => other !== method);
      for (const other of others) {
        const { status, text } = await ask(`${other} ${path}`);
        assert.equal(status, 404, `${other} ${path}: ${text}`);
      }
    }
    assert.deepEqual(server.lines, []);
  });

  test("no other word below workflows is read as the id of a run", async () => {
    const { ask, server } = proxyFor();
    const words = ["stats", "schedules", "by-hash", "definitions", "%73tats", "st%61ts", "definition%73"];
    for (const word of words) {
      for (const line of [`GET workflows/${word}`, `GET workflows/${word}/`, `POST workflows/${word}/cancel`])
        checkRefusal(await ask(line), 404, "NOT_FOUND");
    }
    assert.deepEqual(server.lines, []);
  });

  for (const path of [
    "/",
    "/api/v1",
    "/api/v1/",
    "/api/v1//workflows",
    "/api/v1/workflows//",
    "/api/v1/workflows//run-1",
    "/api/v1/workflows/run-1//",
    "/api/v1/workflows/run-1//steps",
    "/api/v2/workflows",
    "/API/v1/workflows",
    "/api/v1/Workflows",
    "/api/v1/%77orkflows",
    "/api%2Fv1/workflows",
    "/api/v1%2Fworkflows",
    "/api/v1/workflows%2Frun-1",
    "/api/v1/workflows/run-1/STEPS",
    "/api/v1/workflows/run-1/step%73",
    "/api/v1/workflows/run-1/steps%2Flogs",
    "/api/v1/workflows/run-1/steps/send/LOGS",
    "/api/v1/workflows/run-1/steps/send/log%73",
    "/api/v1/workflows/%",
    "/api/v1/workflows/%zz",
    "/api/v1/workflows/%ff",
    "/api/v1/workflows/%C0%AF",
    "/api/v1/workflows/%2e%2e/admin",
    "/api/v1/workflows/run-1/%2e%2e/%2e%2e/%2e%2e/%2e%2e/admin/users",
    "/api/v1/workflows/run-1/../../artifacts",
    "/api/v1/workflows/run-1/steps/send/logs/more",
    "/api/v1/workflows;x/run-1",
    "/workflows",
    "/admin",
  ]) {
    test(`not this one: ${path}`, async () => {
      const { ask, server } = proxyFor();
      checkRefusal(await ask(`GET ${path}`), 404, "NOT_FOUND");
      assert.deepEqual(server.lines, []);
    });
  }
});

describe("the same path in another spelling", { concurrency: true }, () => {
  test("a method in mixed case, which the runtime normalizes, and one slash at the end", async () => {
    const { ask, server } = proxyFor();
    for (const line of ["get workflows/run-1", "GeT workflows/run-1/"]) {
      assert.equal((await ask(line)).status, 200);
      assert.equal(server.lines.at(-1), "GET /api/v1/workflows/run-1");
    }
    assert.equal((await ask("pOsT workflows/", { body: submission })).status, 200);
    assert.equal(server.lines.at(-1), "POST /api/v1/workflows");
  });

  for (const [id, sent] of [
    ["a%20b", "a%20b"],
    ["gr%C3%B6%C3%9Fe", "gr%C3%B6%C3%9Fe"],
    ["größe", "gr%C3%B6%C3%9Fe"],
    ["%72un-1", "run-1"],
    ["a+b", "a%2Bb"],
    ["a%3Fb%23c", "a%3Fb%23c"],
    ["a%26b=c", "a%26b%3Dc"],
    ["%252e%252e", "%252e%252e"],
    ["a%252Fb", "a%252Fb"],
    ["...", "..."],
    ["*", "*"],
    ["a;b", "a%3Bb"],
    ["a:b@c", "a%3Ab%40c"],
    ["stats%20", "stats%20"],
  ]) {
    test(`an id stays unchanged: ${id}`, async () => {
      const { ask, server } = proxyFor();
      for (const line of [
        "GET workflows/ID/events",
        "POST workflows/ID/cancel",
        "GET workflows/r/steps/ID",
      ]) {
        assert.equal((await ask(line.replace("ID", id))).status, 200);
        assert.equal(server.lines.at(-1), upstreamLine(line.replace("ID", sent)));
      }
    });
  }

  // The server decodes a path before it reads it: `/steps/%6Cogs` is `/steps/logs`.
  for (const path of ["steps/%6Cogs", "steps/log%73", "steps/%6c%6f%67%73"]) {
    test(`no name of a step turns it into another verb: ${path}`, async () => {
      const { ask, server } = proxyFor({ allow: allowing(["status", "steps"]) });
      const { status, text } = await ask(`GET workflows/run-1/${path}`);
      assert.ok(
        !server.lines.some((line) => decodeURIComponent(line).endsWith("/steps/logs")),
        server.lines.join(),
      );
      assert.ok(status === 403 || status === 404, text);
    });
  }

  // Servers behind WSGI and ASGI see a slash in place of `%2F`: one segment here is two there.
  for (const line of [
    "GET workflows/run-1%2Fcheckpoints",
    "GET workflows/run-1%2fsteps%2Flogs",
    "GET workflows/definitions%2Fd-1",
    "GET workflows/..%2F..%2F..%2Fadmin",
    "GET workflows/%2e%2e%2f%2e%2e%2fadmin",
    "GET workflows/run-1/steps/..%2F..%2Fother-run",
    "GET workflows/run-1/steps/send%2Fcheckpoints",
    "POST workflows/run-1%2Fsimulate/cancel",
    "POST approvals/..%2Fworkflows%2Fother-run/approve",
    "GET workflows/%2F",
    "GET workflows/a%5Cb",
    "GET workflows/..%5C..%5Cadmin",
    "POST approvals/a%5cb/approve",
    "GET workflows/run-1/steps/a%00b",
    "GET workflows/run-1%0A",
    "GET workflows/run-1%0D%0Ax:%20y/events",
    "GET workflows/%7F",
    "GET workflows/%C2%85",
  ]) {
    test(`no slash, and nothing that is not text, is hidden in an id: ${line}`, async () => {
      const { ask, server } = proxyFor({ allow: allowing(["status", "steps", "cancel", "approve"]) });
      checkRefusal(await ask(line), 404, "NOT_FOUND");
      assert.deepEqual(server.lines, []);
    });
  }
});

describe("mounting", { concurrency: true }, () => {
  for (const mount of ["", "/", "/highway", "/highway/", "/a/b/c", "/api/v1", "/%20x", "/highway/api/v1/x"]) {
    test(`at "${mount}"`, async () => {
      const { proxy, server } = proxyFor();
      const ask = asking(proxy, `https://app.example${mount.replace(/\/$/, "")}`);
      const at = (line) => line.replace(" ", ` ${mount.replace(/\/$/, "")}/api/v1/`);
      for (const line of ["GET workflows/run-1", "GET workflows/run-1/steps", "GET workflows"]) {
        assert.equal((await asking(proxy)(at(line))).status, 200);
        assert.equal(server.lines.at(-1), upstreamLine(line));
      }
      checkRefusal(await ask("GET artifacts"), 404, "NOT_FOUND");
    });
  }

  test("an id before the last `/api/v1/` is ignored", async () => {
    const { ask, server } = proxyFor();
    await ask("GET workflows/run-2/steps/api/v1/workflows/run-1/events");
    assert.deepEqual(server.lines, ["GET /api/v1/workflows/run-1", "GET /api/v1/workflows/run-1/events"]);
  });

  test("neither the host nor the port of the page's address has an effect", async () => {
    const { proxy, server } = proxyFor();
    for (const base of ["http://evil.example", "https://[::1]:8443", "http://app.example:81"])
      await asking(proxy, base)("GET workflows/run-1");
    assert.deepEqual([...new Set(server.seen.map(({ origin }) => origin))], ["http://highway.test"]);
  });

  test("the server gets the key, and nothing of the page: no cookie, no authorization, no origin", async () => {
    const { ask, server } = proxyFor();
    const headers = {
      authorization: "Bearer of-the-page",
      cookie: "session=1",
      origin: "https://app.example",
      referer: "https://app.example/secret",
      "x-forwarded-for": "10.0.0.1",
      "x-http-method-override": "DELETE",
      "x-idempotency-key": "order-17",
      "content-type": "text/plain",
      "x-tenant": "other",
    };
    await ask("GET workflows/run-1/events", { headers });
    await ask("POST workflows", { headers, body: submission });
    for (const { method, headers } of server.seen) {
      const names = [
        "accept",
        "authorization",
        ...(method === "POST" ? ["content-type", "x-idempotency-key"] : []),
      ];
      assert.deepEqual([...headers.keys()].sort(), names);
      assert.equal(headers.get("authorization"), "Bearer hw_k1_s3cr3t-of-the-server");
    }
    const { headers: sent } = server.seen.at(-1);
    assert.equal(sent.get("x-idempotency-key"), "greeting:order-17");
    assert.equal(sent.get("content-type"), "application/json");
  });

  test("the query of a page is passed on", async () => {
    const { ask, server } = proxyFor({}, answerOf);
    await ask("GET workflows/run-1/query?variable=x%26y&all=true");
    assert.equal(server.lines.at(-1), "GET /api/v1/workflows/run-1/query?variable=x%26y&all=true");
  });
});
