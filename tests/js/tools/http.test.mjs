// tools.http.request: what arrives of a request and of its answer, and what is refused at once.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Driver } from "highway-wasm";
import { emailTool, httpTool, LocalEngine, llmTool } from "highway-wasm/engine";
import { checkThrown } from "../support/errors.mjs";

/** A server on loopback with the given answers. Returns its address. */
async function serving(t, answer) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  return `127.0.0.1:${server.address().port}`;
}

const echo = (request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ url: request.url, headers: request.headers }));
};

async function request(t, kwargs, { options, task, ...engine } = {}) {
  const local = new LocalEngine({ ...engine, tools: { "tools.http.request": httpTool(options) } });
  t.after(() => local.close());
  const driver = new Driver({ engine: local });
  driver.tool("a", "tools.http.request", kwargs, task);
  const { tasks } = await driver.run();
  return tasks.a;
}

test("lists and nulls in params and headers", async (t) => {
  const host = await serving(t, echo);
  const { result } = await request(t, {
    url: `http://${host}/e?a=0`,
    params: { tags: ["a", null, "b c"], page: null, n: 1, deep: { x: [1] } },
    headers: { "x-none": null, "x-many": ["1", "2"], "x-one": 3 },
  });
  const { url, headers } = result.response;
  assert.equal(url, "/e?a=0&tags=a&tags=b+c&n=1&deep=%7B%22x%22%3A%5B1%5D%7D");
  assert.deepEqual([headers["x-none"], headers["x-many"], headers["x-one"]], [undefined, "1, 2", "3"]);
});

test("several cookies of an answer are a list, a single one is text", async (t) => {
  const host = await serving(t, (request, response) => {
    const cookies = request.url === "/two" ? ["a=1; Path=/", "b=2"] : ["a=1"];
    response.writeHead(200, [...cookies.flatMap((cookie) => ["set-cookie", cookie]), "x-a", "1", "x-a", "2"]);
    response.end();
  });
  const headers = async (path) => (await request(t, { url: `http://${host}${path}` })).result.headers;
  const two = await headers("/two");
  assert.deepEqual([two["set-cookie"], two["x-a"]], [["a=1; Path=/", "b=2"], "1, 2"]);
  assert.equal((await headers("/one"))["set-cookie"], "a=1");
});

test("a text is read in the encoding of its media type or byte order mark", async (t) => {
  const bodies = {
    "/latin": ["text/plain; charset=ISO-8859-1", [0x63, 0x61, 0x66, 0xe9]],
    "/1252": ["text/plain; charset=windows-1252", [0x80, 0x93, 0x81, 0x9f, 0xe4]],
    "/quoted": ['text/plain; a=b; Charset="windows-1251"', [0xe4, 0xe0]],
    "/sjis": ["text/html;charset=shift_jis", [0x93, 0xfa]],
    "/utf16": ["text/plain", [0xff, 0xfe, 0x61, 0x00]],
    "/mark": ["application/json; charset=iso-8859-1", [0xef, 0xbb, 0xbf, 0x22, 0xc3, 0xa4, 0x22]],
    "/JSON": ["Application/JSON", [0x5b, 0x31, 0x5d]],
    "/unknown": ["text/plain; charset=utf8mb4", [0xc3, 0xa4]],
    "/broken": ["text/plain; charset=ebcdic-17", [0xc3]],
  };
  const host = await serving(t, (request, response) => {
    const [type, bytes] = bodies[request.url];
    response.writeHead(200, { "content-type": type });
    response.end(Buffer.from(bytes));
  });
  const read = async (path) => await request(t, { url: `http://${host}${path}` });
  const texts = [];
  for (const path of Object.keys(bodies).slice(0, -1)) texts.push((await read(path)).result.response);
  assert.deepEqual(texts, ["café", "€“\x81Ÿä", "да", "日", "a", "ä", [1], "ä"]);
  const { error } = await read("/broken");
  assert.equal(error.details.toolCode ?? error.code, "ANSWER_UNREADABLE");
  assert.match(error.message, /`ebcdic-17`/);
});

