// Bodies and headers of answers that are too large, badly compressed, badly encoded, malformed or missing.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { Driver, Highway } from "highway-wasm";
import { checkRejection } from "../support/errors.mjs";
import { driverFor, faultServer, json, text } from "../support/fault-server.mjs";
import { watchProcess } from "../support/quiet.mjs";
import { chunk, chunked, head, rawServer, whole } from "../support/raw-server.mjs";

const checkLeftovers = watchProcess();

const running = '{"status": "running"}';
const api = (code, more = {}) => ({ name: "ApiError", code, ...more });
const tooLarge = (limit) =>
  api("API_RESPONSE_TOO_LARGE", {
    message: new RegExp(`larger than ${limit} bytes`),
    help: /maxResponseSize/,
  });
const invalid = (message) => api("API_RESPONSE_INVALID", { message });
const once = { retry: false };
const packed = (encoding) => ({ "content-type": "application/json", "content-encoding": encoding });

/** A run whose JSON has `size` bytes. */
function runOf(size) {
  const start = '{"status": "running", "filler": "';
  return `${start}${"x".repeat(size - start.length - 2)}"}`;
}

/** A driver for a server that answers every request with these bytes and then closes the connection. */
async function answering(t, bytes, options = once) {
  const server = await rawServer(t, async (peer) => {
    await peer.request();
    peer.end(bytes);
  });
  return driverFor(server, options);
}

/** Checks the outcome of a status call: the state, or the error. */
async function statusOf(t, bytes, expected, options) {
  const driver = await answering(t, bytes, options);
  if (typeof expected !== "string") return await checkRejection(driver.status("r"), expected);
  assert.equal((await driver.status("r")).state, expected);
}

describe("maxResponseSize", { concurrency: true }, () => {
  const limited = { ...once, maxResponseSize: 2000 };

  /** The ways in which HTTP marks the end of a body. */
  const framings = {
    "by content-length": (status, body, headers = {}) => whole(status, body, headers),
    "in chunks": (status, body, headers = {}) =>
      Buffer.concat([
        Buffer.from(head(status, { ...chunked, ...headers })),
        chunk(body),
        Buffer.from("0\r\n\r\n"),
      ]),
    "to the end of the connection": (status, body, headers = {}) =>
      Buffer.concat([
        Buffer.from(head(status, { "content-type": "application/json", ...headers })),
        Buffer.from(body),
      ]),
  };
  for (const [how, frame] of Object.entries(framings)) {
    test(`a body ${how}: of exactly the limit, and a byte larger`, async (t) => {
      await statusOf(t, frame(200, runOf(2000)), "running", limited);
      await statusOf(t, frame(200, runOf(2001)), tooLarge(2000), limited);
    });

    test(`the body of an error ${how}`, async (t) => {
      for (const [status, code] of [
        [400, "API_BAD_REQUEST"],
        [404, "API_NOT_FOUND"],
        [429, "API_RATE_LIMITED"],
        [503, "API_SERVER_ERROR"],
      ]) {
        const error = await statusOf(t, frame(status, runOf(2000)), api(code), limited);
        assert.ok(error.details.body.length < 300, "only the start is shown");
        await statusOf(t, frame(status, runOf(2001)), tooLarge(2000), limited);
      }
    });

    test(`a compressed body ${how}: its decompressed size counts`, async (t) => {
      for (const [encoding, pack] of [
        ["gzip", gzipSync],
        ["deflate", deflateSync],
        ["br", brotliCompressSync],
      ]) {
        await statusOf(t, frame(200, pack(runOf(2000)), packed(encoding)), "running", limited);
        await statusOf(t, frame(200, pack(runOf(2001)), packed(encoding)), tooLarge(2000), limited);
        await statusOf(t, frame(500, pack(runOf(2001)), packed(encoding)), tooLarge(2000), limited);
      }
    });
  }

  test("counts bytes, not characters", async (t) => {
    const body = `{"status": "running", "filler": "${"é".repeat(1000)}"}`;
    await statusOf(t, whole(200, body), tooLarge(2000), limited);
  });

  test("applies to text and to bytes", async (t) => {
    const server = await faultServer(t, ({ path }) =>
      text(
        200,
        path.endsWith("/graph") ? "graph TD".padEnd(2001) : Buffer.alloc(2001),
        "application/octet-stream",
      ),
    );
    const highway = new Highway({ endpoint: server.url, apiKey: "k", ...limited });
    await checkRejection(highway.artifacts.download("a"), tooLarge(2000));
    await checkRejection(highway.workflows.graph("r"), tooLarge(2000));
    const exact = new Highway({ endpoint: server.url, apiKey: "k", ...once, maxResponseSize: 2001 });
    assert.equal((await exact.artifacts.download("a")).byteLength, 2001);
  });

  test("an endless body is cut off, and so is its connection; the request is not repeated", async (t) => {
    for (const status of [200, 404, 503]) {
      const server = await rawServer(t, async (peer) => {
        await peer.request();
        await peer.send(head(status, chunked));
        const piece = chunk(" ".repeat(10_000));
        while (!peer.isClosed) await peer.send(piece);
      });
      const driver = driverFor(server, { maxResponseSize: 100_000 });
      await checkRejection(driver.status("r"), tooLarge(100_000));
      await server.allClosed();
      assert.equal(server.requests.length, 1);
    }
  });

  test("a false length from the caller's own fetch does not lift it", async () => {
    // As in a page, which gets the compressed length of a foreign answer, but not that it was compressed.
    const fetch = async () => new Response(runOf(100_000), { headers: { "content-length": "100" } });
    const driver = new Driver({ fetch, endpoint: "http://h", apiKey: "k", ...limited });
    await checkRejection(driver.status("r"), tooLarge(2000));
  });
});

