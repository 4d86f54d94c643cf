// Tests the operators' page of a running guard by typing and clicking in a real browser while requests
// arrive.
//
// Environment: SCIMGUARD_ADMIN and SCIMGUARD_ADMIN_TOKEN, the guard's admin address; SCIMGUARD_SCIM and
// SCIMGUARD_SCIM_TOKEN, where Okta connects; SCIMGUARD_MANAGEMENT, where administrators do;
// SCIMGUARD_WEB_MODULES, the npm packages of the pages; SCIMGUARD_PICTURES, an optional folder for pictures.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test as unlimited } from "node:test";

import { accessible, launch, nothingWrong, visit } from "./browser.mjs";

const ADMIN = process.env.SCIMGUARD_ADMIN;
const TOKEN = process.env.SCIMGUARD_ADMIN_TOKEN;
const SCIM = process.env.SCIMGUARD_SCIM;
const SCIM_TOKEN = process.env.SCIMGUARD_SCIM_TOKEN;
const MANAGEMENT = process.env.SCIMGUARD_MANAGEMENT;
const PICTURES = process.env.SCIMGUARD_PICTURES;
const PASSWORD = "1mz050nq";
const PAGE = `${ADMIN}/operators/`;

const RENAME = "okta-only.group-rename";

/** A test with a time limit. */
const test = (name, body) => unlimited(name, { timeout: 90_000 }, body);

let browser;
let visitor;
let page;

before(async () => {
  browser = await launch();
  visitor = await visit(browser);
  page = visitor.page;
});

after(async () => browser?.close());

async function scim(method, path, body, token = SCIM_TOKEN) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/scim+json" };
  const answer = await fetch(`${SCIM}${path}`, { method, headers, body: JSON.stringify(body), signal: AbortSignal.timeout(20_000) });
  await answer.text();
  return answer.status;
}

/** Attempts an edit that administrators may not make. */
async function rename() {
  const answer = await fetch(`${MANAGEMENT}/gateway/ng/api/user-groups?accountIdentifier=ACC1`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ identifier: "web_team", name: "mine-alone" }),
    signal: AbortSignal.timeout(20_000),
  });
  await answer.text();
  return answer.status;
}

const user = (login) => ({
  schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
  userName: `${login}@example.com`,
  name: { givenName: login, familyName: "Page" },
  emails: [{ primary: true, value: `${login}@example.com`, type: "work" }],
  password: PASSWORD,
  active: true,
  locale: "en-US",
});

const rows = () => page.locator("table.decisions tbody tr");
const view = (name) => page.getByRole("navigation", { name: "Views" }).getByRole("link", { name }).click();

/** Waits until a value meets an expectation. */
async function until(what, expected, limit = 15_000) {
  const end = Date.now() + limit;
  let found;
  do {
    found = await what();
    if (expected(found)) {
      return found;
    }
    await page.waitForTimeout(50);
  } while (Date.now() < end);
  assert.fail(`still ${JSON.stringify(found)}`);
}

async function picture(name) {
  if (PICTURES) {
    const clip = { x: 0, y: 0, width: 1360, height: 560 };
    await page.screenshot({ path: join(PICTURES, `${name}.png`), clip });
  }
}

test("the page shows nothing without the token", async () => {
  const stranger = await visit(browser);
  await stranger.page.goto(PAGE);
  await stranger.page.getByLabel(/admin token/).waitFor();
  await accessible(stranger.page, "sign-in");
  await stranger.page.keyboard.press("Tab");
  await stranger.page.keyboard.type("not-the-token-of-it");
  await stranger.page.keyboard.press("Enter");
  await stranger.page.getByRole("alert").filter({ hasText: "not the guard's admin token" }).waitFor();
  assert.equal(await stranger.page.locator("table").count(), 0);
  assert.equal(await stranger.page.evaluate(() => sessionStorage.length), 0);
  // Exactly one request was sent.
  assert.equal(stranger.asked.filter((url) => url.includes("/api/")).length, 1);
  await stranger.context.close();
});

test("the token is entered once", async () => {
  await page.goto(PAGE);
  const field = page.getByLabel(/admin token/);
  await field.fill(TOKEN);
  await field.press("Enter");
  await rows().first().waitFor();
  assert.equal(await page.evaluate(() => document.cookie), "");
  assert.ok(!page.url().includes(TOKEN));
});

