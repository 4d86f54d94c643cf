// Runs pages from a folder of static files in a real browser, Debian's Chromium. Checks that they send no
// request elsewhere and never violate their Content-Security-Policy.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";

/** The npm packages of the pages. */
const modules = createRequire(join(process.env.SCIMGUARD_WEB_MODULES, "playwright-core", "package.json"));

const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
  "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
};

/** Serves a folder like any file server; `delays` holds milliseconds by file name. */
export async function serve(folder, delays = {}) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    try {
      const bytes = await readFile(join(folder, file));
      await new Promise((resolve) => setTimeout(resolve, delays[file.slice(1)] ?? 0));
      response.writeHead(200, {
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "content-security-policy": POLICY,
      });
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** Starts Chromium. */
export async function launch() {
  const { chromium } = modules("./index.js");
  const executablePath = process.env.SCIMGUARD_CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** Opens a page that records its requests and errors. */
export async function visit(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1360, height: 1000 },
    acceptDownloads: true,
    ...options,
  });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.setDefaultTimeout(Number(process.env.SCIMGUARD_PATIENCE ?? 20_000));
  const asked = [];
  const wrong = [];
  await context.route("**/*", (route) => {
    asked.push(route.request().url());
    return route.continue();
  });
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on(
    "console",
    (message) => ["error", "warning"].includes(message.type()) && wrong.push(message.text()),
  );
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      window.violations.push(event.violatedDirective),
    );
    window.shifts = [];
    new PerformanceObserver((list) => {
      window.shifts.push(
        ...list
          .getEntries()
          .filter((entry) => !entry.hadRecentInput)
          .map((entry) => entry.value),
      );
    }).observe({ type: "layout-shift", buffered: true });
  });
  return { page, context, asked, wrong };
}

/** Checks that there were no errors and no requests elsewhere. */
export async function nothingWrong({ page, asked, wrong }, url) {
  assert.deepEqual(wrong, []);
  assert.deepEqual(
    await page.evaluate(() => window.violations),
    [],
    "violations of the Content-Security-Policy",
  );
  assert.deepEqual(
    asked.filter((other) => !other.startsWith(url)),
    [],
    "requests to others",
  );
}

/** Checks with axe-core that there is no serious fault of accessibility. */
export async function accessible(page, name) {
  const axe = await readFile(join(process.env.SCIMGUARD_WEB_MODULES, "axe-core", "axe.min.js"), "utf8");
  // Evaluated by the debugger, which is not subject to the page's Content-Security-Policy.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  const serious = violations
    .filter(({ impact }) => ["serious", "critical", "moderate"].includes(impact))
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ html, failureSummary }) => `${html} ${failureSummary}`)
          .slice(0, 3)
          .join(" | ")}`,
    );
  assert.deepEqual(serious, [], name);
}