describe("a decompression bomb", () => {
  // A gzip stream may have several members: 4 GB in 4 MB.
  const unpacked = 16 * 1024 * 1024;
  const member = gzipSync(Buffer.alloc(unpacked, 32), { level: 9 });
  const bomb = Buffer.concat(Array(256).fill(member));

  for (const status of [200, 503]) {
    test(`of gzip with status ${status} is aborted at the limit, without decompressing all of it`, async (t) => {
      const server = await rawServer(t, async (peer) => {
        await peer.request();
        await peer.send(head(status, { ...packed("gzip"), "content-length": bomb.length }), bomb);
        peer.end();
      });
      let most = 0;
      const before = process.memoryUsage().rss;
      const watch = setInterval(() => {
        most = Math.max(most, process.memoryUsage().rss - before);
      }, 5);
      t.after(() => clearInterval(watch));
      const used = process.cpuUsage();
      await checkRejection(driverFor(server).status("r"), tooLarge(33_554_432));
      const took = process.cpuUsage(used).user / 1000;
      assert.equal(server.requests.length, 1, "it is not asked for again");
      // The whole body would be 4096 MB and take far longer.
      assert.ok(most < 400 * 1024 * 1024, `it took ${most} bytes`);
      assert.ok(took < 10_000, `it took ${took} ms of the processor`);
      await server.allClosed();
    });
  }

  test("within the limit is accepted", async (t) => {
    const body = gzipSync(runOf(20_000_000));
    assert.ok(body.length < 100_000);
    await statusOf(t, whole(200, body, packed("gzip")), "running");
  });
});

