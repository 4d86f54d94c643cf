// `in-browser.mjs FOLDER TRANSCRIPT` does the same in Chromium, on pages with a strict Content-Security-Policy:
// the package's files (`<script type="module">`) play the corpus, a bundle decides one request, and a control
// shows that the Content-Security-Policy is in force.
import { createReadStream, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";

const [folder, transcript] = process.argv.slice(2);
const tools = createRequire(join(process.env.SCIMGUARD_WEB_MODULES, "package.json"));
const { chromium } = tools("playwright-core");
const { build } = tools("esbuild");

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";
const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
const TIME_LIMIT = 100_000;

await build({
  entryPoints: [new URL("bundled-page.mjs", import.meta.url).pathname],
  nodePaths: [join(folder, "node_modules")],
  bundle: true,
  format: "esm",
  minify: true,
  loader: { ".wasm": "file" },
  outdir: join(folder, "bundle"),
  logLevel: "error",
});

const page = (script) => `<!doctype html><title>${script}</title><script type="module" src="${script}"></script>`;
const files = {
  "/corpus-page.mjs": new URL("corpus-page.mjs", import.meta.url),
  "/corpus.mjs": new URL("corpus.mjs", import.meta.url),
  "/control-page.mjs": new URL("control-page.mjs", import.meta.url),
};
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  const headers = { "content-security-policy": POLICY, "content-type": TYPES[extname(pathname)] ?? "text/html" };
  const pages = { "/corpus": "/corpus-page.mjs", "/bundled": "/bundle/bundled-page.js", "/control": "/control-page.mjs" };
  try {
    if (pages[pathname]) response.writeHead(200, headers).end(page(pages[pathname]));
    else if (pathname === "/transcript") createReadStream(transcript).pipe(response.writeHead(200, headers));
    else if (pathname.startsWith("/scimguard/"))
      response.writeHead(200, headers).end(readFileSync(join(folder, "node_modules", pathname)));
    else if (pathname.startsWith("/bundle/")) response.writeHead(200, headers).end(readFileSync(join(folder, pathname)));
    else response.writeHead(200, headers).end(readFileSync(files[pathname]));
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({ executablePath: process.env.SCIMGUARD_CHROMIUM, args: ["--no-sandbox"] });
try {
  const context = await browser.newContext();
  const foreign = [];
  context.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`)) foreign.push(request.url());
  });
  const result = {};
  for (const name of ["corpus", "bundled", "control"]) {
    const tab = await context.newPage();
    const errors = [];
    const failed = new Promise((fail) =>
      tab.on("pageerror", (error) => {
        errors.push(String(error));
        fail({ failed: String(error) });
      }),
    );
    await tab.addInitScript(() => {
      globalThis.violations = [];
      document.addEventListener("securitypolicyviolation", (event) =>
        globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI}`),
      );
    });
    await tab.goto(`${origin}/${name}`);
    const done = tab
      .waitForFunction(() => globalThis.result, null, { timeout: TIME_LIMIT, polling: 100 })
      .then((handle) => handle.jsonValue())
      .catch((error) => ({ failed: String(error) }));
    const value = await Promise.race([done, failed]);
    result[name] = { ...value, errors, violations: await tab.evaluate(() => globalThis.violations) };
    await tab.close();
  }
  console.log(JSON.stringify({ ...result, foreign, version: browser.version() }));
} finally {
  await browser.close();
  server.close();
}