test("user and password of a URL become basic authentication, and are shown nowhere", async (t) => {
  const host = await serving(t, (request, response) => {
    response.writeHead(request.url === "/no" ? 403 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(request.headers));
  });
  const url = `http://ada:p%C3%A4ss%2Fword@${host}`;
  const fine = await request(t, { url: `${url}/yes` });
  const [, given] = fine.result.response.authorization.split(" ");
  assert.equal(Buffer.from(given, "base64").toString(), "ada:päss/word");
  assert.equal(fine.result.url, `http://${host}/yes`);
  const own = await request(t, { url, headers: { authorization: "Bearer t" } });
  assert.equal(own.result.response.authorization, "Bearer t");
  const { error } = await request(t, { url: `${url}/no` });
  assert.match(error.message, /answered 403/);
  assert.ok(!error.message.includes(given.slice(8)), error.message);
  const bad = await request(t, { url: "http://ada:secret-word@[/?token=hidden-one" });
  assert.equal(bad.error.code, "TOOL_ARGUMENTS_INVALID");
  assert.ok(!/secret-word|hidden-one/.test(bad.error.message), bad.error.message);
});

test("an invalid request is refused at once, without its values", async (t) => {
  const host = await serving(t, echo);
  const url = `http://${host}/`;
  for (const kwargs of [
    { url, headers: { "x-a": "se\ncret" } },
    { url, headers: { "x a": "secret" } },
    { url, headers: { "x-a": "secret ✓" } },
    { url, headers: { expect: "secret" } },
    { url, method: "GE T" },
    { url, method: "CONNECT" },
    { url, body: "secret" },
    { url: "http://127.0.0.1:25/" },
    { url: "mailto:ada@example.org" },
    { url: "/path" },
    { url: 7 },
    { url, params: [1] },
    { url, timeout: 0 },
    { url, timeout: "soon" },
  ]) {
    const { error } = await request(t, kwargs, { task: { retries: 3, retryDelay: 60, timeout: 20 } });
    assert.equal(error.code, "TOOL_ARGUMENTS_INVALID", JSON.stringify([kwargs, error]));
    assert.ok(!error.message.includes("secret"), error.message);
  }
});

test("mistakes in a request are reported with their path", async (t) => {
  const url = "http://127.0.0.1:9/";
  const headers = (name, value = "x") => ({ url, headers: { [name]: value } });
  for (const [kwargs, path, help] of [
    [headers("Host", "example.org"), "/kwargs/headers/Host", /`url`/],
    [headers("content-length", 3), "/kwargs/headers/content-length", /leave it out/],
    [headers("transfer-encoding", "chunked"), "/kwargs/headers/transfer-encoding", /leave it out/],
    [headers("connection", "upgrade"), "/kwargs/headers/connection", /leave it out/],
    [headers("expect", "100-continue"), "/kwargs/headers/expect", /leave it out/],
    [headers("a/b"), "/kwargs/headers/a~1b", /letters/],
    [headers("x", "a\nb"), "/kwargs/headers/x", /one line/],
    [headers("x", "…"), "/kwargs/headers/x", /Latin/],
    [{ url, method: "GE T" }, "/kwargs/method", /`PATCH`/],
    [{ url, method: "" }, "/kwargs/method", /`PATCH`/],
    [{ url, method: "trace" }, "/kwargs/method", /`PATCH`/],
    [{ url, body: "x" }, "/kwargs/body", /`POST`/],
    [{ url, method: "head", json: {} }, "/kwargs/json", /`POST`/],
    [{ url: "https://127.0.0.1:9/", verify: false }, "/kwargs/verify", /NODE_EXTRA_CA_CERTS/],
    [{ url, timeout: -1 }, "/kwargs/timeout", /seconds/],
    [{ url, data: "x" }, "/kwargs/data", /`json`/],
  ]) {
    const { error } = await request(t, kwargs);
    assert.equal(error.code, "TOOL_ARGUMENTS_INVALID", JSON.stringify([kwargs, error.message]));
    assert.equal(error.path, path, JSON.stringify(error));
    assert.match(error.help, help);
  }
  const host = await serving(t, echo);
  for (const connection of ["close", "Keep-Alive"]) {
    const { result } = await request(t, { url: `http://${host}/`, headers: { connection } });
    assert.equal(result.response.headers.connection, connection.toLowerCase());
  }
});

