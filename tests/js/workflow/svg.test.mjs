// SVG drawings in a real Chromium: they are XML, their texts fit, and they are readable in light and in dark.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Workflow } from "highway-wasm";
import { chromium } from "playwright-core";
import { ensureBrowser } from "../../../scripts/lib/browser.mjs";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { replay, vectors } from "../support/vectors.mjs";

/** Drawings of the golden vectors, and those of unusual texts that `cargo test` leaves. */
function pictures() {
  const drawn = vectors("dsl").flatMap(({ name, calls, error }) => {
    const workflow = error ? undefined : replay(calls);
    if (!workflow) return [];
    return ["down", "right"].map((direction) => ({
      name: `${name} ${direction}`,
      text: workflow.toSVG({ direction }),
    }));
  });
  const folder = inRoot("target", "tmp", "svg");
  const native = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith("odd-")) : [];
  return [...drawn, ...native.map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }))];
}

/** In the page: shows a drawing. Resolves with what is wrong with it. */
function look(text) {
  const { document, DOMParser } = globalThis;
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
  const error = parsed.querySelector("parsererror");
  if (error) return [error.textContent];
  document.body.replaceChildren(document.importNode(parsed.documentElement, true));
  const wrong = [];
  const svg = document.querySelector("svg");
  const page = svg.viewBox.baseVal;
  const isIn = (inner, outer) =>
    inner.x >= outer.x - 0.5 &&
    inner.x + inner.width <= outer.x + outer.width + 0.5 &&
    inner.y >= outer.y - 0.5 &&
    inner.y + inner.height <= outer.y + outer.height + 0.5;
  for (const element of svg.querySelectorAll("rect, path, text")) {
    if (!isIn(element.getBBox(), page)) wrong.push(`outside of the page: ${element.outerHTML}`);
  }
  for (const group of svg.querySelectorAll("g")) {
    const box = group.querySelector("rect")?.getBBox();
    for (const label of group.querySelectorAll(".hw-label, .hw-small")) {
      if (label.textContent.trim() !== "" && !isIn(label.getBBox(), box))
        wrong.push(`wider than its node: ${label.textContent}`);
    }
    const [first, second] = [...group.querySelectorAll(".hw-label, .hw-small")].map((it) => it.getBBox());
    const overlap =
      second &&
      first.x + first.width > second.x &&
      first.y + first.height > second.y &&
      second.y + 6 < first.y + first.height;
    if (overlap) wrong.push(`texts over each other: ${group.textContent}`);
  }
  return wrong;
}

/** In the page: the colours of the elements with a class, as red, green and blue. */
function coloursOf(selectors) {
  const { document, getComputedStyle } = globalThis;
  return selectors.map((selector) => {
    const { fill } = getComputedStyle(document.querySelector(selector));
    return fill.match(/\d+/g).slice(0, 3).map(Number);
  });
}

/** The contrast of two colours, from 1 to 21, as WCAG defines it. */
function contrast(one, other) {
  const luminance = (colour) => {
    const [red, green, blue] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

describe("an SVG drawing", () => {
  let browser;
  before(async () => {
    const { chrome } = await ensureBrowser();
    browser = await chromium.launch({ executablePath: chrome, args: ["--no-sandbox"] });
  });
  after(async () => {
    await browser?.close();
  });

  it("is XML, and all its texts fit", async () => {
    const page = await browser.newPage();
    const all = pictures();
    assert.ok(all.length >= 150, `${all.length} pictures`);
    for (const { name, text } of all) {
      assert.deepEqual(await page.evaluate(look, text), [], name);
    }
  });

  for (const scheme of ["light", "dark"]) {
    it(`is readable in the colour scheme ${scheme}`, async () => {
      const page = await browser.newPage({ colorScheme: scheme });
      const task = (id, more) => [id, { task_id: id, operator_type: "task", function: "f", ...more }];
      const check = {
        task_id: "check",
        operator_type: "condition",
        condition: "1",
        if_true: "yes",
        if_false: "no",
      };
      const tasks = Object.fromEntries([["check", check], task("yes"), task("no")]);
      const text = Workflow.fromJSON({ name: "w", tasks }).toSVG();
      assert.deepEqual(await page.evaluate(look, text), []);
      const words = [".hw-label", ".hw-small", ".hw-yes .hw-word", ".hw-no .hw-word"];
      const [back, node, ...colours] = await page.evaluate(coloursOf, [".hw-page", ".hw-node", ...words]);
      assert.equal(contrast(back, [0, 0, 0]) > 4, scheme === "light");
      for (const [at, colour] of colours.entries()) {
        const found = contrast(colour, at < 2 ? node : back);
        assert.ok(found >= 4.5, `${words[at]}: ${found}`);
      }
    });
  }

  it("needs no other file, and has a name and titles for readers who cannot see it", () => {
    for (const { name, text } of pictures()) {
      assert.doesNotMatch(
        text.replace('xmlns="http://www.w3.org/2000/svg"', ""),
        /href|url\(|@import|https?:/,
        name,
      );
      assert.match(text, /^<svg [^>]*role="img"[^>]*>\n<title>[^<]*<\/title>/);
    }
  });
});
