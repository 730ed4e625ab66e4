// The key of a client appears in nothing that can be shown, whatever a server sends.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, test } from "node:test";
import { inspect } from "node:util";
import { Driver, Highway } from "highway-wasm";
import { LocalEngine } from "highway-wasm/engine";
import { checkRejection, checkThrown, rejectionOf, textsOf } from "../support/errors.mjs";
import { driverFor, faultServer, json, text } from "../support/fault-server.mjs";
import { watchProcess } from "../support/quiet.mjs";
import { chunk, chunked, head, rawServer, whole } from "../support/raw-server.mjs";

const checkLeftovers = watchProcess();

const KEY = "hw_k1_5ecret-0123456789abcdef-Z";
const once = { apiKey: KEY, retry: false };

// Everything that is written to the console meanwhile.
const logged = [];
for (const name of ["log", "info", "warn", "error", "debug"]) {
  const write = console[name];
  console[name] = (...values) => {
    logged.push(inspect(values, { depth: 20 }));
    write.apply(console, values);
  };
  after(() => {
    console[name] = write;
  });
}

/** The ways in which a value shows a secret, or a part of it that is long enough to identify it. */
async function shownBy(value, secret = KEY, part = 12) {
  const ways = {
    inspect: inspect(value),
    "inspect in depth": inspect(value, { depth: 20, showHidden: true }),
    text: String(value),
    JSON: JSON.stringify(value),
    "own properties": inspect(Reflect.ownKeys(value).map((key) => value[key])),
  };
  try {
    ways.structuredClone = inspect(structuredClone(value), { depth: 20, showHidden: true });
  } catch {
    // A value that cannot be cloned shows nothing that way.
  }
  if (value instanceof Error) ways.texts = await textsOf(value);
  return Object.keys(ways).filter((way) => ways[way]?.includes(secret.slice(0, part)));
}

/** Checks that an error and all its causes do not show a secret. */
async function checkHides(error, what, ...secrets) {
  assert.ok(error instanceof Error, what);
  for (const secret of secrets.length > 0 ? secrets : [KEY]) {
    const ways = await shownBy(error, secret);
    assert.deepEqual(ways, [], `${what}: ${error.code} shows it by ${ways}`);
  }
}

describe("objects", { concurrency: true }, () => {
  const fetch = async () => Response.json({ workflow_run_id: "r", status: "completed", workflows: [] });
  const options = { endpoint: "http://h", apiKey: KEY, fetch };
  const driver = new Driver(options);
  driver.shell("a", "true");
  const highway = new Highway(options);

  for (const [what, make] of Object.entries({
    "a driver": () => driver,
    "a run handle": () => driver.handle("r"),
    "a handle of a submission": () => driver.start(),
    "a list of runs": () => driver.list(),
    "a watch": () => driver.handle("r").watch(),
    "a result": () => driver.run(),
    "a status": () => driver.status("r"),
    "a client": () => highway,
    "a part of a client": () => highway.workflows,
    "a list of a part": () => highway.logs.workflows(),
  })) {
    test(`${what} does not show the key`, async () => {
      assert.deepEqual(await shownBy(await make()), []);
    });
  }

  test("none shows a key from the environment or a function", async () => {
    process.env.HIGHWAY_API_KEY = KEY;
    const before = new Driver({ endpoint: "http://h", fetch });
    delete process.env.HIGHWAY_API_KEY;
    const given = new Driver({ endpoint: "http://h", fetch, auth: () => KEY });
    for (const one of [before, given]) {
      await one.status("r");
      assert.deepEqual(await shownBy(one), []);
    }
    const client = new Highway({ endpoint: "http://h", fetch, auth: () => KEY });
    await client.system.version();
    assert.deepEqual(await shownBy(client), []);
  });
});

