// Tests the output: verdict, rule, stages, differences; every example; requests in a row.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { examples, onPage, page, paste, pick, picture, rule, says, section, verdict } from "./desk.mjs";

/** The result of each step of each example: the number of changes if allowed, otherwise the rule. */
const EXAMPLES = JSON.parse(await readFile(new URL("examples.json", import.meta.url), "utf8"));

onPage("explains a denial to first-time visitors", async () => {
  await says(verdict(), "The guard denies this request. The sender gets 403.");
  await says(page.locator(".verdict .detail"), "Rename the group in Okta: example_group was pushed by Okta");
  await says(rule(), "okta-only.group-rename");
  await says(page.locator(".rule"), "Only the provider that pushed a group may rename it or change its external id.");
  await says(page.locator(".rule"), "Harness documentation: rename groups only in Okta");
  const stages = await page.locator(".stages li").allInnerTexts();
  assert.deepEqual(
    stages.map((stage) => stage.split("\n").slice(0, 2).join(" ")),
    ["route passed", "parse passed", "permit denied here", "write not reached"],
  );
  await says(section("Forwarded request"), "Nothing: the request ends here.");
  await says(section("What the sender gets"), "scimguard-rule: okta-only.group-rename");
  await picture("explain-refused");
});

onPage("shows before and after, each change marked and explained", async () => {
  await pick("Profile update of a catalogue app");
  await says(verdict(), "allows this request after 3 changes");
  const table = page.locator(".differences");
  assert.ok((await table.locator("del").allInnerTexts()).some((text) => text.includes('"locale": "en-GB"')));
  assert.ok(
    (await table.locator("ins").allInnerTexts()).some((text) => text.includes('"path": "displayName"')),
  );
  const row = table.locator("tr", { hasText: '"locale"' });
  await row.getByRole("link").click();
  assert.equal(await page.evaluate(() => document.activeElement.id), "change-1");
  await says(page.locator("#change-1"), "locale is not synced");
  await says(page.locator("#change-1"), "normalise.not-synced");
  // Every differing row gives a reason.
  const silent = await table.locator("tr.differs .why").allInnerTexts();
  assert.ok(
    silent.every((text) => text.trim() !== ""),
    JSON.stringify(silent),
  );
  await says(section("Forwarded request"), '"path": "name.familyName"');
  await says(page.locator(".records"), "The user “ann@example.com” (ann) is okta's, active");
  await picture("explain-changes", { clip: { x: 0, y: 0, width: 1360, height: 1000 } });
});

onPage("has an example of all that Okta and Entra ID send, each with its verdict", async () => {
  for (const [title, expected] of Object.entries(EXAMPLES)) {
    await pick(title);
    const steps = page.locator(".steps li button");
    assert.equal(await steps.count(), expected.length, title);
    for (const [index, outcome] of expected.entries()) {
      await steps.nth(index).click();
      const through = typeof outcome === "number";
      await says(verdict(), through ? "allows this request" : "denies this request");
      if (through) {
        await says(verdict(), ["as it is", "after one change"][outcome] ?? `after ${outcome} changes`);
      } else {
        await says(rule(), outcome);
      }
    }
  }
  const offered = await examples().locator("option:enabled").allInnerTexts();
  assert.deepEqual(offered, Object.keys(EXAMPLES));
});

onPage("plays a group that is pushed, then renamed by an administrator", async () => {
  await pick("Pushed, then renamed by an administrator, then by Okta");
  const steps = page.locator(".steps li button");
  assert.deepEqual(await page.locator(".steps .fate").allInnerTexts(), [
    "✓ allowed",
    "✕ denied",
    "✓ allowed",
  ]);
  const drawn = page.locator(".ownership svg");
  assert.match(
    await drawn.getAttribute("aria-label"),
    /data-team \(okta's · new\).*ann@example.com into data-team/,
  );
  assert.equal(await page.locator(".ownership .tie.new").count(), 2);
  await page.getByRole("heading", { name: "Ownership after the request" }).scrollIntoViewIfNeeded();
  await picture("explain-history");
  await page.evaluate(() => scrollTo(0, 0));
  await steps.nth(1).click();
  await says(page.locator(".verdict .detail"), "Rename the group in Okta: data_team was pushed by Okta");
  await steps.nth(2).click();
  await says(page.locator(".ownership .changed .name"), "data-platform");
  await page.getByText("The same as text").click();
  await says(
    page.locator(".ownership li"),
    "data-platform: okta's · changed; members: ann@example.com, bob@example.com",
  );
  // Without the push, nobody owns the group, and Ann is still Okta's.
  await steps.nth(0).click();
  await page.getByRole("button", { name: "Remove this request" }).click();
  await says(rule(), "okta-only.user-groups");
});

onPage("continues with the given answer of the application", async () => {
  await pick("Pushed, then renamed by an administrator, then by Okta");
  await page.getByText("What the application answers").click();
  await page.locator(".answer select").selectOption("answers this");
  await page.getByLabel("The application's answer").fill('{"status": 500}');
  await says(page.locator(".ownership .new .owner"), "not settled");
  await page.getByLabel("The application's answer").fill('{"status": 409}');
  await page.locator(".ownership svg .new").first().waitFor({ state: "detached" });
  await page.getByLabel("The application's answer").fill('{"status": ');
  await says(page.locator(".answer .fault"), /./);
  await page.locator(".answer select").selectOption("does not answer");
  await says(section("What the sender gets"), "503");
  // The next request meets a group whose creation is not settled.
  await page.locator(".steps li button").nth(1).click();
  await says(rule(), "okta-only.group-rename");
});

onPage("adds a request after another one", async () => {
  await pick("Push a group");
  await page.getByRole("button", { name: "Add a request after this one" }).click();
  await paste("The request", "DELETE /gateway/ng/api/user-groups/data_team?accountIdentifier=ACC1");
  await says(rule(), "okta-only.group-delete");
  assert.equal(await page.locator(".steps li").count(), 2);
});
