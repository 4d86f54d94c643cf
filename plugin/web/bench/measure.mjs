// `measure.mjs PACKAGE PEERS` compares the browser module with other packages in one Chromium: download size,
// time from an empty cache to the first verdict, and time per keystroke in a request of a megabyte.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

import { build } from "esbuild";
import { chromium } from "playwright-core";

import { members } from "./sample.mjs";

const [packed, peers] = process.argv.slice(2);
const LOADS = 9;
const KEYS = 15;
const TIME_LIMIT = 120_000;
/** A line of 10 Mbit/s with 40 ms of latency. */
const LINE = { offline: false, latency: 40, downloadThroughput: 1_250_000, uploadThroughput: 1_250_000 };
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm" };
const CANDIDATES = {
  scimguard: "scimguard",
  scimmy: "scimmy",
  parts: "ajv + scim2-parse-filter",
};

const folder = mkdtempSync(join(tmpdir(), "scimguard-bench-"));
const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });

/** The compressed files of one candidate, by path. */
async function files(name) {
  await build({
    entryPoints: [new URL(`${name}.mjs`, import.meta.url).pathname],
    nodePaths: [peers],
    alias: { scimguard: packed },
    bundle: true,
    format: "esm",
    platform: "browser",
    minify: true,
    target: "es2022",
    loader: { ".wasm": "file" },
    outdir: join(folder, name),
    logLevel: "error",
  });
  const entries = readdirSync(join(folder, name)).map((file) => {
    const bytes = readFileSync(join(folder, name, file));
    return [`/${name}/${file}`, { bytes: brotli(bytes), plain: bytes.length }];
  });
  return Object.fromEntries(entries);
}

const served = {};
const sizes = {};
for (const name of Object.keys(CANDIDATES)) {
  const parts = await files(name);
  Object.assign(served, parts);
  sizes[name] = Object.values(parts).reduce(
    (sum, { bytes, plain }) => ({ brotli: sum.brotli + bytes.length, plain: sum.plain + plain }),
    { brotli: 0, plain: 0 },
  );
}

const server = createServer(({ url }, response) => {
  const page = url.match(/^\/(\w+)$/)?.[1];
  if (page in CANDIDATES) {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(`<!doctype html><title>${page}</title><script type="module" src="/${page}/${page}.js"></script>`);
  } else if (served[url]) {
    response.writeHead(200, { "content-type": TYPES[extname(url)], "content-encoding": "br" }).end(served[url].bytes);
  } else {
    response.writeHead(404).end();
  }
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const origin = `http://127.0.0.1:${server.address().port}`;

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Opens a page in a new context, with an empty cache. */
async function open(browser, name, line) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(TIME_LIMIT);
  if (line) {
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Network.emulateNetworkConditions", line);
  }
  await page.goto(`${origin}/${name}`);
  const first = await page.waitForFunction(() => globalThis.first).then((handle) => handle.jsonValue());
  return { context, page, first };
}

async function firstVerdict(browser, name, line) {
  const times = [];
  for (let load = 0; load < LOADS; load += 1) {
    const { context, first } = await open(browser, name, line);
    times.push(first);
    await context.close();
  }
  return median(times);
}

async function keystroke(browser, name) {
  const { context, page } = await open(browser, name);
  const texts = Array.from({ length: KEYS }, (_, index) => members("x".repeat(index)));
  const times = await page.evaluate(async (texts) => {
    const times = [];
    for (const text of texts) {
      const started = performance.now();
      await globalThis.keystroke(text);
      times.push(performance.now() - started);
    }
    return times;
  }, texts);
  await context.close();
  // The first calls still compile.
  return median(times.slice(3));
}

const browser = await chromium.launch({ executablePath: process.env.SCIMGUARD_CHROMIUM, args: ["--no-sandbox"] });
try {
  const columns = ["", "download, brotli", "unpacked", "first verdict, local", "at 10 Mbit/s", "a key in 1 MB"];
  const rows = [columns];
  for (const [name, title] of Object.entries(CANDIDATES)) {
    rows.push([
      title,
      `${(sizes[name].brotli / 1000).toFixed(0)} KB`,
      `${(sizes[name].plain / 1000).toFixed(0)} KB`,
      `${(await firstVerdict(browser, name)).toFixed(0)} ms`,
      `${(await firstVerdict(browser, name, LINE)).toFixed(0)} ms`,
      `${(await keystroke(browser, name)).toFixed(1)} ms`,
    ]);
  }
  console.log(`Chromium ${browser.version()}, the message of ${(members("").length / 1000).toFixed(0)} KB`);
  console.log(rows.map((row) => `| ${row.join(" | ")} |`).join("\n").replace("\n", `\n|${"---|".repeat(columns.length)}\n`));
} finally {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true });
}
