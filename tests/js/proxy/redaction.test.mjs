// What a page must not see of an answer, in any spelling: the key, and definitions.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { definitionOf, KEY, proxyFor } from "../support/proxy.mjs";

const run = { workflow_run_id: "r", workflow_name: "greeting", status: "running" };
const hexOf = (char) => char.charCodeAt(0).toString(16).padStart(2, "0");
/** Answers every request below a run with this text. */
const answering = (text, headers = { "content-type": "application/json" }) =>
  proxyFor({}, ({ path }) => (path.endsWith("/r") ? run : new Response(text, { headers })));
const shownOf = async (text, headers) => (await answering(text, headers).ask("GET workflows/r/events")).text;
const eventStream = { "content-type": "text/event-stream" };
/** The stream that a page gets for these pieces. */
async function streamed(pieces) {
  const body = () => ReadableStream.from(pieces.map((piece) => Buffer.from(piece)));
  const { ask } = proxyFor({}, ({ path }) =>
    path.endsWith("/stream") ? new Response(body(), { headers: eventStream }) : run,
  );
  return (await ask("GET workflows/r/stream")).text;
}

const spelled = (spell) => (text) => Array.from(text, spell).join("");
const escaped = spelled((char) => `\\u00${hexOf(char)}`);
const SPELLINGS = {
  "as it is": (text) => text,
  "in JSON escapes": escaped,
  "in JSON escapes of capitals": spelled((char) => `\\u00${hexOf(char).toUpperCase()}`),
  "half in JSON escapes": spelled((char) => (char === "s" ? "\\u0073" : char)),
  "in JSON within JSON": (text) => JSON.stringify(escaped(text)).slice(1, -1),
  "in JSON within JSON within JSON": (text) =>
    JSON.stringify(JSON.stringify(escaped(text))).replace(/^"|"$/g, ""),
  "percent-encoded": spelled((char) => `%${hexOf(char)}`),
  "percent-encoded in capitals": spelled((char) => `%${hexOf(char).toUpperCase()}`),
  "percent-encoded twice": spelled((char) => `%25${hexOf(char)}`),
  "percent-encoded in part": (text) => text.replaceAll("-", "%2D").replaceAll("_", "%5f"),
  "in references of HTML": spelled((char) => `&#${char.charCodeAt(0)};`),
  "in hexadecimal references of HTML": spelled((char) => `&#x00${hexOf(char).toUpperCase()};`),
  "in escapes of JavaScript": spelled((char) => `\\x${hexOf(char)}`),
  "in hexadecimal digits": (text) => Buffer.from(text).toString("hex"),
  "in octal escapes": spelled((char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`),
  "in names of HTML": (text) => text.replaceAll("_", "&lowbar;").replaceAll("-", "&hyphen;"),
  "in hexadecimal digits with blanks": (text) => Buffer.from(text).toString("hex").replace(/..\B/g, "$& "),
  "in base64": btoa,
  "in base64 with something before": (text) => btoa(`me:${text}`),
  "in base64 with something around": (text) => btoa(`{"key":"${text}"}`),
  "in base64 for addresses": (text) => Buffer.from(`~~~${text}~~~`).toString("base64url"),
  "in base64 with escapes of JSON": (text) => btoa(`??>${text}>??`).replaceAll("/", "\\/"),
};

describe("the key is in no answer", { concurrency: true }, () => {
  for (const [what, spell] of Object.entries(SPELLINGS)) {
    test(what, async () => {
      const written = spell(KEY);
      // The part that must not remain: most of the written form, whatever is around it.
      const core = written.slice(Math.floor(written.length / 4), Math.floor((written.length * 3) / 4));
      for (const text of [
        `{"message":"bad key ${written} of ${written}"}`,
        `{"${written}":[1,{"a":"${written}"}]}`,
        `key=${written}&x=1`,
      ]) {
        const shown = await shownOf(text);
        assert.ok(!shown.includes(core), shown);
        assert.match(shown, /\[API key\]/);
      }
      const { headers } = await answering("{}", {
        "content-type": "application/json",
        "x-request-id": written.replaceAll("\\", ""),
      }).ask("GET workflows/r/events");
      assert.ok(!headers["x-request-id"].includes(core) || what.includes("escapes"), headers["x-request-id"]);
      for (const size of [1, 7, 50]) {
        const event = `data: {"key":"${written}"}\n\n`;
        const shown = await streamed(event.match(new RegExp(`[^]{1,${size}}`, "g")));
        assert.ok(!shown.includes(core), shown);
        assert.match(shown, /^data: \{"key":.*\[API key\]/);
      }
    });
  }

  test("with characters that have a meaning in patterns, JSON and URLs", async () => {
    const key = "a+b/c.d*(e)[f]{g}^$|?\\\"'&%#~";
    const { ask } = proxyFor({ apiKey: key }, ({ path }) =>
      path.endsWith("/r") ? run : { as: key, form: encodeURIComponent(key), base64: btoa(`:${key}`) },
    );
    const { data } = await ask("GET workflows/r/events");
    assert.deepEqual(data.as, "[API key]");
    assert.ok(!data.form.includes("%2Fc"), data.form);
    assert.ok(!data.base64.includes(btoa(`:${key}`).slice(8, 24)), data.base64);
  });

  test("the rest is the same JSON", async () => {
    const body = { a: `\\${KEY}`, b: `"${KEY}"`, c: [`\n${KEY}\\`], [`k${KEY}`]: 12 };
    const shown = JSON.parse(await shownOf(JSON.stringify(body)));
    assert.deepEqual(shown.b, '"[API key]"');
    assert.deepEqual(shown["k[API key]"], 12);
    assert.equal(shown.c[0], "\n[API key]\\");
  });

  test("as a list of numbers, which is replaced by another number", async () => {
    const list = [1, ...Buffer.from(KEY), 2];
    for (const blanks of [0, 1]) {
      const shown = JSON.parse(await shownOf(JSON.stringify({ list }, null, blanks)));
      assert.deepEqual(shown, { list: [1, 0, 2] });
    }
  });

  test("at any position of a large answer", async () => {
    for (const where of [65_500, 65_536, 70_000, 200_000]) {
      for (const written of [KEY, escaped(escaped(KEY)), btoa(KEY)]) {
        const shown = await shownOf(JSON.stringify({ a: "x ".repeat(where / 2), b: written, c: 1 }));
        const { a, b, c } = JSON.parse(shown);
        assert.deepEqual([a.length, c], [where, 1]);
        assert.match(b, /^.{0,2}\[API key\].{0,4}$/);
      }
    }
  });

  test("a text that is designed to slow the search down takes no longer than others", async () => {
    for (const part of ["\\", "%25", "%2525", "&#0", "hw_k1_", `\\u00`, btoa(KEY).slice(0, 12)]) {
      const text = part.repeat(Math.ceil(2_000_000 / part.length));
      assert.equal((await shownOf(text, { "content-type": "text/plain" })).length, text.length);
    }
  });
});

describe("a definition is in no answer", { concurrency: true }, () => {
  const definition = definitionOf("greeting", { secret: "of the server" });
  const NAME = "workflow_definition";
  const member = JSON.stringify({ run: 1, [NAME]: definition, last: 2 });

  for (const name of [NAME, "definition_json", "json_dsl", "python_dsl"]) {
    test(`as \`${name}\`, first, last, alone, deep`, async () => {
      for (const [body, left] of [
        [{ [name]: definition, a: 1 }, { a: 1 }],
        [{ a: 1, [name]: definition }, { a: 1 }],
        [{ a: [{ [name]: "text, with } and \\" }, { b: { [name]: null } }] }, { a: [{}, { b: {} }] }],
        [{ [name]: [definition, [1]], [`${name}s`]: 3 }, { [`${name}s`]: 3 }],
      ]) {
        assert.deepEqual(JSON.parse(await shownOf(JSON.stringify(body))), left);
        assert.deepEqual(JSON.parse(await shownOf(JSON.stringify(body, null, 2))), left);
      }
    });
  }

  test("twice, and with the name in escapes", async () => {
    const text = member.replaceAll(NAME, escaped(NAME));
    assert.deepEqual(JSON.parse(await shownOf(text)), { run: 1, last: 2 });
    const twice = `{"${NAME}":1,"a":[],"${escaped(NAME)}":{"x":[{}]}}`;
    assert.equal(await shownOf(twice), '{"a":[]}');
  });

  test("as JSON in a text, and in a text within that", async () => {
    const inside = JSON.stringify({ note: member });
    const shown = JSON.parse(await shownOf(JSON.stringify({ data: { log: inside, n: 1 } })));
    assert.deepEqual(JSON.parse(JSON.parse(shown.data.log).note), { run: 1, last: 2 });
  });

  for (const [what, encode] of [
    ["base64", btoa],
    ["base64 for addresses", (text) => Buffer.from(text).toString("base64url")],
    ["a form", (text) => `body=${encodeURIComponent(text).replaceAll("_", "%5F")}`],
    ["hexadecimal digits", (text) => Buffer.from(text).toString("hex")],
  ]) {
    test(`encoded as ${what}`, async () => {
      const encoded = encode(member);
      const { a, b } = JSON.parse(await shownOf(JSON.stringify({ a: encoded, b: 1 })));
      const before = a.slice(0, -"[definition]".length);
      assert.equal(a, `${before}[definition]`);
      assert.ok(encoded.startsWith(before) && before.length < 40, before);
      assert.equal(b, 1);
      assert.equal(await shownOf(`first\n${encoded}\nlast`), `first\n${a}\nlast`);
    });
  }

  for (const [what, text] of [
    ["behind words", `log: ${member}`],
    ["before words", `${member} was sent`],
    ["as Python shows it", `sent {'${NAME}': {'name': 'x', 'of the server': 1}}`],
    ["in braces behind a name", `${NAME}={"of the server":1}`],
    ["over several lines", `log: {"${NAME}": {\n "name": "x",\n "a": "of the server"}}`],
    ["with its name in capitals", JSON.stringify({ Workflow_Definition: definition })],
  ]) {
    test(`inside a text, however deep: ${what}`, async () => {
      let body = text;
      for (let depth = 0; depth < 5; depth++) {
        const shown = await shownOf(body);
        assert.doesNotMatch(shown, /of the server|greeting/);
        if (depth > 0) JSON.parse(shown);
        body = JSON.stringify({ a: `${depth}: `.repeat(depth % 2) + body, b: 1 });
      }
    });
  }

  test("in more texts than are read as JSON, at any depth", async () => {
    const texts = Array(5000).fill(member);
    const shown = await shownOf(JSON.stringify({ texts, last: 1 }));
    assert.doesNotMatch(shown, /of the server/);
    assert.equal(JSON.parse(shown).texts.length, 5000);
    assert.equal(JSON.parse(shown).last, 1);
    let deep = member;
    for (let depth = 0; depth < 12; depth++) deep = JSON.stringify([deep]);
    assert.doesNotMatch(await shownOf(deep), /of the server/);
  });

  test("the name of one is an ordinary word", async () => {
    for (const text of [
      JSON.stringify({ a: Array(10_000).fill("json_dsl"), b: "no json_dsl: it is missing" }),
      `${NAME} is missing\njson_ds\\u006c\n`,
    ]) {
      assert.equal(await shownOf(text), text);
    }
  });

  test("in lines of JSON", async () => {
    assert.equal(
      await shownOf(`${member}\nplain\r\n${member}`),
      '{"run":1,"last":2}\nplain\r\n{"run":1,"last":2}',
    );
  });

  test("over several data lines of an event", async () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const lines = JSON.stringify(JSON.parse(member), null, 1).split("\n");
      const event = ["id: 7", "event: x", ...lines.map((line) => `data: ${line}`), "retry: 5", "", ""].join(
        end,
      );
      for (const pieces of [[event, event], [...(event + event)]]) {
        const shown = await streamed(pieces);
        assert.doesNotMatch(shown, /of the server|workflow_definition/);
        const events = shown.split(end + end).slice(0, -1);
        assert.equal(events.length, 2, JSON.stringify(shown));
        for (const one of events) {
          const all = one.split(/\r\n|\n|\r/);
          const data = all
            .filter((line) => line.startsWith("data: "))
            .map((line) => line.slice(6))
            .join("\n");
          assert.deepEqual(JSON.parse(data), { run: 1, last: 2 });
          assert.ok(all.includes("id: 7") && all.includes("event: x") && all.includes("retry: 5"), one);
        }
      }
    }
  });

  test("events without one stay the same, byte by byte", async () => {
    const text =
      ': hello\n\ndata\ndata:a\ndata:  b\n\rdata: {"x":\r\ndata: 12345678901234567890}\r\n\r\nevent: e\r\rdata: c';
    for (const pieces of [[text], [...text]]) assert.equal(await streamed(pieces), text);
  });

  test("numbers next to one keep their digits", async () => {
    const text = `{"data": {"a":12345678901234567890.10, "${NAME}":{"tasks":{}}, "b":1e400}}`;
    assert.equal(await shownOf(text), '{"data": {"a":12345678901234567890.10, "b":1e400}}');
  });
});

test("an answer with very many definitions loses each of them, and its commas", async () => {
  const items = (member) => `[${Array(50_000).fill(member).join(" , ")}]`;
  const shown = await shownOf(`{"a":${items('{"b":[1] , "json_dsl":{"c":"}"} }')}}`);
  assert.equal(shown, `{"a":${items('{"b":[1] }')}}`);
});