test("a URL that is missing, or not text, is reported with advice", async (t) => {
  for (const [url, message] of [
    [null, /`url` is missing|without `url`/],
    ["{{nothing}}", /`url` is missing/],
    ["{{list}}", /`url` is a list, not text/],
    ["{{big}}", /`url` is a number, not text/],
    ["{{object}}", /`url` is an object, not text/],
  ]) {
    const engine = new LocalEngine();
    t.after(() => engine.close());
    const driver = new Driver({ engine });
    driver.tool("a", "tools.http.request", { url, method: "GET" });
    const inputs = { nothing: null, list: [1], big: 12345678901234567890n, object: { https: "//x" } };
    const { error } = (await driver.run({ inputs })).tasks.a;
    assert.equal(error.code, "TOOL_ARGUMENTS_INVALID");
    assert.match(error.message, message);
    assert.ok(error.help);
  }
});

test("a time limit of any length works", async (t) => {
  const host = await serving(t, (_, response) => setTimeout(() => response.end("fine"), 50));
  for (const timeout of [3_000_000, 1e15, Number.MAX_VALUE]) {
    assert.equal((await request(t, { url: `http://${host}/`, timeout })).result.response, "fine");
  }
  const slow = await serving(t, () => {});
  const { error } = await request(t, { url: `http://${slow}/`, timeout: 0.05 });
  assert.match(error.message, /could not be reached: no answer within its `timeout` of 0\.05 s$/);
});

test("an answer is read up to a limit of decompressed bytes", async (t) => {
  const packed = gzipSync(Buffer.alloc(30_000_000, "a"));
  let asked = 0;
  const host = await serving(t, (_, response) => {
    asked += 1;
    response.writeHead(200, { "content-encoding": "gzip", "content-type": "application/json" });
    response.end(packed);
  });
  const url = `http://${host}/v1`;
  const tools = {
    "tools.http.request": httpTool(),
    "tools.llm.call": llmTool({ provider: "p", baseUrl: url, model: "m" }),
    "tools.email.send": emailTool({ url }),
  };
  const engine = new LocalEngine({ tools });
  t.after(() => engine.close());
  const driver = new Driver({ engine });
  const task = { retries: 2, retryDelay: 0 };
  driver.tool("http", "tools.http.request", { url }, task);
  driver.tool("llm", "tools.llm.call", { prompt: "x" }, task);
  driver.tool("email", "tools.email.send", { to: "a@example.org", subject: "s", body: "b" }, task);
  const { tasks } = await driver.run();
  for (const { name, error } of Object.values(tasks)) {
    assert.equal(error.code, "LIMIT_EXCEEDED", name);
    assert.match(error.message, /larger than 10485760 bytes/);
    assert.match(error.help, /maxAnswerBytes/);
  }
  assert.equal(asked, 3);
  const text = await serving(t, (_, response) => response.end("x".repeat(2000)));
  const read = async (maxAnswerBytes) =>
    await request(t, { url: `http://${text}` }, { options: { maxAnswerBytes } });
  assert.equal((await read(2000)).result.body.length, 2000);
  assert.equal((await read(1999)).error.code, "LIMIT_EXCEEDED");
});

test("an invalid limit is refused", () => {
  for (const maxAnswerBytes of [0, -1, 1.5, "5", null]) {
    const expected = { name: "ConfigurationError", code: "OPTION_INVALID" };
    checkThrown(() => httpTool({ maxAnswerBytes }), { ...expected, path: "/maxAnswerBytes" });
    checkThrown(() => emailTool({ send() {}, maxAnswerBytes }), { ...expected, path: "/maxAnswerBytes" });
    checkThrown(() => llmTool({ provider: "openai", maxAnswerBytes }), {
      ...expected,
      path: "/0/maxAnswerBytes",
    });
  }
});

