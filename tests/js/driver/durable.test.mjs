// Durable tasks: a real Python reads and runs the uploaded archive, with a context that the tests provide.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { py } from "highway-wasm";
import {
  artifactServer,
  driverOn,
  entriesOf,
  lastArchive,
  noPython,
  runTasks,
  stopPython,
} from "../support/artifacts.mjs";
import { checkRejection } from "../support/errors.mjs";

after(stopPython);

/** Submits tasks, `{name: options}`, and runs them in Python from the uploaded archive. */
async function ran(t, tasks, prepare = () => {}) {
  const server = await artifactServer(t);
  const driver = driverOn(server);
  for (const [name, options] of Object.entries(tasks)) driver.task(name, options);
  prepare(driver);
  await driver.start();
  assert.equal(server.uploads().length, 1);
  const archive = await lastArchive(server);
  const [{ json: body }] = server.submissions();
  const outcomes = await runTasks(archive, body.workflow_definition);
  return { outcomes, entries: await entriesOf(archive), body };
}

/** The result of one task in Python. */
async function ranOne(t, durable, more = {}) {
  const { outcomes } = await ran(t, { work: { durable, ...more } });
  assert.deepEqual(Object.keys(outcomes), ["work"]);
  return outcomes.work.error ?? outcomes.work.result;
}

describe("functions run from the uploaded archive", { skip: noPython }, () => {
  test("with the context as first parameter, whatever its name", async (t) => {
    const options = { funcArgs: [1, "ü"], funcKwargs: { c: [null, true] } };
    for (const first of ["ctx", "context"]) {
      const source = `def work(${first}, a, b, c=None, d=4):\n    ${first}.set_variable("seen", a)\n    return [${first}.name, a, b, c, d]`;
      const { outcomes } = await ran(t, { work: { durable: source, ...options } });
      assert.deepEqual(outcomes.work, {
        result: ["ctx of work", 1, "ü", [null, true], 4],
        variables: { seen: 1 },
      });
    }
  });

  test("without the context, which they can request", async (t) => {
    for (const line of [
      "from .highway_context import get_context",
      "from driver_tasks.highway_context import get_context",
    ]) {
      const source = `${line}\n\ndef work(a, *rest, **more):\n    return [get_context().name, a, rest, more]`;
      const given = await ranOne(t, source, { funcArgs: [1, 2], funcKwargs: { k: 3 } });
      assert.deepEqual(given, ["ctx of work", 1, [2], { k: 3 }]);
    }
  });

  test("with a context while their task runs, and not afterwards", async (t) => {
    const source = py`
      import threading
      from . import highway_context

      def fails():
          highway_context.get_context()
          raise ValueError("on purpose")

      def work(ctx):
          try:
              return highway_context.get_context()
          except RuntimeError as error:
              return str(error)`;
    const { outcomes } = await ran(t, { fails: { durable: source }, work: { durable: source } });
    assert.equal(outcomes.fails.error, "ValueError: on purpose");
    assert.match(outcomes.work.result, /get_context\(\)/);
  });

  test("may be asynchronous and return an awaitable", async (t) => {
    const source =
      "import asyncio\n\nasync def work(ctx, n):\n    await asyncio.sleep(0)\n    return [ctx.name, n]";
    assert.deepEqual(await ranOne(t, source, { funcArgs: [5] }), { awaited: ["ctx of work", 5] });
  });

  // As in Python's driver 0.9.1: the context no longer exists when the function's result is awaited.
  test("that are asynchronous cannot request the context, and must take it as a parameter", async (t) => {
    const source = py`
      from .highway_context import get_context

      async def work():
          return get_context().name`;
    assert.match(await ranOne(t, source), /^RuntimeError: get_context\(\)/);
  });

  test("of the task's name run, otherwise the last one", async (t) => {
    const source = "def work(ctx):\n    return 'mine'\n\ndef other(ctx):\n    return 'other'";
    assert.equal(await ranOne(t, source), "mine");
    assert.equal(await ranOne(t, source.replaceAll("work", "first")), "other");
  });

  test("with helpers, constants, classes and imports", async (t) => {
    const source = py`
      import json
      from dataclasses import dataclass
      from functools import lru_cache

      LIMIT = 3

      @dataclass
      class Order:
          number: int
          note: str = "none"

          def doubled(self):
              return self.number * 2

      @lru_cache
      def helper(n):
          # A comment with 'quotes' and "more".
          return Order(n).doubled() + LIMIT

      def work(ctx, n):
          text = """
      a text over
          several lines"""
          return json.loads(json.dumps({"n": helper(n), "text": text, "note": Order(1).note}))`;
    const given = await ranOne(t, source, { funcArgs: [2] });
    assert.deepEqual(given, { n: 7, text: "\na text over\n    several lines", note: "none" });
  });

  test("with indented source, Windows line ends, and everything that Python can print", async (t) => {
    assert.equal(await ranOne(t, "\r\n    def work(ctx):\r\n        return 'a'\r\n"), "a");
    assert.equal(await ranOne(t, "\n\tdef work(ctx):\n\t\treturn 'tab'\n\n"), "tab");
    const odd = String.raw`def work(ctx):
    return ["ü💥 \u00e9", r"\d{2}", '''a'b"c''', f"{1 + 1}", "{{not.a.template}}"]`;
    assert.deepEqual(await ranOne(t, odd), ["ü💥 é", "\\d{2}", "a'b\"c", "2", "{{not.a.template}}"]);
  });
});

