// Pages on a loopback server, opened in a real Chromium.
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";
import { ensureBrowser } from "../../../scripts/lib/browser.mjs";

const types = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".cjs": "text/javascript",
  ".wasm": "application/wasm",
  ".html": "text/html; charset=utf-8",
  ".json": "application/json",
};

/** A host whose pages have no secure context over plain HTTP. The browser resolves it to this machine. */
export const PLAIN_HOST = "plain.example";

const browserArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // The name is not a loopback name, so its pages have no secure context.
  `--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`,
];

/**
 * A server for the files of a folder. For a path that is not a file, `extra` has the answer: `{ type, body, headers }`.
 * Resolves with its address and a function that ends it.
 */
export async function serveFolder(dir, extra = {}) {
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url, "http://page");
    const made = extra[pathname];
    if (made) {
      const { status = 200, type = types[".html"], body, headers } = made;
      return response.writeHead(status, { "content-type": type, ...headers }).end(body);
    }
    const file = join(dir, normalize(pathname));
    if (!existsSync(file) || !(extname(file) in types)) {
      return response
        .writeHead(404, { "content-type": "text/html" })
        .end("<!doctype html><title>404</title>");
    }
    return response.writeHead(200, { "content-type": types[extname(file)] }).end(readFileSync(file));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A page whose module sets `globalThis.answer` to its outcome, or to a promise of it. */
export const page = (module, { imports, headers } = {}) => {
  const map = imports === undefined ? "" : `<script type="importmap">${JSON.stringify({ imports })}</script>`;
  return {
    body: `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>page</title>${map}<script type="module">${module}</script>`,
    headers,
  };
};

export async function launch(options = {}) {
  const executablePath = process.env.CHROME || (await ensureBrowser()).chrome;
  return chromium.launch({ executablePath, args: browserArguments, ...options });
}

/**
 * Opens an address in a separate browser context. Resolves with `{ answer, failures, messages, requests }`: what the
 * page set, its uncaught errors, its console messages, and the addresses that it requested.
 */
export async function visit(browser, address, { limit = 120_000 } = {}) {
  const context = await browser.newContext();
  try {
    const tab = await context.newPage();
    tab.setDefaultTimeout(limit);
    const [failures, messages, requests] = [[], [], []];
    tab.on("pageerror", (error) => failures.push(error.stack ?? String(error)));
    tab.on("console", (message) => messages.push(`${message.type()}: ${message.text()}`));
    tab.on("request", (request) => requests.push(request.url()));
    await tab.goto(address, { waitUntil: "load" });
    // On a busy machine, `load` was seen before the module had run. Without an answer, the error below shows the page's
    // messages.
    await tab
      .waitForFunction(() => globalThis.answer !== undefined, null, { timeout: 10_000 })
      .catch(() => {});
    const late = new Promise((resolve) => setTimeout(resolve, limit, "late").unref());
    const answer = await Promise.race([tab.evaluate(() => globalThis.answer), late]);
    if (answer === undefined || answer === "late") {
      throw new Error(`${address} gave no answer\n${[...failures, ...messages].join("\n")}`);
    }
    return { answer, failures, messages, requests };
  } finally {
    await context.close();
  }
}