test("a secret is removed from an error before the error is truncated", async (t) => {
  const token = "tok/en-0123456789";
  const host = await serving(t, (request, response) => {
    const pad = "x".repeat(Number(new URL(request.url, "http://h").searchParams.get("pad")));
    response.writeHead(500);
    response.end(
      `${pad}${JSON.stringify({ url: request.url }).replaceAll("/", "\\/")} ${token} ${btoa(`u:${token}`)}`,
    );
  });
  for (let pad = 100; pad < 200; pad += 3) {
    const { error } = await request(
      t,
      { url: `http://${host}/`, params: { pad, token: "{{secrets.token}}" } },
      { secrets: { token } },
    );
    assert.ok(!/tok[/\\%]|0123|dTp0|MDEy/.test(error.message), error.message);
  }
});

for (const [url, secret, message] of [
  ["http://{{secrets.key}}/", "Sup3r-S3cret/Key+42", /^`http:\/\/\*\*\*` could not be reached/],
  ["http://{{secrets.key}}/", "Sup3r-S3cret?Key+42", /^`http:\/\/\*\*\*` could not be reached/],
  ["http://{{secrets.key}}/", "Sup3r-S3cret#Key+42", /^`http:\/\/\*\*\*` could not be reached/],
  ["http://{{secrets.key}}/", "Key+42@Sup3r-S3cret", /^`http:\/\/\*\*\*` could not be reached/],
  ["{{secrets.key}}", "http://sup3r-s3cret/Key+42", /^`\*\*\*` could not be reached/],
  ["{{secrets.key}}", "Sup3r-S3cret:Key+42", /^`\*\*\*` is not the scheme of a web address/],
  ["{{secrets.key}}", "Sup3r-S3cret?Key+42", /^`\*\*\*` is not an absolute URL/],
]) {
  test(`no part of the secret \`${secret}\` is in the error of the URL ${url}`, async (t) => {
    const { error } = await request(t, { url }, { secrets: { key: secret } });
    assert.match(error.message, message);
    assert.doesNotMatch(JSON.stringify(error), /sup3r|s3cret|key\+/i);
  });
}

test("no part of a secret is in the refusal of a private address", async (t) => {
  const options = { privateAddresses: "refuse" };
  const secrets = { key: "localhost/Key+42" };
  const { error } = await request(t, { url: "http://{{secrets.key}}" }, { options, secrets });
  assert.equal(error.code, "ADDRESS_REFUSED");
  assert.doesNotMatch(JSON.stringify(error), /localhost|key\+/i);
});

test("headers may be as long as both sides accept, and longer ones fail the task", async (t) => {
  const KIB = 1024;
  // A server that accepts headers of 16 KiB, Node's default, and sends as many bytes as the request says.
  const host = await serving(t, (request, response) => {
    response.setHeader("content-type", "application/json");
    const size = Number(new URL(request.url, "http://h").searchParams.get("size"));
    if (size > 0) response.setHeader("x-long", "v".repeat(size));
    response.end(JSON.stringify(request.headers));
  });
  const url = `http://${host}/`;
  const once = { task: { retries: 0 } };
  const name = `x-${"n".repeat(4 * KIB)}`;
  const sent = await request(t, { url, headers: { [name]: "1", "x-value": "v".repeat(8 * KIB) } }, once);
  assert.deepEqual([sent.result.response[name], sent.result.response["x-value"].length], ["1", 8 * KIB]);
  for (const headers of [{ "x-value": "v".repeat(32 * KIB) }, { [`x-${"n".repeat(32 * KIB)}`]: "1" }]) {
    const { error } = await request(t, { url, headers }, once);
    assert.equal(error.code, "HTTP_STATUS");
    assert.match(error.message, /answered 431/);
    assert.ok(error.message.length < KIB, "nothing of the header is repeated");
  }
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`x-${at}`, String(at)]));
  const all = await request(t, { url, headers: many }, once);
  assert.equal(Object.keys(all.result.response).filter((each) => each.startsWith("x-")).length, 500);
  const got = await request(t, { url, params: { size: 12 * KIB } }, once);
  assert.equal(got.result.headers["x-long"].length, 12 * KIB);
  const tooLong = await request(t, { url, params: { size: 64 * KIB } }, once);
  assert.equal(tooLong.state, "failed");
  assert.match(tooLong.error.message, /could not be reached: .*header/i);
});