describe("without the decorators that register a task", { skip: noPython }, () => {
  const decorated = {
    "on one line": "@driver.task(durable=True)",
    "over several lines": '@driver.task(\n    durable=True,\n    func_args=["a", (1, 2)],\n)',
    "several of them": "@driver.task(durable=True)\n@other.thing\n# a comment between them",
    "with a table": '@driver.task({\n    "durable": True,\n})',
    "with a list": '@driver.task(durable=True, depends=[\n    "a",\n])',
    "with an empty line below": "@driver.task(durable=True)\n",
    "closed at the margin": "@driver.task(\ndurable=True\n)",
    "with a bracket in a text and in a comment": "@driver.task('(',  # (\n    \"[\", '\\'{')",
    "with a text over several lines": '@driver.task("""(\ndef no():\n""")',
    "with lines that go on": "@driver.task \\\n(durable=True, name='a\\\n@b')",
  };
  for (const [how, lines] of Object.entries(decorated)) {
    test(how, async (t) => {
      assert.equal(
        await ranOne(t, `import json\n${lines}\ndef work(ctx):\n    return ctx.name`),
        "ctx of work",
      );
      assert.equal(await ranOne(t, `${lines}\ndef work(ctx):\n    return 1\n`), 1);
    });
  }

  test("with the decorators of other functions", async (t) => {
    const source = py`
      def twice(function):
          return lambda *args: [function(*args), function(*args)]

      @twice
      def helper(n):
          return n + 1

      @driver.task(durable=True)
      def work(ctx, n):
          @twice
          def inner():
              return "in"
          return [helper(n), inner()]`;
    assert.deepEqual(await ranOne(t, source, { funcArgs: [1] }), [
      [2, 2],
      ["in", "in"],
    ]);
  });

  test("that are asynchronous, without such decorators", async (t) => {
    const source = "@driver.task(durable=True)\nasync def work(ctx):\n    return 2";
    assert.deepEqual(await ranOne(t, source), { awaited: 2 });
  });

  test("without such decorators for each task of a module", async (t) => {
    const source = py`
      @driver.task(durable=True)
      def first(ctx):
          return "first"

      @driver.task(durable=True, depends=["first"])
      def second(ctx):
          return "second after " + first(ctx)`;
    const { outcomes } = await ran(t, { first: { durable: source }, second: { durable: source } });
    assert.equal(outcomes.first.result, "first");
    assert.equal(outcomes.second.result, "second after first");
  });
});

