// Packages of durable tasks: folders on disk and packages as data, which Python reads and runs from the uploaded
// archive.
import assert from "node:assert/strict";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { after, describe, test } from "node:test";
import {
  artifactServer,
  driverOn,
  entriesOf,
  folderWith,
  lastArchive,
  noPython,
  runTasks,
  stopPython,
} from "../support/artifacts.mjs";
import { checkRejection, checkThrown } from "../support/errors.mjs";

after(stopPython);

const RUN = 'def run(ctx, n=0):\n    return [ctx.name, n, "here"]\n';
const refused = (more = {}) => ({ name: "TaskDefinitionError", code: "PACKAGE_INVALID", ...more });
const durable = (source, more = {}) => ({ durable: true, package: source, entrypoint: "main:run", ...more });

/** Submits a driver. Returns the archive, and the results of its tasks in Python. */
async function submitted(server, driver) {
  await driver.start();
  const archive = await lastArchive(server);
  const { workflow_definition } = server.submissions().at(-1).json;
  return {
    archive,
    entries: await entriesOf(archive),
    outcomes: await runTasks(archive, workflow_definition),
  };
}

/** {@link submitted} for the tasks of a new driver. */
async function ran(t, tasks) {
  const server = await artifactServer(t);
  const driver = driverOn(server);
  for (const [name, options] of Object.entries(tasks)) driver.task(name, options);
  return await submitted(server, driver);
}

