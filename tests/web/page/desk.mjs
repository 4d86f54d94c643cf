// The page in a browser, with the actions that its tests share.
//
// Environment: SCIMGUARD_WEB_PAGE, the built page; SCIMGUARD_PICTURES, an optional folder for pictures.

import { join } from "node:path";
import { after, before, test as unlimited } from "node:test";

import { launch, nothingWrong, serve, visit } from "../browser.mjs";

export const FOLDER = process.env.SCIMGUARD_WEB_PAGE;
const PICTURES = process.env.SCIMGUARD_PICTURES;

export let browser;
export let site;
/** The page of the running test. */
export let page;

before(async () => {
  browser = await launch();
  site = await serve(FOLDER);
});

after(async () => {
  await browser?.close();
  site?.close();
});

/** A test with a time limit. */
export const test = (name, body) => unlimited(name, { timeout: 100_000 }, body);

/** A test that starts after the first verdict and must cause no errors. */
export function onPage(name, body, options = {}) {
  test(name, async () => {
    const visitor = await open(options);
    page = visitor.page;
    await body(visitor);
    await nothingWrong(visitor, site.url);
    await visitor.context.close();
  });
}

/** Opens a page and waits for the first verdict. */
export async function open(options, address = site.url) {
  const opened = await visit(browser, options);
  await opened.page.goto(address);
  await opened.page.locator(".verdict").waitFor();
  return opened;
}

export const verdict = () => page.locator(".verdict h2");
export const rule = () => page.locator(".rule code");
export const notes = () => page.locator(".asked .notes");
export const examples = () => page.locator(".toolbar select");
export const editor = (label) => page.getByRole("textbox", { name: label });
export const section = (heading) =>
  page.locator("section").filter({ has: page.getByRole("heading", { name: heading }) });

/** Replaces a text, as by pasting. */
export async function paste(label, text) {
  await editor(label).click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(text);
}

export async function pick(title) {
  await examples().selectOption({ label: title });
  await judged();
}

/** Waits until the guard has judged the current input. */
export async function judged() {
  await page.locator(".said[aria-busy=false]").waitFor();
}

/** Waits until a text is on the page. */
export async function says(locator, expected) {
  await locator.filter({ hasText: expected }).first().waitFor();
}

export async function picture(name, options = {}) {
  if (PICTURES) {
    await page.screenshot({ path: join(PICTURES, `${name}.png`), ...options });
  }
}