describe("broken compressed bodies", { concurrency: true }, () => {
  const good = gzipSync(running);
  const wrongSum = Buffer.from(good);
  wrongSum[good.length - 8] ^= 0xff;
  const unreachable = api("API_UNREACHABLE", { message: /could not be reached/ });
  for (const [what, body, expected] of [
    ["not packed at all", running, unreachable],
    ["a wrong checksum", wrongSum, unreachable],
    ["something behind the end", Buffer.concat([good, Buffer.from("more")]), unreachable],
    ["an end in the middle", good.subarray(0, good.length - 14), invalid(/not JSON/)],
    ["nothing", "", invalid(/empty answer/)],
  ]) {
    test(what, async (t) => {
      await statusOf(t, whole(200, body, packed("gzip")), expected);
    });
  }

  test("an unknown encoding", async (t) => {
    await statusOf(t, whole(200, good, packed("snappy")), invalid(/not text in UTF-8/));
  });

  test("are requested again", async (t) => {
    const server = await rawServer(t, async (peer, index) => {
      await peer.request();
      peer.end(whole(200, index === 0 ? wrongSum : good, packed("gzip")));
    });
    assert.equal((await driverFor(server, { retry: { delay: 0.005 } }).status("r")).state, "running");
  });
});

describe("encodings of text", { concurrency: true }, () => {
  const notText = invalid(/not text in UTF-8/);
  const utf16 = (value, order) => {
    const bytes = Buffer.from(value, "utf16le");
    return order === "be" ? bytes.swap16() : bytes;
  };
  for (const [what, body, expected] of [
    ["a byte that UTF-8 does not have", Buffer.from('{"status": "run\xffning"}', "latin1"), notText],
    ["Latin-1", Buffer.from('{"status": "running", "name": "é"}', "latin1"), notText],
    ["a character cut at the end", Buffer.from('{"status": "running"}\xe2\x82', "latin1"), notText],
    ["a longer form than needed", Buffer.from('{"status": "\xc0\xae"}', "latin1"), notText],
    ["half of a surrogate pair", Buffer.from('{"status": "\xed\xa0\x80"}', "latin1"), notText],
    ["UTF-16, little end first", utf16(`\ufeff${running}`), notText],
    ["UTF-16, big end first", utf16(`\ufeff${running}`, "be"), notText],
    ["UTF-16 without a mark", utf16(running), invalid(/not JSON/)],
    ["a byte order mark", `\ufeff${running}`, "running"],
    ["two byte order marks", `\ufeff\ufeff${running}`, invalid(/not JSON/)],
    ["an escaped half of a surrogate pair", '{"status": "running", "name": "\\ud800"}', "running"],
  ]) {
    test(what, async (t) => {
      await statusOf(t, whole(200, body), expected);
    });
  }

  test("the given charset is ignored", async (t) => {
    const type = { "content-type": "application/json; charset=utf-16" };
    await statusOf(t, whole(200, running, type), "running");
  });

  test("in an error, invalid characters are replaced", async (t) => {
    const body = Buffer.from('{"message": "no \xff run"}', "latin1");
    await statusOf(t, whole(404, body), api("API_NOT_FOUND", { message: /no \ufffd run/ }));
    await statusOf(t, whole(500, Buffer.from([0xff, 0xfe, 0x00])), api("API_SERVER_ERROR"));
  });
});