describe("a server that repeats the key", { concurrency: true }, () => {
  /** One call of each kind, with its error. */
  const calls = {
    status: (driver) => driver.status("r"),
    start: (driver) => driver.start(),
    run: (driver) => driver.run(),
    result: (driver) => driver.handle("r").result({ timeout: 5 }),
    steps: (driver) => driver.handle("r").steps(),
    signal: (driver) => driver.handle("r").signal("go"),
    "a list": (_, highway) => highway.schedules.list(),
    retry: (_, highway) => highway.workflows.retry("r"),
    graph: (_, highway) => highway.workflows.graph("r"),
    upload: (_, highway) => highway.artifacts.upload(new Uint8Array(4)),
    request: (_, highway) => highway.request("GET", "/api/v1/any"),
  };
  /** Checks the errors of the calls with an answer that makes them fail. */
  async function checkCalls(t, answer, names = Object.keys(calls)) {
    const server = await faultServer(t, [answer]);
    const driver = driverFor(server, once);
    const highway = new Highway({ endpoint: server.url, ...once });
    for (const name of names) await checkHides(await rejectionOf(calls[name](driver, highway)), name);
  }

  for (const [where, body, headers] of [
    ["in its message", { message: `no such key: ${KEY}`, error: KEY }],
    ["in the message of an error", { error: { message: `Bearer ${KEY}` } }],
    [
      "in its details",
      { message: "no", details: [{ help: `not ${KEY}`, deep: { [KEY]: [KEY, { a: KEY }] } }] },
    ],
    ["in its code and its id", { code: KEY, request_id: KEY }],
    ["in a validation list", [{ loc: ["header", KEY], msg: `bad ${KEY}` }]],
    ["in the name of a run", { message: "no", existing_run_id: `run-${KEY}` }],
    ["in a header", {}, { "x-request-id": `req ${KEY}`, "retry-after": KEY }],
    ["in the middle of a word, twice", { message: `a${KEY}${KEY}b` }],
    ["where nobody looks", { authorization: `Bearer ${KEY}` }],
  ]) {
    test(`${where}: no refusal shows it`, async (t) => {
      for (const status of [400, 401, 403, 404, 409, 422, 429, 500, 501, 503]) {
        await checkCalls(t, json(status, body, headers), ["status", "start", "signal", "a list", "request"]);
      }
      for (const status of [401, 404]) await checkCalls(t, json(status, body, headers));
    });
  }

  test("in text, in a page and in its title", async (t) => {
    for (const body of [KEY, `<title>for ${KEY}</title>`, `<p>Authorization: Bearer ${KEY}</p>`]) {
      for (const type of ["text/html", "text/plain", "application/json"]) {
        await checkCalls(t, text(403, body, type));
        await checkCalls(t, text(502, body, type), ["status", "start", "signal", "a list", "graph"]);
      }
      await checkCalls(t, text(200, body, "text/html"), ["status", "start", "a list", "request", "result"]);
    }
  });

  test("in a Location", async (t) => {
    for (const location of [
      `http://h.example/?key=${KEY}`,
      `//h.example/${KEY}`,
      `http://${KEY}@h.example/`,
    ]) {
      await checkCalls(t, text(307, "", "text/plain", { location }));
    }
  });

  test("in the host of a Location, which arrives in lower case", async (t) => {
    const location = `https://${KEY}.example/`;
    await checkCalls(t, text(307, "", "text/plain", { location }), ["status", "start"]);
  });

  for (const name of Object.keys(calls)) {
    if (name === "request" || name === "signal") continue;
    test(`in a valid answer of another shape: ${name}`, async (t) => {
      // Steps and text accept almost any answer.
      const answer = name === "steps" ? text(200, KEY) : json(200, { authorization: `Bearer ${KEY}` });
      await checkCalls(t, answer, [name]);
    });
  }

  test("in a valid answer that cannot be read", async (t) => {
    await checkCalls(t, text(200, `{"authorization": "Bearer ${KEY}"`, "application/json"), [
      "status",
      "start",
    ]);
    await checkCalls(t, text(200, `Bearer ${KEY}`, "application/json"), ["status", "start", "request"]);
  });

  test("at the position where an error truncates the body", async (t) => {
    // 200 characters are shown: the whole key except its end.
    const body = `${"x".repeat(200 - KEY.length + 3)}${KEY}`;
    await checkCalls(t, text(500, body), ["status"]);
    await checkCalls(t, text(500, `<title>${body}</title>`, "text/html"), ["status"]);
    await checkCalls(t, text(200, `"${body.slice(1)}`, "application/json"), ["status"]);
  });

  for (const [what, bytes] of Object.entries({
    "that is no HTTP": `Bearer ${KEY}\r\n\r\n`,
    "with a broken header": `HTTP/1.1 200 OK\r\nx-echo: ${KEY}\0\r\n\r\n`,
    "with a broken chunk": `${head(200, chunked)}${chunk(KEY)}${KEY}\r\n`,
    "that ends early": `${head(200, { connection: "keep-alive", "content-length": 900 })}${KEY}`,
    "with a status text": `HTTP/1.1 500 ${KEY}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    "that is badly packed": whole(200, `Bearer ${KEY}`, { "content-encoding": "gzip" }),
    "that is no UTF-8": whole(200, Buffer.from(`${KEY}\xff`, "latin1")),
  })) {
    test(`in an answer ${what}, also in the cause`, async (t) => {
      const server = await rawServer(t, async (peer) => {
        await peer.request();
        peer.end(bytes);
      });
      const driver = driverFor(server, once);
      await checkHides(await rejectionOf(driver.status("r")), "status");
      await checkHides(await rejectionOf(driver.start()), "start");
    });
  }

  test("in an error for retry.when", async (t) => {
    const server = await faultServer(t, [json(503, { message: `busy with ${KEY}`, details: [KEY] })]);
    const asked = [];
    const when = (error) => {
      asked.push(error);
      return true;
    };
    const driver = driverFor(server, { apiKey: KEY, retry: { attempts: 3, delay: 0.001, when } });
    await checkHides(await rejectionOf(driver.status("r")), "status");
    assert.equal(asked.length, 2);
    for (const error of asked) await checkHides(error, "when");
  });

  test("in an error of the caller's own fetch", async () => {
    const fetch = async (request) => {
      throw new Error(`cannot send ${request.headers.get("authorization")}`);
    };
    const driver = new Driver({ endpoint: "http://h", fetch, ...once });
    const error = await rejectionOf(driver.status("r"));
    assert.match(error.message, /cannot send Bearer \[API key\]/);
    assert.ok(!JSON.stringify(error).includes(KEY));
  });
});

describe("a key in another spelling", { concurrency: true }, () => {
  const spelled = (spell) => Array.from(KEY, spell).join("");
  const hexOf = (char) => char.charCodeAt(0).toString(16);
  const spellings = {
    "in JSON escapes": spelled((char) => `\\u00${hexOf(char)}`),
    "in JSON within JSON": spelled((char) => `\\\\u00${hexOf(char)}`),
    "percent-encoded": spelled((char) => `%${hexOf(char)}`),
    "in capitals": KEY.toUpperCase(),
    "in base64": btoa(`user:${KEY}!`),
    "in base64 for addresses": Buffer.from(`~~${KEY}`).toString("base64url"),
    "in hexadecimal digits": Buffer.from(KEY).toString("hex"),
  };
  for (const [what, written] of Object.entries(spellings)) {
    test(`${what}: no error shows it`, async (t) => {
      const core = written.slice(12, 36);
      for (const [status, body, type] of [
        [401, `{"message":"no ${written}","details":{"${written}":["${written}"]}}`, "application/json"],
        [500, `${"x ".repeat(90)}${written}`, "text/plain"],
        [200, `{"note":"${written}"}`, "application/json"],
        [200, `<title>${written}</title>`, "text/html"],
      ]) {
        const server = await faultServer(t, [text(status, body, type)]);
        const error = await rejectionOf(driverFor(server, once).status("r"));
        const shown = inspect([error, error.cause, await textsOf(error)], { depth: 20 });
        assert.ok(!shown.includes(core), `${status}: ${shown}`);
      }
    });
  }

  test("at every position where an error truncates the answer", async (t) => {
    for (let before = 150; before < 205; before += 3) {
      for (const status of [200, 500]) {
        const server = await faultServer(t, [
          text(status, `${"x".repeat(before)} ${KEY} and more`, "text/plain"),
        ]);
        const error = await rejectionOf(driverFor(server, once).status("r"));
        await checkHides(error, `${before}`);
        assert.ok(!inspect(error.details).includes(KEY.slice(0, 4)), inspect(error.details));
      }
    }
  });

  test("a key that the server has just created is in no error about its answer", async (t) => {
    const made = "hw_k1_ab12cd34-made-by-the-server";
    const server = await faultServer(t, [text(200, `api_key: ${made}`, "text/plain")]);
    const highway = new Highway({ endpoint: server.url, ...once });
    const error = await rejectionOf(highway.apiKeys.rotate("k"));
    assert.equal(error.code, "API_RESPONSE_INVALID");
    await checkHides(error, "rotate", made);
  });

  test("a token that is longer than a regular expression may be", async (t) => {
    const digits = Array.from({ length: 250 }, (_, at) =>
      createHash("sha256").update(`${at}`).digest("base64url"),
    );
    const token = digits.join("").slice(0, 9000);
    const server = await faultServer(t, [json(401, { message: `no ${token}` })]);
    const error = await rejectionOf(
      driverFor(server, { apiKey: undefined, auth: () => token, retry: false }).status("r"),
    );
    assert.match(error.message, /^the server answered 401: no (\[API key\])+$/);
  });

  test("a refused endpoint shows neither its password nor its query", () => {
    for (const endpoint of [
      "https://h.example/?token=5ecret",
      "HTTPS://me:5ecret@h.example",
      "ftp://h/#5ecret",
    ])
      assert.throws(
        () => new Highway({ endpoint, auth: false }),
        (error) => {
          assert.equal(error.code, "ENDPOINT_INVALID");
          return !inspect(error).includes("5ecret");
        },
      );
  });
});

describe("tokens of a function", { concurrency: true }, () => {
  const tokens = ["5ecret-first-token-0123", "5ecret-second-token-4567"];

  /** A driver whose tokens are refused by a server that repeats everything it got. */
  async function refused(t, script, options = {}) {
    const server = await faultServer(t, script);
    let asked = 0;
    const auth = () => {
      asked += 1;
      return tokens[Math.min(asked, 2) - 1];
    };
    const more = { endpoint: server.url, auth, retry: false, ...options };
    const driver = new Driver(more);
    driver.shell("a", "true");
    return { server, driver, highway: new Highway(more) };
  }
  const echo = json(401, { message: `neither ${tokens[0]} nor ${tokens[1]}`, details: tokens });

  test("both the refused and the new one are hidden", async (t) => {
    const calls = [
      ({ driver }) => driver.status("r"),
      ({ driver }) => driver.start(),
      ({ driver }) => driver.handle("r").result(),
      ({ driver }) => driver.handle("r").signal("go"),
      ({ highway }) => highway.schedules.list(),
    ];
    for (const call of calls) {
      const setting = await refused(t, [echo]);
      const error = await rejectionOf(call(setting));
      assert.equal(error.code, "API_UNAUTHORIZED");
      await checkHides(error, "401", ...tokens);
      assert.deepEqual(
        setting.server.requests.map(({ headers }) => headers.authorization),
        tokens.map((token) => `Bearer ${token}`),
      );
    }
  });

  test("also if the second request fails for another reason", async (t) => {
    const { driver } = await refused(t, [echo, json(503, { message: `${tokens}`, details: tokens })]);
    const error = await rejectionOf(driver.status("r"));
    assert.equal(error.code, "API_SERVER_ERROR");
    await checkHides(error, "503", ...tokens);
  });

  test("also if there is no second one", async (t) => {
    const server = await faultServer(t, [echo]);
    let asked = 0;
    const auth = async () => {
      asked += 1;
      if (asked > 1) throw new Error("the session is over");
      return tokens[0];
    };
    const driver = new Driver({ endpoint: server.url, auth });
    const error = await checkRejection(driver.status("r"), {
      name: "ConfigurationError",
      code: "AUTH_FAILED",
    });
    await checkHides(error, "AUTH_FAILED", ...tokens);
  });

  test("the driver and the client show none", async (t) => {
    const { driver, highway } = await refused(t, [json(200, { status: "running" })]);
    await driver.status("r");
    await highway.system.version();
    for (const value of [driver, highway, driver.handle("r"), highway.runs]) {
      for (const token of tokens) assert.deepEqual(await shownBy(value, token), []);
    }
  });

  test("one that no header can hold is not shown", async () => {
    for (const token of [`${KEY} x`, `${KEY}\n`, `${KEY}é`, `"${KEY}" `]) {
      const driver = new Driver({
        endpoint: "http://h",
        auth: () => token,
        fetch: () => assert.fail("sent"),
      });
      const error = await rejectionOf(driver.status("r"));
      assert.equal(error.name, "ConfigurationError", error.stack);
      await checkHides(error, "auth");
      const given = checkThrown(() => new Driver({ endpoint: "http://h", apiKey: token }), {
        name: "ConfigurationError",
        code: "OPTION_INVALID",
        path: "/apiKey",
      });
      await checkHides(given, "apiKey");
    }
  });
});

describe("without a key", { concurrency: true }, () => {
  test("auth: false sends no Authorization, even if the environment has a key", async (t) => {
    const server = await faultServer(t, [json(200, { status: "running", workflow_run_id: "r" })]);
    process.env.HIGHWAY_API_KEY = KEY;
    const driver = new Driver({ endpoint: server.url, auth: false });
    delete process.env.HIGHWAY_API_KEY;
    driver.shell("a", "true");
    const highway = new Highway({ endpoint: server.url, auth: false });
    await driver.status("r");
    await driver.start();
    await driver.handle("r").signal("go");
    await highway.system.version();
    assert.equal(server.requests.length, 4);
    for (const { headers } of server.requests) assert.equal(headers.authorization, undefined);
  });

  test("a 401 is then final", async (t) => {
    const server = await faultServer(t, [json(401, {})]);
    const driver = new Driver({ endpoint: server.url, auth: false });
    await checkRejection(driver.status("r"), { name: "ApiError", code: "API_UNAUTHORIZED" });
    assert.equal(server.requests.length, 1);
  });

  test("no header of a request replaces it", async (t) => {
    const server = await faultServer(t, [json(200, {})]);
    const highway = new Highway({ endpoint: server.url, auth: false });
    for (const name of ["Authorization", "authorization", "AUTHORIZATION"]) {
      const headers = { [name]: `Bearer ${KEY}` };
      const error = await checkRejection(highway.request("GET", "/api/v1/any", { headers }), {
        name: "ConfigurationError",
        code: "OPTION_INVALID",
        path: `/headers/${name}`,
      });
      await checkHides(error, name);
    }
    assert.equal(server.requests.length, 0);
  });
});

test("the embedded engine has no key: text that equals its placeholder is kept", async () => {
  const engine = new LocalEngine();
  const driver = new Driver({ engine });
  const unknown = await rejectionOf(driver.status("local-run"));
  assert.match(unknown.message, /local-run/);
  const tasks = { local: { task_id: "local", operator_type: "foreach" } };
  const refused = await rejectionOf(driver.start({ workflow: { name: "w", tasks } }));
  assert.ok(!JSON.stringify(refused).includes("[API key]"), JSON.stringify(refused));
  await engine.close();
});

test("nothing was written to the console", () => {
  assert.deepEqual(
    logged.filter((line) => line.includes("5ecret")),
    [],
  );
});

checkLeftovers();
