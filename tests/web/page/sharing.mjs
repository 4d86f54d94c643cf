// Tests sharing: links and cases contain no secrets.
//
// Environment: SCIMGUARD_SAVED, a folder for the saved cases.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { nothingWrong } from "../browser.mjs";

import { judged, open, onPage, page, paste, pick, rule, says, site } from "./desk.mjs";

const SAVED = process.env.SCIMGUARD_SAVED;

/** The result of each step of each example: the number of changes if allowed, otherwise the rule. */
const EXAMPLES = JSON.parse(await readFile(new URL("examples.json", import.meta.url), "utf8"));

onPage("shares the whole as a link, without secrets", async () => {
  await pick("Pushed, then renamed by an administrator, then by Okta");
  await page.locator(".steps li button").nth(1).click();
  await page.getByLabel("Managed by of group 2").fill("okta");
  await page.getByLabel("The time of the decision").fill("2026-06-01T00:00:00Z");
  await says(page.locator(".verdict .detail"), "pushed by Okta on 2026-06-01");
  const told = await page.locator(".explanation").innerText();
  await page.getByRole("button", { name: "Share as a link" }).click();
  await says(page.getByRole("status"), "2 secrets were replaced by a fake one");
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(link.startsWith(`${site.url}#1.`), link);

  const other = await open({}, link);
  await other.page.locator(".steps li").nth(2).waitFor();
  assert.equal(await other.page.getByLabel("Managed by of group 2").inputValue(), "okta");
  assert.equal(await other.page.getByLabel("The time of the decision").inputValue(), "2026-06-01T00:00:00Z");
  assert.equal(await other.page.locator(".explanation").innerText(), told.replaceAll("s3cret", "fake1"));
  const texts = await other.page.getByRole("textbox", { name: "The request" }).innerText();
  assert.match(texts, /pat\.ACC1\.admin\.fake\d/);
  await other.page.locator("summary", { hasText: "Tokens" }).click();
  assert.match(await other.page.getByLabel("Token of token 1").inputValue(), /^pat\.ACC1\.okta\.fake\d$/);
  await nothingWrong(other, site.url);
  await other.context.close();
});

onPage("lets no secret into a link, wherever it stands", async () => {
  const secrets = [
    "pat.ACC1.okta.s3cret",
    "cook1e-value",
    "hunter22-password",
    "Zm9vOmJhcg==",
    "q-token-1234",
    "topsecret-Value",
  ];
  const [token, cookie, password, basic, query, patched] = secrets;
  await paste(
    "The request",
    `curl -X PATCH "https://a.example/gateway/ng/api/scim/account/ACC1/Users/ann?access_token=${query}" \\
 -H "Authorization: Bearer ${token}" -H 'Cookie: session=${cookie}' -H 'Proxy-Authorization: Basic ${basic}' \\
 -H 'Content-Type: application/scim+json' \\
 --data-raw $'{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"password":"${password}"}},{"op":"replace","path":"password","value":"${patched}"}]}'`,
  );
  await page.getByRole("button", { name: "Share as a link" }).click();
  await says(page.getByRole("status"), "secrets were replaced");
  const other = await open({}, page.url());
  const text =
    (await other.page.locator("body").innerText()) +
    (await other.page.getByRole("textbox", { name: "The request" }).innerText());
  for (const secret of secrets) {
    assert.ok(!text.includes(secret), secret);
  }
  await other.context.close();
});

onPage("saves each example as a case, and opens it again", async () => {
  for (const [index, title] of Object.keys(EXAMPLES).entries()) {
    await pick(title);
    await says(page.locator(".steps"), /allowed|denied/);
    await judged();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save as a case" }).click(),
    ]);
    const text = await readFile(await download.path(), "utf8");
    assert.ok(!text.includes("s3cret"), title);
    await writeFile(join(SAVED, `${index}.json`), text);
    const fates = await page.locator(".steps .fate").allInnerTexts();
    await page
      .getByLabel("Open a case")
      .setInputFiles({ name: "case.json", mimeType: "application/json", buffer: Buffer.from(text) });
    await page.waitForFunction(() => document.querySelector(".toolbar select").value === "-1");
    await judged();
    assert.deepEqual(await page.locator(".steps .fate").allInnerTexts(), fates, title);
  }
  await page
    .getByLabel("Open a case")
    .setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from("{}") });
  await says(page.getByRole("status"), "holds no case");
});