test("a new decision appears at the top at once", async () => {
  const number = await rows().count();
  assert.ok(number >= 3, "what was decided before");
  assert.equal(await scim("POST", "/Users", user("live")), 201);
  await until(() => rows().count(), (now) => now === number + 1);
  const newest = await rows().first().innerText();
  assert.match(newest, /allowed/);
  assert.match(newest, /POST .*\/Users/);
  assert.equal(await rename(), 403);
  await until(() => rows().first().innerText(), (text) => text.includes(RENAME));
  assert.match(await rows().first().innerText(), /denied[^]*group\.update of group web_team[^]*403/);
  assert.equal(await scim("GET", "/Users", undefined, "sat.ACC1.nobody.wrong-secret"), 401);
  await until(() => rows().first().innerText(), (text) => text.includes("token.unknown"));
  await accessible(page, "decisions");
  await picture("operators-decisions");
});

test("the list can be paused", async () => {
  await page.getByRole("button", { name: "Pause" }).click();
  const number = await rows().count();
  await scim("GET", "/Users?count=1");
  await page.getByRole("status").filter({ hasText: "1 new decision since" }).waitFor();
  assert.equal(await rows().count(), number);
  await page.getByRole("button", { name: "Resume" }).click();
  await until(() => rows().count(), (now) => now === number + 1);
});

test("the list is filtered by account, rule and verdict", async () => {
  await page.getByLabel("Rule").selectOption(RENAME);
  await until(() => rows().allInnerTexts(), (all) => all.length > 0 && all.every((text) => text.includes(RENAME)));
  await page.getByLabel("Verdict").selectOption({ label: "allowed" });
  await page.getByText("No matching decisions.").waitFor();
  await page.getByLabel("Verdict").selectOption({ label: "denied" });
  const number = (await until(() => rows().allInnerTexts(), (all) => all.length > 0)).length;
  await rename();
  await scim("GET", "/Users?count=1");
  await until(() => rows().count(), (now) => now === number + 1);
  await page.getByLabel("Account").fill("ACC2");
  await page.getByLabel("Account").press("Enter");
  await page.getByText("No matching decisions.").waitFor();
  await page.getByLabel("Account").fill("ACC1");
  await page.getByLabel("Account").press("Enter");
  await until(() => rows().count(), (now) => now === number + 1);
  // The address contains the filter, so that the back button works.
  assert.match(page.url(), /rule=okta-only\.group-rename/);
  await page.getByRole("button", { name: "Show all" }).click();
  await until(() => rows().count(), (now) => now > number + 1);
});

test("a click explains a request of Okta's, with its secrets replaced", async () => {
  const line = rows().filter({ hasText: "POST" }).filter({ hasText: "/Users" }).first();
  await line.getByRole("link").click();
  await page.locator(".explanation .verdict h2").waitFor();
  await page.getByText("Repeated in this browser").waitFor();
  const text = await page.locator("main").innerText();
  assert.match(text, /allows this request after/);
  assert.match(text, /201 after [\d.]+ ms; the application took [\d.]+ ms of it/);
  assert.match(text, /live@example\.com/);
  assert.match(text, /\*{8}/);
  assert.ok(!text.includes(PASSWORD), "the password is shown");
  assert.ok(!text.includes(SCIM_TOKEN.split(".").at(-1)), "the token is shown");
  assert.match(text, /normalise\.not-synced/);
  await accessible(page, "explanation");
  await picture("operators-explanation");
  const link = await page.getByRole("link", { name: /explanation page/ }).getAttribute("href");
  assert.match(link, /^\.\.\/explain\/#1\./);
  await page.getByRole("link", { name: "All decisions" }).click();
  await rows().first().waitFor();
});

test("a click explains a denied edit, whose body was not recorded", async () => {
  const line = rows().filter({ hasText: RENAME }).first();
  await line.getByRole("link").focus();
  await page.keyboard.press("Enter");
  await page.locator(".explanation .verdict h2").waitFor();
  const text = await page.locator("main").innerText();
  assert.match(text, /The guard denies this request/);
  assert.match(text, /403 after [\d.]+ ms; the application was not asked/);
  assert.match(text, /Rename the group in/i);
  assert.match(text, /records the edit and never the body/);
  assert.match(text, /group\.update/);
  assert.ok(!text.includes("mine-alone"), "the body is shown");
  // Screen readers continue at the heading of the view.
  assert.match(await page.evaluate(() => document.activeElement.textContent), /^Decision \d+$/);
  await accessible(page, "explanation of an edit");
});

test("the plot and its table count each rule", async () => {
  await view("Activity");
  const line = page.locator("table.legend tr").filter({ hasText: RENAME });
  await line.waitFor();
  assert.ok(Number((await line.locator("td").nth(2).innerText()).trim()) >= 2);
  const drawn = () =>
    page.locator(".plot canvas").evaluate((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const colours = new Set();
      for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] === 255) {
          colours.add(`${data[at]} ${data[at + 1]} ${data[at + 2]}`);
        }
      }
      return { width: canvas.width, colours: colours.size };
    });
  await until(drawn, ({ width, colours }) => width > 600 && colours >= 3);
  assert.match(await page.getByRole("img", { name: /How often each rule decided/ }).getAttribute("aria-label"), new RegExp(RENAME));
  await page.getByLabel("Also requests that no rule stopped").check();
  await page.locator("table.legend tr").filter({ hasText: "no rule" }).waitFor();
  await page.getByLabel("Time", { exact: true }).selectOption({ label: "the last 30 days" });
  await page.getByText("each hour of the last 30 days").waitFor();
  await page.getByLabel("Time", { exact: true }).selectOption({ label: "the last hour" });
  await accessible(page, "plot");
  await picture("operators-plot");
  await line.getByRole("link").click();
  await until(() => rows().allInnerTexts(), (all) => all.length > 0 && all.every((text) => text.includes(RENAME)));
});