describe("JSON", { concurrency: true }, () => {
  const tenMegabytes = 10_000_000;
  for (const [what, body] of [
    ["brackets", "[".repeat(tenMegabytes)],
    ["brackets that close", "[".repeat(tenMegabytes / 2) + "]".repeat(tenMegabytes / 2)],
    ["objects", '{"a":'.repeat(tenMegabytes / 5)],
  ]) {
    test(`10 MB of nested ${what}: an error, and the module still works`, async (t) => {
      const server = await faultServer(t, ({ path }) => {
        if (path.endsWith("/deep")) return text(200, body, "application/json");
        return path.endsWith("/bad") ? text(400, body, "application/json") : json(200, { status: "running" });
      });
      const driver = driverFor(server, once);
      const error = await checkRejection(driver.status("deep"), invalid(/too deeply nested/));
      assert.ok(error.details.body.length <= 201);
      await checkRejection(driver.status("bad"), api("API_BAD_REQUEST"));
      assert.equal((await driver.status("r")).state, "running");
    });
  }

  test("10 MB without nesting are accepted", async (t) => {
    const list = Array.from({ length: 250_000 }, (_, id) => ({ id, name: `item ${id}`, ok: true }));
    const body = JSON.stringify({ status: "success", data: { items: list } });
    assert.ok(body.length > tenMegabytes);
    const server = await faultServer(t, [text(200, body, "application/json")]);
    const highway = new Highway({ endpoint: server.url, apiKey: "k" });
    const data = await highway.request("GET", "/api/v1/large");
    assert.equal(data.items.length, list.length);
    assert.deepEqual(data.items.at(-1), list.at(-1));
  });

  test("a single text of 10 MB is accepted", async (t) => {
    const server = await faultServer(t, [json(200, { value: "é".repeat(5_000_000) })]);
    const highway = new Highway({ endpoint: server.url, apiKey: "k" });
    assert.equal((await highway.request("GET", "/api/v1/large")).value.length, 5_000_000);
  });

  test("of a duplicate key, the last one counts, as in JavaScript", async (t) => {
    await statusOf(t, whole(200, '{"status": "failed", "status": "running"}'), "running");
    await statusOf(
      t,
      whole(200, '{"status": "success", "data": {}, "data": {"status": "running"}}'),
      "running",
    );
  });

  for (const [what, body] of [
    ["NUL bytes", "\0\0\0\0"],
    ["a NUL byte in a text", '{"status": "run\0ning"}'],
    ["a NUL byte behind it", `${running}\0`],
    ["a line break in a text", '{"status": "run\nning"}'],
    ["two values", running + running],
    ["single quotes", "{'status': 'running'}"],
    ["a comment", `${running} // the end`],
    ["NaN", '{"status": "running", "progress": NaN}'],
    ["a wrong escape", '{"status": "\\x72unning"}'],
    ["an event stream", `data: ${running}\n\n`],
  ]) {
    test(`${what}: an error that shows its beginning`, async (t) => {
      const error = await statusOf(t, whole(200, body), invalid(/not JSON.* at line \d+, column \d+/));
      assert.deepEqual([error.status, error.details.body], [200, body.trim()]);
    });
  }

  test("an escaped NUL, very large numbers and unusual keys are JSON", async (t) => {
    const body =
      '{"a\\u0000b": 1e400, "__proto__": {"polluted": true}, "constructor": -0, "n": 123456789012345678901}';
    const server = await faultServer(t, [text(200, body, "application/json")]);
    const data = await new Highway({ endpoint: server.url, apiKey: "k" }).request("GET", "/api/v1/odd");
    // An integer keeps its digits.
    assert.deepEqual(data, { ...JSON.parse(body), n: 123456789012345678901n });
    assert.equal({}.polluted, undefined);
  });
});

describe("headers", { concurrency: true }, () => {
  test("two content types", async (t) => {
    for (const types of [
      ["application/json", "text/html"],
      ["text/html", "application/json"],
    ]) {
      await statusOf(t, whole(200, running, { "content-type": types }), "running");
    }
  });

  test("no content type, and an invalid one", async (t) => {
    await statusOf(t, whole(200, running, { "content-type": [] }), "running");
    await statusOf(t, whole(200, running, { "content-type": ";;;" }), "running");
    await statusOf(t, whole(200, running, { "content-type": "text/plain" }), "running");
  });

  test("of two Retry-After, the first counts", async (t) => {
    const limited = api("API_RATE_LIMITED");
    const error = await statusOf(t, whole(429, "", { "retry-after": [7, 900] }), limited);
    assert.equal(error.retryAfter, 7);
  });

  test("of two request ids, none is lost", async (t) => {
    const error = await statusOf(
      t,
      whole(404, "{}", { "x-request-id": ["one", "two"] }),
      api("API_NOT_FOUND"),
    );
    assert.match(error.requestId, /one.*two/);
  });

  test("500 headers, and rate limits that are not numbers", async (t) => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`x-${at}`, "v"]));
    await statusOf(t, whole(200, running, many), "running");
    const odd = { "x-ratelimit-limit": "lots", "x-ratelimit-remaining": "", "x-ratelimit-reset": "soon" };
    await statusOf(t, whole(200, running, odd), "running");
  });

  test("bytes that are not ASCII", async (t) => {
    const odd = { "x-request-id": "\xff\xfe", "x-odd": "\x80\xe4" };
    const error = await statusOf(t, whole(404, "{}", odd), api("API_NOT_FOUND"));
    assert.equal(error.requestId, "\xff\xfe");
  });
});

