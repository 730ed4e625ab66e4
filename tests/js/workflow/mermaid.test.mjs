// Mermaid texts in the real Mermaid, in a real Chromium: each is parsed and rendered, and shows the expected content.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { ensureBrowser } from "../../../scripts/lib/browser.mjs";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { replay, vectors } from "../support/vectors.mjs";

/** The package's drawings of the golden vectors. */
function ofVectors() {
  return vectors("dsl").flatMap(({ name, calls, error }) => {
    const workflow = error ? undefined : replay(calls);
    return workflow ? [{ name, text: workflow.toMermaid() }] : [];
  });
}

/**
 * The drawings: `{ name, text, labels?, arrows? }`, with all labels of nodes and edges as a reader sees them, line by
 * line, and the number of lines between nodes. `cargo test` leaves its drawings in a folder below target/; without
 * them, those of the vectors remain.
 */
function texts() {
  const dir = process.env.MERMAID_TEXTS ?? inRoot("target", "tmp", "mermaid");
  const files = existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith(".json")) : [];
  const native = files.sort().flatMap((name) => JSON.parse(readFileSync(join(dir, name), "utf8")));
  return [...ofVectors(), ...native];
}

/** Mermaid as one script that sets `globalThis.mermaid`. */
async function bundle() {
  const contents = 'import mermaid from "mermaid"; globalThis.mermaid = mermaid;';
  const stdin = { contents, resolveDir: inRoot(), loader: "js" };
  const { outputFiles } = await build({
    stdin,
    bundle: true,
    format: "iife",
    write: false,
    logLevel: "error",
  });
  return outputFiles[0].text;
}

/** In the page: draws a text. Resolves with the error, and with what is visible. */
async function draw({ text, id }) {
  const { mermaid, document } = globalThis;
  try {
    await mermaid.parse(text);
    const { svg } = await mermaid.render(id, text);
    document.body.innerHTML = svg;
    const lines = (element) => {
      for (const br of element.querySelectorAll("br")) br.replaceWith("\n");
      return element.textContent.split("\n").map((line) => line.split(/\s+/).filter(Boolean).join(" "));
    };
    const labels = [...document.querySelectorAll(".nodeLabel, .edgeLabel .edgeLabel")];
    const paths = [...document.querySelectorAll(".edgePaths > path")];
    return {
      labels: labels.flatMap(lines),
      arrows: paths.length,
      isBroken: paths.some((path) => !/^[\dMLCHVQAZ.,eE\s-]+$/.test(path.getAttribute("d"))),
      // Text that was interpreted as markup.
      tags: document.querySelectorAll("svg :is(script, b, strong, em, del, code, i, .katex)").length,
    };
  } catch (error) {
    return { error: String(error?.message ?? error) };
  }
}

describe("Mermaid", { timeout: 300_000 }, () => {
  const list = texts();
  let browser;
  let script;
  let page;

  const open = async () => {
    await page?.close();
    page = await browser.newPage();
    await page.setContent("<!doctype html><title>Mermaid</title>");
    await page.addScriptTag({ content: script });
    await page.evaluate(() => globalThis.mermaid.initialize({ startOnLoad: false }));
  };

  before(async () => {
    const { chrome } = await ensureBrowser();
    script = await bundle();
    browser = await chromium.launch({ executablePath: chrome, args: ["--no-sandbox", "--disable-gpu"] });
    await open();
  });
  after(() => browser?.close());

  it("has drawings to check", () => {
    assert.ok(list.length >= 70, `only ${list.length} texts were found`);
  });

  for (const [at, { name, text, labels, arrows }] of list.entries()) {
    it(name, async () => {
      const seen = await page.evaluate(draw, { text, id: `drawing${at}` });
      // A text on which Mermaid fails may spoil the page for the next one.
      if (seen.error) await open();
      assert.equal(seen.error, undefined, text);
      assert.equal(seen.isBroken, false);
      if (labels === undefined) return;
      const missing = labels.filter((label) => !seen.labels.some((line) => line.startsWith(label)));
      assert.deepEqual(missing, [], `${text}\n${JSON.stringify(seen.labels)}`);
      assert.deepEqual(
        { arrows: seen.arrows, isBroken: seen.isBroken, tags: seen.tags },
        { arrows, isBroken: false, tags: 0 },
        text,
      );
    });
  }
});