describe("several sources in one package", { skip: noPython }, () => {
  test("each run their own function, including loops", async (t) => {
    const { outcomes, entries, body } = await ran(
      t,
      {
        a: { durable: "import json\ndef a(ctx):\n    return json.dumps([ctx.name])" },
        b: { durable: "def bee(ctx, n):\n    return n", funcArgs: [7] },
        plain: { py: "def plain():\n    return 1" },
      },
      (driver) => {
        driver.whileLoop("spin", { condition: "{{n}} < 3", py: "def spin(ctx):\n    return 'round'" });
        driver.whileLoop("plainly", { condition: "{{n}} < 3", py: "def p(): return 1", durable: false });
      },
    );
    assert.deepEqual(
      [outcomes.a.result, outcomes.b.result, outcomes.spin_body.result],
      ['["ctx of a"]', 7, "round"],
    );
    assert.deepEqual(Object.keys(outcomes).sort(), ["a", "b", "spin_body"]);
    assert.deepEqual(Object.keys(entries), [
      "driver_tasks/__init__.py",
      "driver_tasks/_source_1.py",
      "driver_tasks/_source_2.py",
      "driver_tasks/highway_context.py",
      "driver_tasks/tasks.py",
    ]);
    const paths = Object.values(body.workflow_definition.tasks).map(({ args }) => args?.[0]);
    assert.ok(paths.includes("driver_tasks.tasks._hw_bee"));
  });

  test("may serve several tasks, also with other arguments", async (t) => {
    const durable = "def shared(ctx, n=0):\n    return n * 2";
    const { outcomes, entries } = await ran(t, {
      a: { durable },
      b: { durable, funcArgs: [2] },
      c: { durable, funcKwargs: { n: 3 } },
    });
    assert.deepEqual([outcomes.a.result, outcomes.b.result, outcomes.c.result], [0, 4, 6]);
    assert.equal(entries["driver_tasks/tasks.py"].match(/^def shared/gm).length, 1);
  });

  for (const [how, lines] of Object.entries({
    plain: "from __future__ import annotations",
    "with a comment": "from __future__ import annotations, generator_stop  # why",
    "in brackets": "from __future__ import (\n    annotations,\n    generator_stop,\n)",
    "below a text": '"""What this is for."""\nfrom __future__ import annotations',
    "with wide blanks": "from  __future__  import annotations",
    "with a line that goes on": "from __future__ import annotations, \\\n    generator_stop",
    "before another statement": "from __future__ import annotations; import json",
    "of another kind alone": "from __future__ import generator_stop",
    "which are none, but in a text": '"""About\nfrom __future__ import braces\n"""',
  })) {
    test(`may have lines from \`__future__\`, ${how}, after other sources`, async (t) => {
      const source = `${lines}\n\ndef work(ctx, n: "int" = 1) -> Later:\n    return n`;
      const other = "def other(ctx): return 0";
      const { outcomes } = await ran(t, { other: { durable: other }, work: { durable: source } });
      assert.equal(outcomes.work.result, 1, outcomes.work.error);
    });
  }

  test("declared in another encoding are UTF-8 all the same", async (t) => {
    const source = "# -*- coding: latin-1 -*-\ndef work(ctx):\n    return 'größe'";
    assert.equal(await ranOne(t, source), "größe");
  });

  test("with two functions of the same name, or without a function, are refused", async (t) => {
    const server = await artifactServer(t);
    const refused = (message) => ({ name: "TaskDefinitionError", code: "PACKAGE_INVALID", message });
    const clash = driverOn(server);
    clash.task("a", { durable: "def run(): return 1" });
    clash.task("b", { durable: "def run(): return 2" });
    const error = await checkRejection(clash.start(), { ...refused(/`a` and `b`.*`run`/), path: "/tasks/b" });
    assert.match(error.help, /rename/);
    const script = driverOn(server);
    script.task("s", { durable: "print(1)" });
    const none = await checkRejection(script.start(), { ...refused(/no function/), path: "/tasks/s" });
    assert.match(none.help, /def/);
    assert.equal(server.requests.length, 0);
  });

  /** The results of the tasks `a` and `b`, each with its own source. */
  async function ranBoth(t, a, b) {
    const { outcomes } = await ran(t, { a: { durable: a }, b: { durable: b } });
    return [outcomes.a.error ?? outcomes.a.result, outcomes.b.error ?? outcomes.b.result];
  }

  for (const [what, first, second, value] of [
    ["constants", "LIMIT = 1", "LIMIT = 2", "LIMIT"],
    ["helpers", "def help(): return 1", "def help(): return 2", "help()"],
    ["classes", "class Thing: n = 1", "class Thing: n = 2", "Thing.n"],
    ["constants of several names", "A, B = 0, 1", "(B) = 2", "B"],
    ["constants below a condition", "if True:\n    N = 1", "if True:\n    N = 2", "N"],
  ]) {
    test(`with two ${what} of the same name do not replace each other`, async (t) => {
      const source = (name, line) => `${line}\n\ndef ${name}(ctx):\n    return ${value}`;
      assert.deepEqual(await ranBoth(t, source("a", first), source("b", second)), [1, 2]);
    });
  }

  test("with modules of the same name as imports from them do not replace each other", async (t) => {
    const first = "import datetime\ndef a(ctx): return datetime.date(2026, 1, 2).year";
    const second = "from datetime import datetime\ndef b(ctx): return datetime(2027, 1, 2).year";
    assert.deepEqual(await ranBoth(t, first, second), [2026, 2027]);
  });

  test("can call each other's functions, as in the single module of Python's driver", async (t) => {
    const first = "def a(ctx, n=1):\n    return n if n > 1 else b(ctx, n + 1)";
    const second = "def b(ctx, n=2):\n    return a(ctx, n + 1) * 10";
    assert.deepEqual(await ranBoth(t, first, second), [30, 30]);
  });

  test("prefer their own helper to the task of that name", async (t) => {
    const first = "def b(): return 'helper'\ndef a(ctx): return b()";
    assert.deepEqual(await ranBoth(t, first, "def b(ctx): return 'task'"), ["helper", "task"]);
  });
});
