// Tests the page with the keyboard alone, with a screen reader, on a small screen and in dark mode.

import assert from "node:assert/strict";

import { accessible } from "../browser.mjs";

import { editor, judged, onPage, page, pick, picture, says, verdict } from "./desk.mjs";

onPage("is used with the keyboard alone", async () => {
  const focused = () =>
    page.evaluate(() => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      return (
        element?.getAttribute("aria-label") ?? element?.labels?.[0]?.textContent ?? element?.textContent ?? ""
      );
    });
  const seen = [];
  await page.keyboard.press("Tab");
  assert.match(await focused(), /Example/);
  await page.keyboard.type("A boolean as text");
  await says(verdict(), "allows this request after 2 changes");
  for (let stop = 0; stop < 200; stop++) {
    await page.keyboard.press("Tab");
    const name = await focused();
    if (seen.includes("The policy") && name === "") break;
    seen.push(name);
  }
  for (const expected of [
    "Share as a link",
    "Save as a case",
    "The request",
    "The policy",
    "Id of user 1",
    "Remove member 2",
  ]) {
    assert.ok(
      seen.some((name) => name.includes(expected)),
      `${expected} is not reached: ${seen.join(", ")}`,
    );
  }
  assert.ok(
    seen.every((name) => name.trim() !== ""),
    "something that takes the focus has no name",
  );
  // A key leaves the text, backwards too, so it is not a keyboard trap.
  await editor("The request").focus();
  await page.keyboard.press("Shift+Tab");
  assert.notEqual(await focused(), "The request");
});

onPage("says the new verdict to a screen reader, once", async () => {
  const said = page.locator(".said > [role=status]");
  await says(said, "The guard denies this request. The sender gets 403.");
  await pick("Push a group");
  await says(said, "The guard allows this request after 2 changes.");
});

/** The pictures in the documentation. */
const PICTURED = ["dark-1360", "light-390"];

for (const [colorScheme, width] of [
  ["light", 1360],
  ["dark", 1360],
  ["light", 390],
  ["dark", 320],
]) {
  const viewport = { width, height: 900 };
  onPage(
    `is accessible, ${colorScheme}, ${width} pixels wide`,
    async () => {
      for (const title of [
        "Rename a pushed group",
        "Create a user",
        "A comma is missing",
        "Pushed, then renamed by an administrator, then by Okta",
      ]) {
        await pick(title);
        await judged();
        const closed = page.locator("details:not([open]) > summary");
        while ((await closed.count()) > 0) {
          await closed.first().click();
        }
        await accessible(page, title);
        const [content, window] = await page.evaluate(() => [
          document.documentElement.scrollWidth,
          innerWidth,
        ]);
        assert.ok(content <= window, `the page is ${content} pixels wide`);
      }
      if (PICTURED.includes(`${colorScheme}-${width}`)) {
        await page.evaluate(() => scrollTo(0, 0));
        await picture(`explain-${colorScheme}-${width}`);
      }
    },
    { colorScheme, viewport },
  );
}