describe("HTML pages in place of an answer", { concurrency: true }, () => {
  const titled = "<!doctype html><html><head><title>Sign in</title></head></html>";
  const bare = "<html><body><h1>It works!</h1></body></html>";
  const html = { "content-type": "text/html; charset=utf-8" };

  test("with status 200 are named, by their title if they have one", async (t) => {
    const where = "where JSON was expected$";
    for (const headers of [html, { "content-type": "application/json" }]) {
      await statusOf(
        t,
        whole(200, titled, headers),
        invalid(new RegExp(`HTML page \\(\`Sign in\`\\) ${where}`)),
      );
      await statusOf(t, whole(200, bare, headers), invalid(new RegExp(`HTML page ${where}`)));
    }
  });

  test("with an error status keep its code", async (t) => {
    for (const [status, code] of [
      [403, "API_FORBIDDEN"],
      [500, "API_SERVER_ERROR"],
      [502, "API_SERVER_ERROR"],
      [503, "API_SERVER_ERROR"],
      [504, "API_SERVER_ERROR"],
    ]) {
      const named = new RegExp(`^the server answered ${status} with an HTML page \\(\`Sign in\`\\)$`);
      await statusOf(t, whole(status, titled, html), api(code, { message: named }));
      await statusOf(t, whole(status, bare, html), api(code, { message: /with an HTML page$/ }));
    }
  });

  test("titles without end, empty titles and very long titles", async (t) => {
    for (const page of ["<title>Sign", "<title", "<title></title>", "<title>   </title>", "<titled>"]) {
      await statusOf(t, whole(503, page, html), api("API_SERVER_ERROR", { message: /HTML page$/ }));
    }
    const endless = `<title>${"long ".repeat(200_000)}</title>`;
    const error = await statusOf(t, whole(503, endless, html), api("API_SERVER_ERROR"));
    assert.ok(error.message.length < 300, error.message);
  });
});

describe("answers without a body", { concurrency: true }, () => {
  test("are errors if data is needed", async (t) => {
    for (const bytes of [whole(200), whole(200, "  \n"), head(204), whole(202), whole(205)]) {
      const driver = await answering(t, bytes);
      const calls = [driver.status("r"), driver.start(), driver.handle("r").result()];
      const outcomes = await Promise.allSettled(calls);
      assert.deepEqual(
        outcomes.map(({ reason }) => reason?.code),
        Array(3).fill("API_RESPONSE_INVALID"),
      );
    }
  });

  test("are accepted if no data is needed", async (t) => {
    for (const bytes of [whole(200), whole(202), head(204)]) {
      const server = await rawServer(t, async (peer) => {
        await peer.request();
        peer.end(bytes);
      });
      const driver = driverFor(server, once);
      assert.equal(await driver.cancel("r"), true);
      assert.equal(await driver.handle("r").signal("go"), undefined);
      const highway = new Highway({ endpoint: server.url, apiKey: "k", ...once });
      assert.equal(await highway.schedules.delete("s"), null);
      assert.equal(await highway.approvals.approve("a"), null);
      assert.equal(await highway.request("PUT", "/api/v1/any", { body: {} }), null);
    }
  });

  test("with an error status keep its code", async (t) => {
    for (const [status, code] of [
      [400, "API_BAD_REQUEST"],
      [401, "API_UNAUTHORIZED"],
      [404, "API_NOT_FOUND"],
      [500, "API_SERVER_ERROR"],
      [501, "API_NOT_IMPLEMENTED"],
    ]) {
      const error = await statusOf(t, whole(status), api(code, { message: /answered \d+$/ }));
      assert.equal(error.details.body, undefined);
    }
  });
});

checkLeftovers();
