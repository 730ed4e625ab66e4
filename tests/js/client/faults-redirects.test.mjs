// Redirects: followed within the origin, never beyond it, and with exactly the request's own content.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Highway } from "highway-wasm";
import { checkRejection, textsOf } from "../support/errors.mjs";
import { driverFor, faultServer, json, text } from "../support/fault-server.mjs";
import { watchProcess } from "../support/quiet.mjs";

const checkLeftovers = watchProcess();

const redirected = (more = {}) => ({ name: "ApiError", code: "API_REDIRECTED", ...more });
const refused = { name: "SubmissionError", code: "API_REDIRECTED" };
const running = json(200, { status: "running" });
const accepted = json(201, { workflow_run_id: "run-1" });
const to = (location, status = 302, body = "") => text(status, body, "text/html", { location });
const paths = ({ requests }) => requests.map(({ method, url }) => `${method} ${url}`);
const statusPath = "GET /api/v1/workflows/r";

describe("within the origin", { concurrency: true }, () => {
  test("a call that reads follows every kind, with its credential", async (t) => {
    for (const status of [301, 302, 303, 307, 308]) {
      const server = await faultServer(t, [to("/moved?to=here", status), running]);
      assert.equal((await driverFor(server).status("r")).state, "running");
      assert.deepEqual(paths(server), [statusPath, "GET /moved?to=here"]);
      assert.deepEqual(
        server.requests.map(({ headers }) => headers.authorization),
        ["Bearer test-key", "Bearer test-key"],
      );
    }
  });

  test("a Location is relative to the address of the request, also the second time", async (t) => {
    const where = { 0: "../a/b", 1: "c?d=e", 2: "?f", 3: "//HOST/g", 4: "http://HOST/h#part" };
    const server = await faultServer(t, ({ headers }, index) =>
      where[index] ? to(where[index].replace("HOST", headers.host)) : running,
    );
    assert.equal((await driverFor(server).status("r")).state, "running");
    assert.deepEqual(paths(server), [
      statusPath,
      "GET /api/v1/a/b",
      "GET /api/v1/a/c?d=e",
      "GET /api/v1/a/c?f",
      "GET /g",
      "GET /h",
    ]);
  });

  test("the scheme and the host may have any letter case", async (t) => {
    const server = await faultServer(t, ({ headers }, index) =>
      index === 0 ? to(`HTTP://${headers.host.toUpperCase()}/moved`) : running,
    );
    assert.equal((await driverFor(server).status("r")).state, "running");
  });

  test("307 and 308 of a submission keep its method, its body and its key", async (t) => {
    for (const status of [307, 308]) {
      const server = await faultServer(t, [to("/moved", status), text(503, ""), accepted]);
      const driver = driverFor(server, { retry: { delay: 0.005 } });
      const inputs = { text: "✓".repeat(1000) };
      assert.equal((await driver.start({ inputs, workflowId: "w-1" })).runId, "run-1");
      const moved = "POST /moved";
      assert.deepEqual(paths(server), ["POST /api/v1/workflows", moved, moved]);
      const [first, ...others] = server.requests;
      assert.deepEqual(first.json.inputs, inputs);
      for (const { headers, body } of others) {
        assert.equal(body, first.body);
        for (const name of ["x-idempotency-key", "content-type", "authorization", "accept"]) {
          assert.equal(headers[name], first.headers[name], name);
        }
      }
      assert.equal(first.headers["x-idempotency-key"], "w-1");
    }
  });

  test("307 for an unsafe request sends it to its new address, once", async (t) => {
    const server = await faultServer(t, [to("/moved", 307), text(503, "")]);
    const error = await checkRejection(driverFor(server).handle("r").signal("go", { n: 1 }), {
      name: "ApiError",
      code: "API_SERVER_ERROR",
    });
    assert.equal(error.details.attempts, 1);
    assert.deepEqual(paths(server), ["POST /api/v1/workflows/r/signals", "POST /moved"]);
    assert.equal(server.requests[0].body, server.requests[1].body);
  });

  test("308 for an upload sends the archive again", async (t) => {
    const server = await faultServer(t, [to("/moved", 308), json(200, { artifact_id: "a-1" })]);
    const highway = new Highway({ endpoint: server.url, apiKey: "k" });
    assert.equal(await highway.artifacts.upload(new Uint8Array([80, 75, 3, 4])), "a-1");
    assert.ok(server.requests[1].body.includes("PK\x03\x04"));
  });

  for (const status of [301, 302, 303]) {
    test(`${status} for a request that changes something is refused, because it would change its method`, async (t) => {
      const server = await faultServer(t, [to("/moved", status)]);
      const driver = driverFor(server);
      await checkRejection(driver.start(), refused);
      await checkRejection(driver.run(), refused);
      await checkRejection(driver.cancel("r"), redirected());
      await checkRejection(driver.handle("r").signal("go"), redirected());
      const highway = new Highway({ endpoint: server.url, apiKey: "k" });
      await checkRejection(highway.schedules.delete("s"), redirected());
      assert.equal(server.requests.length, 5);
      assert.ok(server.requests.every(({ url }) => url !== "/moved"));
    });
  }

  test("a circle, and an endless chain", async (t) => {
    const circle = await faultServer(t, ({ path }) =>
      to(path.endsWith("/r") ? "/other" : "/api/v1/workflows/r"),
    );
    await checkRejection(driverFor(circle).status("r"), redirected({ help: /circle/ }));
    assert.equal(circle.requests.length, 6);
    const chain = await faultServer(t, (_, index) => to(`/hop-${index}`, 307));
    await checkRejection(driverFor(chain).status("r"), redirected({ help: /circle/ }));
    await checkRejection(driverFor(chain).start(), { ...refused, help: /circle/ });
    assert.equal(chain.requests.length, 12);
  });

  test("five in a row are followed", async (t) => {
    const server = await faultServer(t, (_, index) => (index < 5 ? to(`/hop-${index}`) : running));
    assert.equal((await driverFor(server).status("r")).state, "running");
  });

  test("the body of a redirect is not awaited", async (t) => {
    const server = await faultServer(t, (_, index) =>
      index === 0 ? to("/moved", 302, "x".repeat(5_000_000)) : running,
    );
    const driver = driverFor(server, { maxResponseSize: 1000 });
    assert.equal((await driver.status("r")).state, "running");
  });

  test("while a run is followed", async (t) => {
    const server = await faultServer(t, ({ path }) =>
      path.startsWith("/moved") ? json(200, { status: "completed", steps: [] }) : to(`/moved${path}`),
    );
    assert.equal((await driverFor(server).handle("r").result()).state, "completed");
  });

  test("the limit of a call applies to all of them together", async (t) => {
    const server = await faultServer(t, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return to(`/hop-${index}`);
    });
    await checkRejection(driverFor(server).status("r", { timeout: 0.25 }), {
      name: "TimeoutError",
      code: "REQUEST_TIMEOUT",
    });
  });
});