describe("a package on disk", { skip: noPython }, () => {
  test("contains its Python files, and no hidden, compiled or other files", async (t) => {
    const folder = folderWith(t, {
      "orders/main.py":
        "from .sub.deep import helper\nfrom orders.sub import deep\n\ndef run(ctx, n=0):\n    return [ctx.name, helper(n), deep.__name__]\n",
      "orders/sub/__init__.py": "",
      "orders/sub/deep.py": "def helper(n):\n    return n + 1\n",
      "orders/sub/__pycache__/deep.cpython-311.pyc": "compiled",
      "orders/__pycache__/main.py": "never",
      "orders/.hidden/secret.py": "never",
      "orders/.git/config.py": "never",
      "orders/data.json": "{}",
      "orders/notes.pyi": "never",
      "orders/native.pyc": "never",
      "orders/README": "never",
      "orders/empty/keep.txt": "",
    });
    const task = durable(join(folder, "orders"), { funcArgs: [4] });
    const { entries, outcomes } = await ran(t, { work: task });
    assert.deepEqual(Object.keys(entries).sort(), [
      "orders/__init__.py",
      "orders/highway_context.py",
      "orders/main.py",
      "orders/sub/__init__.py",
      "orders/sub/deep.py",
    ]);
    assert.equal(entries["orders/sub/__init__.py"], "");
    assert.deepEqual(outcomes.work.result, ["ctx of work", 5, "orders.sub.deep"]);
  });

  test("keeps its own files", async (t) => {
    const folder = folderWith(t, {
      "orders/main.py":
        "from .highway_context import mine\nfrom . import here\n\ndef run(ctx):\n    return [mine, here]\n",
      "orders/__init__.py": "here = 'own init'\n",
      "orders/highway_context.py": "mine = 'own context'\n",
    });
    const { entries, outcomes } = await ran(t, { work: durable(join(folder, "orders")) });
    assert.equal(Object.keys(entries).length, 3);
    assert.deepEqual(outcomes.work.result, ["own context", "own init"]);
  });

  /** The result of the package `orders` in a folder. `name` makes the path in the option from the folder. */
  async function ranFrom(t, name) {
    const folder = folderWith(t, { "orders/main.py": RUN, "orders/sub/keep.py": "" });
    const { outcomes } = await ran(t, { work: durable(name(folder)) });
    return outcomes.work.error ?? outcomes.work.result;
  }
  const expected = ["ctx of work", 0, "here"];

  test("may have any folder name", async (t) => {
    for (const path of ["orders", "orders/", "orders///", "./orders", "orders/../orders"]) {
      assert.deepEqual(await ranFrom(t, (folder) => `${folder}/${path}`), expected, path);
    }
    assert.deepEqual(await ranFrom(t, (folder) => relative(process.cwd(), join(folder, "orders"))), expected);
  });

  test("by a path that ends in dots", async (t) => {
    for (const path of ["orders/.", "orders/sub/.."]) {
      assert.deepEqual(await ranFrom(t, (folder) => `${folder}/${path}`), expected, path);
    }
  });

  test("by a path without a name at its end, as long as it has one", async (t) => {
    const driver = driverOn(await artifactServer(t));
    driver.task("here", durable("."));
    const { args } = driver.build().tasks.here;
    assert.deepEqual(args, [`${basename(process.cwd())}.main.run`]);
    checkThrown(() => driver.task("work", durable("/")), refused({ path: "/package" }));
  });

  test("by a link, whose name it then gets", async (t) => {
    const folder = folderWith(t, { "real/main.py": RUN });
    symlinkSync(join(folder, "real"), join(folder, "linked"));
    const { outcomes, entries } = await ran(t, { work: durable(join(folder, "linked")) });
    assert.deepEqual(outcomes.work.result, expected);
    assert.ok("linked/main.py" in entries);
  });

  test("without Python files is refused", async (t) => {
    const folder = folderWith(t, { "orders/notes.txt": "" });
    const server = await artifactServer(t);
    const driver = driverOn(server);
    driver.task("work", durable(join(folder, "orders")));
    await checkRejection(driver.start(), refused({ message: /no files/, path: "/tasks/work" }));
    assert.equal(server.requests.length, 0);
  });

  test("with files that are not UTF-8 is refused, and nothing is sent", async (t) => {
    const latin = Buffer.from(
      "# -*- coding: latin-1 -*-\ndef run(ctx):\n    return 'gr\xfc\xdfe'\n",
      "latin1",
    );
    const folder = folderWith(t, { "orders/main.py": RUN, "orders/sub/latin.py": latin });
    const server = await artifactServer(t);
    const driver = driverOn(server);
    driver.task("wo/rk", durable(join(folder, "orders")));
    const expected = refused({ message: /orders.*`sub\/latin\.py` is not UTF-8/, path: "/tasks/wo~1rk" });
    const error = await checkRejection(driver.start(), expected);
    assert.match(error.help, /UTF-8/);
    assert.equal(server.requests.length, 0);
  });

  test("keeps line ends and byte order marks", async (t) => {
    const windows = "def other(ctx):\r\n    return 1\r\n";
    const folder = folderWith(t, {
      "orders/main.py": RUN,
      "orders/windows.py": windows,
      "orders/mark.py": "\ufeffx = 'ü'\n",
    });
    const { entries } = await ran(t, { work: durable(join(folder, "orders")) });
    assert.equal(entries["orders/windows.py"], windows);
    assert.equal(entries["orders/mark.py"], Buffer.from("\ufeffx = 'ü'\n").toString("latin1"));
  });

  test("gives the same bytes for the same files, in whatever order they were created", async (t) => {
    const names = ["main.py", "a.py", "z.py", "b/c.py", "b/a.py", "Z.py", "m.py"];
    const archives = [];
    for (const order of [names, [...names].reverse(), [...names].sort()]) {
      const folder = folderWith(t, {});
      for (const name of order) {
        mkdirSync(join(folder, "orders", "b"), { recursive: true });
        writeFileSync(join(folder, "orders", name), name === "main.py" ? RUN : `# ${name}\n`);
      }
      // A renamed file has another position in its folder.
      renameSync(join(folder, "orders", order[0]), join(folder, "orders", "moved.py"));
      renameSync(join(folder, "orders", "moved.py"), join(folder, "orders", order[0]));
      archives.push((await ran(t, { work: durable(join(folder, "orders")) })).archive);
    }
    assert.deepEqual(archives[1], archives[0]);
    assert.deepEqual(archives[2], archives[0]);
  });

  test("is read when it is submitted", async (t) => {
    const folder = folderWith(t, { "orders/main.py": RUN });
    const server = await artifactServer(t);
    const driver = driverOn(server);
    driver.task("work", durable(join(folder, "orders")));
    await driver.start();
    writeFileSync(join(folder, "orders/main.py"), RUN.replace("here", "changed"));
    const { outcomes } = await submitted(server, driver);
    assert.deepEqual(outcomes.work.result, ["ctx of work", 0, "changed"]);
  });

  test("that does not exist, or is a file, is an error, and nothing is sent", async (t) => {
    const folder = folderWith(t, { "file.py": "" });
    const server = await artifactServer(t);
    for (const [path, reason] of [
      ["missing", /ENOENT/],
      ["file.py", /ENOTDIR/],
    ]) {
      const driver = driverOn(server);
      driver.task("work", durable(join(folder, path)));
      const expected = refused({ message: reason, path: "/tasks/work" });
      const error = await checkRejection(driver.start(), expected);
      assert.match(error.message, new RegExp(basename(path)));
    }
    assert.equal(server.requests.length, 0);
  });
});