test("the owner of a user or group is shown", async () => {
  await view("Owners");
  await page.getByLabel("Account").fill("ACC1");
  await page.getByLabel("Id or user name").fill("ANN@example.com");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "It is okta's" }).waitFor();
  const text = await page.locator(".report").innerText();
  assert.match(text, /Okta created it with the token/i);
  assert.match(text, /ann@example\.com/);
  assert.match(text, /into web_team/);
  await accessible(page, "owners");
  await page.getByLabel("Of").selectOption("group");
  await page.getByLabel("Id", { exact: true }).fill("web_team");
  await page.getByRole("button", { name: "Who owns it?" }).click();
  await page.getByText("web-team").waitFor();
  await page.getByLabel("Of").selectOption("account");
  await page.getByRole("button", { name: "Who owns it?" }).click();
  await page.getByText(/owned by a provider/).first().waitFor();
});

test("a failed change is repeated by its button", async () => {
  await view("Retries");
  const button = page.getByRole("button", { name: /^Repeat: add .* to web_team$/ });
  await button.waitFor();
  assert.match(await page.locator("table tbody tr").first().innerText(), /503/);
  await accessible(page, "retries");
  await picture("operators-retries");
  await button.click();
  await page.getByRole("status").filter({ hasText: "Removed from the list (done or no longer needed)" }).waitFor();
  await page.getByText("Nothing to retry.").waitFor();
  // It was decided again, so it is in the list.
  await view("Decisions");
  await until(() => rows().allInnerTexts(), (all) => all.some((text) => /allowed[^]*PATCH[^]*\/Groups\/web_team/.test(text)));
});

test("tokens that expire soon are listed", async () => {
  await view("Expiring tokens");
  const line = page.locator("table tbody tr");
  await line.filter({ hasText: "ends-soon" }).waitFor();
  assert.match(await line.first().innerText(), /in 3 days[^]*scimguard token rotate --config \S*scimguard\.toml --account ACC1 --id ends-soon --expires 90d/);
  assert.equal(await line.count(), 1);
  await page.getByLabel("Expiring within").selectOption("365");
  await until(() => line.count(), (number) => number === 2);
  await accessible(page, "tokens");
});

test("the narrow and dark page fits, and does not move while it loads", async () => {
  const options = { viewport: { width: 360, height: 740 }, colorScheme: "dark" };
  const narrow = await visit(browser, options);
  await narrow.page.goto(PAGE);
  await narrow.page.getByLabel(/admin token/).fill(TOKEN);
  await narrow.page.getByRole("button", { name: "Open" }).click();
  await narrow.page.locator("table.decisions tbody tr").first().waitFor();
  for (const name of ["Activity", "Owners", "Retries", "Expiring tokens", "Decisions"]) {
    await narrow.page.getByRole("link", { name }).click();
    await narrow.page.getByRole("heading", { name, level: 2 }).waitFor();
    await narrow.page.waitForTimeout(300);
    const width = await narrow.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `${name} is ${width} wide`);
    await accessible(narrow.page, `${name}, narrow and dark`);
  }
  const shifts = await narrow.page.evaluate(() => window.shifts);
  assert.ok(shifts.reduce((sum, shift) => sum + shift, 0) < 0.02, `it moves: ${shifts}`);
  if (PICTURES) {
    await narrow.page.screenshot({ path: join(PICTURES, "operators-narrow.png") });
  }
  await nothingWrong(narrow, ADMIN);
  await narrow.context.close();
});

test("there were no errors, and signing out forgets the token", async () => {
  await nothingWrong(visitor, ADMIN);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel(/admin token/).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});
