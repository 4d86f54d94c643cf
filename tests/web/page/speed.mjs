// Measures waiting times: while the page loads, and per keystroke.

import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { nothingWrong, serve, visit } from "../browser.mjs";

import { browser, editor, FOLDER, onPage, page, paste, pick, says, site, test, verdict } from "./desk.mjs";

onPage("judges after each key that is typed", async () => {
  await pick("Profile update of a catalogue app");
  await says(page.locator(".differences"), "Ann Lee-Park");
  // Types into the name, which the comparison shows.
  await editor("The request").click();
  await page.keyboard.press("Control+Home");
  for (let line = 1; line < 14; line++) {
    await page.keyboard.press("ArrowDown");
  }
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.evaluate(() => {
    window.waits = [];
    let pressed = null;
    addEventListener("keydown", (event) => (pressed = event.timeStamp), { capture: true });
    new MutationObserver(() => {
      if (pressed !== null) window.waits.push(performance.now() - pressed);
      pressed = null;
    }).observe(document.querySelector(".differences"), {
      subtree: true,
      childList: true,
      characterData: true,
    });
    performance.clearMeasures();
  });
  // Each keystroke gets a verdict; how fast depends on the machine's load.
  for (let key = 0; key < 60; key++) {
    await page.keyboard.type("x");
    await page.waitForFunction((count) => window.waits.length > count, key);
  }
  await says(page.locator(".differences ins"), "Ann Lee-Parkxxx");
  const [waits, judged] = await page.evaluate(() => [
    window.waits,
    performance.getEntriesByName("guard").map(({ duration }) => duration),
  ]);
  const [wait, alone] = [median(waits), median(judged)];
  console.log(
    `from a key to the new verdict: ${wait.toFixed(1)} ms, of which judging and comparing ${alone.toFixed(1)} ms (medians)`,
  );
});

/** The median. */
function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

onPage("lets one type while it judges a megabyte", async () => {
  const members = Array.from({ length: 17_000 }, (_, index) => ({
    value: `user-${index}`,
    display: `person${index}@example.com`,
  }));
  const body = JSON.stringify({
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    displayName: "large",
    members,
  });
  await pick("Push a group");
  const request = `POST /gateway/ng/api/scim/account/ACC1/Groups HTTP/1.1\nAuthorization: Bearer pat.ACC1.okta.s3cret\nContent-Type: application/scim+json\n\n`;
  assert.ok(body.length > 900_000);
  await paste("The request", request + body.replaceAll("},{", "},\n{"));
  await says(verdict(), "allows this request after");
  await page.keyboard.press("Control+Home");
  const waits = await page.evaluate(async () => {
    const waits = [];
    const until = performance.now() + 1500;
    let last = performance.now();
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      waits.push(performance.now() - last);
      last = performance.now();
    }
    return waits.sort((a, b) => a - b);
  });
  const keys = [];
  for (const key of "PATCH") {
    const started = Date.now();
    await page.keyboard.type(key);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
    keys.push(Date.now() - started);
  }
  console.log(
    `a key in a megabyte: ${keys.sort((a, b) => a - b)[2]} ms (median); the page is busy for at most ${waits.at(-1).toFixed(0)} ms`,
  );
  await says(editor("The request"), "PATCHPOST /gateway");
});

test("shows the progress while the guard is loaded, and nothing jumps", async () => {
  const slow = await serve(FOLDER, { "scimguard.wasm": 700 });
  const visitor = await visit(browser);
  await visitor.page.goto(slow.url);
  const progress = visitor.page.getByRole("progressbar", { name: "The guard is being loaded" });
  await progress.waitFor();
  await visitor.page.locator(".verdict").waitFor();
  assert.equal(await progress.count(), 0);
  const shifts = await visitor.page.evaluate(() => window.shifts.reduce((sum, value) => sum + value, 0));
  assert.ok(shifts < 0.001, `layout shifts: ${shifts}`);
  await nothingWrong(visitor, slow.url);
  await visitor.context.close();
  slow.close();
});

test("says so if the guard cannot be loaded", async () => {
  const { page, context } = await visit(browser);
  await context.route("**/scimguard.wasm", (route) => route.fulfill({ status: 404 }));
  await page.goto(site.url);
  await says(page.getByRole("alert"), "The guard could not be loaded");
  await context.close();
});

test("is small: page and guard together under a mebibyte, compressed", async () => {
  const sizes = {};
  for (const name of (await readdir(FOLDER)).filter((name) => !name.endsWith(".br"))) {
    sizes[name] = (await stat(join(FOLDER, `${name}.br`))).size;
  }
  const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);
  console.log(
    `brotli: ${JSON.stringify(sizes)}, together ${total}, without the guard ${total - sizes["scimguard.wasm"]}`,
  );
  assert.ok(total < 1024 * 1024, `${total} bytes`);
  assert.ok(total - sizes["scimguard.wasm"] < 200_000);
});