describe("a package as data", { skip: noPython }, () => {
  test("has its files as given, plus missing ones", async (t) => {
    const files = {
      "main.py": "from .sub import value\n\ndef run(ctx, n=0):\n    return [ctx.name, n, value]\n",
      "sub/__init__.py": "value = 'größe 💥'\n",
      "data.json": "{}",
    };
    const source = { name: "orders", files };
    const { entries, outcomes } = await ran(t, { work: durable(source, { funcKwargs: { n: 3 } }) });
    assert.deepEqual(outcomes.work.result, ["ctx of work", 3, "größe 💥"]);
    assert.deepEqual(Object.keys(entries).sort(), [
      "orders/__init__.py",
      "orders/data.json",
      "orders/highway_context.py",
      "orders/main.py",
      "orders/sub/__init__.py",
    ]);
    assert.deepEqual(source, { name: "orders", files }, "what was given is left alone");
  });

  test("may have its files in any order", async (t) => {
    const files = { "main.py": RUN, "a.py": "# a\n", "b.py": "# b\n" };
    const reversed = Object.fromEntries(Object.entries(files).reverse());
    const archives = [];
    for (const given of [files, reversed]) {
      archives.push((await ran(t, { work: durable({ name: "orders", files: given }) })).archive);
    }
    assert.deepEqual(archives[1], archives[0]);
  });

  test("is refused at registration if it is not valid", async (t) => {
    const server = await artifactServer(t);
    const driver = driverOn(server);
    const files = { "main.py": RUN };
    for (const [source, path] of [
      [{ files }, "/package/name"],
      [{ name: "", files }, "/package/name"],
      [{ name: "my-orders", files }, "/package/name"],
      [{ name: "my.orders", files }, "/package/name"],
      [{ name: "../orders", files }, "/package/name"],
      [{ name: 5, files }, "/package/name"],
      [{ name: "orders" }, "/package/files"],
      [{ name: "orders", files: null }, "/package/files"],
      [{ name: "orders", files: { "main.py": 5 } }, "/package/files"],
      [{ name: "orders", files: { "main.py": new Uint8Array(1) } }, "/package/files"],
      [{ name: "orders", files: { "../main.py": "" } }, "/package/files"],
      [{ name: "orders", files: { "a/../main.py": "" } }, "/package/files"],
      [{ name: "orders", files: { "/main.py": "" } }, "/package/files"],
      [{ name: "orders", files: { "a//main.py": "" } }, "/package/files"],
      [{ name: "orders", files: { "./main.py": "" } }, "/package/files"],
      [{ name: "orders", files: { "": "" } }, "/package/files"],
      [{ name: "orders", files: { "..\\..\\evil.py": "" } }, "/package/files"],
      [{ name: "orders", files: { "C:\\main.py": "" } }, "/package/files"],
      [{ name: "orders", files: { "C:main.py": "" } }, "/package/files"],
      [{ name: "orders", files: { "main.py\0": "" } }, "/package/files"],
      [{ name: "1orders", files }, "/package/name"],
    ]) {
      checkThrown(() => driver.task("work", durable(source)), refused({ path }));
    }
    assert.deepEqual(driver.tasks, {});
  });

  test("may have a file whose name begins with a digit: Python finds modules by any name", async (t) => {
    const source = { name: "orders", files: { "1st.py": RUN } };
    const { outcomes } = await ran(t, { work: durable(source, { entrypoint: "1st:run" }) });
    assert.deepEqual(outcomes.work.result, ["ctx of work", 0, "here"]);
  });

  test("has the files that it had when the task was registered", async (t) => {
    const server = await artifactServer(t);
    const driver = driverOn(server);
    const files = { "main.py": RUN };
    driver.task("work", durable({ name: "orders", files }));
    files["main.py"] = "changed";
    const { outcomes } = await submitted(server, driver);
    assert.equal(outcomes.work.result[2], "here");
  });

  test("without files is refused", async (t) => {
    const server = await artifactServer(t);
    const driver = driverOn(server);
    driver.task("work", durable({ name: "orders", files: {} }));
    await checkRejection(driver.start(), refused({ path: "/tasks/work" }));
    assert.equal(server.requests.length, 0);
  });
});