describe("to another origin", { concurrency: true }, () => {
  /** Checks that no call follows a redirect to another server, which gets no request. */
  async function checkStays(t, locationOf, shown) {
    const other = await faultServer(t, [running]);
    const location = locationOf(new URL(other.url).port);
    for (const status of [301, 302, 303, 307, 308]) {
      const server = await faultServer(t, [to(location, status)]);
      const driver = driverFor(server, { apiKey: "hw_k1_the-key" });
      const error = await checkRejection(driver.status("r"), redirected({ help: /credential/ }));
      assert.equal(error.status, status);
      if (shown !== undefined) assert.equal(error.details.location, shown(other.url));
      await checkRejection(driver.start(), refused);
      await checkRejection(driver.handle("r").signal("go"), redirected());
      await checkRejection(driver.handle("r").result(), redirected());
      assert.equal(server.requests.length, 4, "nothing is repeated");
      assert.doesNotMatch(JSON.stringify(error), /the-key|secret/);
      assert.ok(!/the-key|secret/.test(await textsOf(error)));
    }
    assert.equal(other.requests.length, 0);
  }

  test("of another port", (t) =>
    checkStays(
      t,
      (port) => `http://127.0.0.1:${port}/api/v1/workflows/r?token=secret`,
      (url) => url,
    ));
  test("without a scheme", (t) => checkStays(t, (port) => `//127.0.0.1:${port}/`));
  test("of another name for the same host", (t) => checkStays(t, (port) => `http://localhost:${port}/`));
  test("of another scheme", (t) => checkStays(t, (port) => `https://127.0.0.1:${port}/`));
  test("written with backslashes", (t) => checkStays(t, (port) => `\\\\127.0.0.1:${port}\\`));
  test("behind a user name", (t) => checkStays(t, (port) => `http://h@127.0.0.1:${port}/`));
  test("to data, file or javascript", async (t) => {
    for (const location of ["data:application/json,{}", "file:///etc/passwd", "javascript:alert(1)"]) {
      await checkStays(t, () => location);
    }
  });

  test("a user name before the own origin is not sent", async (t) => {
    const server = await faultServer(t, ({ headers }) => to(`http://user:secret@${headers.host}/`));
    await checkRejection(driverFor(server).status("r"), redirected());
    assert.equal(server.requests.length, 1);
  });

  test("a password in a Location is not shown", async (t) => {
    for (const location of ["http://user:secret@login.example/", "https://secret@login.example/?a=b"]) {
      const server = await faultServer(t, [to(location)]);
      const error = await checkRejection(
        driverFor(server).status("r"),
        redirected({ message: /login\.example/ }),
      );
      assert.ok(!(await textsOf(error)).includes("secret"), error.message);
    }
  });

  test("after one within the origin", async (t) => {
    const other = await faultServer(t, [running]);
    const server = await faultServer(t, [to("/moved"), to(`${other.url}/`)]);
    await checkRejection(driverFor(server).status("r"), redirected());
    assert.deepEqual([server.requests.length, other.requests.length], [2, 0]);
  });
});

describe("without a target", { concurrency: true }, () => {
  const nowhere = { message: /redirects, without saying where to$/ };
  for (const [what, answer] of [
    ["no Location", text(302, "")],
    ["300 without Location", json(300, { choices: [] })],
    ["304 that nobody asked for", { status: 304, headers: {} }],
  ]) {
    test(what, async (t) => {
      const server = await faultServer(t, [answer]);
      const driver = driverFor(server);
      const error = await checkRejection(driver.status("r"), redirected(nowhere));
      assert.equal(error.details.location, undefined);
      await checkRejection(driver.start(), { ...refused, ...nowhere });
      assert.equal(server.requests.length, 2);
    });
  }

  test("a Location that is not an address", async (t) => {
    for (const location of ["http://", "http://[", "http://127.0.0.1:99999/", "https://:80"]) {
      const server = await faultServer(t, [to(location)]);
      await checkRejection(driverFor(server).status("r"), redirected());
      assert.equal(server.requests.length, 1);
    }
  });

  test("an empty Location is the same address, and so a circle", async (t) => {
    const server = await faultServer(t, [to("")]);
    await checkRejection(driverFor(server).status("r"), redirected({ help: /circle/ }));
    assert.equal(server.requests.length, 6);
  });
});

checkLeftovers();