describe("several packages", { skip: noPython }, () => {
  test("share one archive, with functions that are given as source", async (t) => {
    const folder = folderWith(t, { "disk/main.py": RUN.replace("here", "disk") });
    const { entries, outcomes } = await ran(t, {
      disk: durable(join(folder, "disk")),
      data: durable({ name: "data", files: { "main.py": RUN.replace("here", "data") } }),
      again: durable({ name: "data", files: { "main.py": RUN.replace("here", "data") } }, { funcArgs: [2] }),
      source: { durable: "def source(ctx):\n    return 'source'" },
    });
    assert.deepEqual(outcomes.disk.result, ["ctx of disk", 0, "disk"]);
    assert.deepEqual(outcomes.data.result, ["ctx of data", 0, "data"]);
    assert.deepEqual(outcomes.again.result, ["ctx of again", 2, "data"]);
    assert.equal(outcomes.source.result, "source");
    assert.equal(Object.keys(entries).length, 9);
  });

  /** Checks that two packages that cannot share an archive are refused before anything is sent. */
  async function checkRefused(t, first, second, expected) {
    const server = await artifactServer(t);
    const driver = driverOn(server);
    driver.task("first", first);
    driver.task("second", second);
    const error = await checkRejection(driver.start(), refused(expected));
    assert.match(error.help, /name/);
    assert.equal(server.requests.length, 0);
  }
  const files = (word) => ({ "main.py": RUN.replace("here", word) });
  const sameName = { message: /`orders`/, path: "/tasks/second" };

  test("of the same name do not replace each other: data and data", async (t) => {
    const source = (word) => durable({ name: "orders", files: files(word) });
    await checkRefused(t, source("first"), source("second"), sameName);
  });

  test("of the same name do not replace each other: one with another file", async (t) => {
    const source = (more) => durable({ name: "orders", files: { ...files("a"), ...more } });
    await checkRefused(t, source({}), source({ "more.py": "" }), sameName);
  });

  test("of the same name do not replace each other: folder and folder", async (t) => {
    const folder = folderWith(t, {
      "a/orders/main.py": files("first")["main.py"],
      "b/orders/main.py": files("second")["main.py"],
    });
    const [first, second] = ["a/orders", "b/orders"].map((path) => durable(join(folder, path)));
    await checkRefused(t, first, second, sameName);
  });

  test("of the same name do not replace each other: folder and data", async (t) => {
    const folder = folderWith(t, { "orders/main.py": files("first")["main.py"] });
    const data = durable({ name: "orders", files: files("second") });
    await checkRefused(t, durable(join(folder, "orders")), data, sameName);
  });

  test("of the same name and with the same files are one", async (t) => {
    const text = files("same");
    const folder = folderWith(t, { "orders/main.py": text["main.py"], "b/orders/main.py": text["main.py"] });
    const { outcomes, entries } = await ran(t, {
      a: durable(join(folder, "orders")),
      b: durable(`${folder}/./orders/.`),
      c: durable(join(folder, "b/orders")),
      d: durable({ name: "orders", files: text }),
    });
    for (const { result } of Object.values(outcomes)) assert.equal(result[2], "same");
    assert.equal(Object.keys(entries).length, 3);
  });

  test("may not have the name of the package of functions", async (t) => {
    const folder = folderWith(t, { "driver_tasks/tasks.py": RUN });
    const source = { durable: "def first(ctx):\n    return 1" };
    for (const named of [
      { name: "driver_tasks", files: { "tasks.py": RUN } },
      join(folder, "driver_tasks"),
    ]) {
      const own = durable(named, { entrypoint: "tasks:run" });
      await checkRefused(t, source, own, { message: /`driver_tasks`/, path: "/tasks/second" });
    }
  });

  test("of removed tasks are not uploaded", async (t) => {
    const folder = folderWith(t, { "orders/main.py": files("new")["main.py"] });
    const server = await artifactServer(t);
    const driver = driverOn(server);
    driver.task("work", durable({ name: "orders", files: files("old") }));
    driver.clear();
    driver.task("work", durable(join(folder, "orders")));
    const { outcomes } = await submitted(server, driver);
    assert.equal(outcomes.work.result[2], "new");
  });

  test("of tasks that could not be registered have no effect", async (t) => {
    const server = await artifactServer(t);
    const driver = driverOn(server);
    driver.task("work", durable({ name: "orders", files: files("right") }));
    const wrong = { entrypoint: "no colon" };
    assert.throws(() => driver.task("bad", durable("./is/not/there", wrong)));
    assert.throws(() => driver.task("bad", durable({ name: "orders", files: files("wrong") }, wrong)));
    const { outcomes } = await submitted(server, driver);
    assert.equal(outcomes.work.result[2], "right");
  });
});
