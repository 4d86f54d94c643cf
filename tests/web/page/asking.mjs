// Tests the input: requests in every form, errors with their place, policy, facts, time.

import assert from "node:assert/strict";

import { editor, notes, onPage, page, paste, pick, rule, says, verdict } from "./desk.mjs";

const RENAME = {
  http: `PUT /gateway/ng/api/user-groups?accountIdentifier=ACC1 HTTP/1.1
Content-Type: application/json

{"identifier": "example_group", "name": "mine", "users": ["ann"]}`,
  curl: `curl -X PUT 'https://app.example.com/gateway/ng/api/user-groups?accountIdentifier=ACC1' \\
  -H 'Content-Type: application/json' \\
  --data '{"identifier": "example_group", "name": "mine", "users": ["ann"]}'`,
  json: `{"method": "PUT", "path": "/gateway/ng/api/user-groups?accountIdentifier=ACC1",
 "headers": {"content-type": "application/json"},
 "body": {"identifier": "example_group", "name": "mine", "users": ["ann"]}}`,
};

for (const [form, words] of [
  ["http", "raw HTTP request"],
  ["curl", "curl command"],
  ["json", "request in JSON"],
]) {
  onPage(`reads a request that is pasted as ${form}`, async () => {
    await paste("The request", RENAME[form]);
    await says(page.locator(".verdict .detail"), "Rename the group in Okta");
    // The mark is at the name's place in this form of the text.
    const at = RENAME[form].indexOf('"mine"');
    const line = RENAME[form].slice(0, at).split("\n").length;
    await says(notes(), `Line ${line}, column ${at - RENAME[form].lastIndexOf("\n", at)}`);
    await pick("Push a group");
    await paste("The request", RENAME[form].replace('"mine"', '"example-group", "externallyManaged": true'));
    await says(verdict(), "allows this request as it is");
    await says(notes(), words);
  });
}

onPage("reads a request that is typed key by key", async () => {
  await editor("The request").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.type(RENAME.http);
  await says(page.locator(".verdict .detail"), "Rename the group in Okta");
  assert.equal(
    (await editor("The request").innerText()).replace(/\n+/g, "\n"),
    RENAME.http.replace(/\n+/g, "\n"),
  );
  await page.keyboard.press("Control+z");
  await page.keyboard.press("Control+z");
  assert.notEqual(
    (await editor("The request").innerText()).replace(/\n+/g, "\n"),
    RENAME.http.replace(/\n+/g, "\n"),
  );
});

onPage("marks the place of an error in the text", async () => {
  await pick("A comma is missing");
  await says(rule(), "body.syntax");
  await says(notes(), "Line 8, column 3");
  await page.locator(".asked .cm-lintRange-error").waitFor();
  await page.locator(".asked .cm-lint-marker-error").waitFor();
  // The note leads to the place of the error, where typing repairs it.
  await notes().getByRole("button").click();
  await page.keyboard.type(",");
  await says(verdict(), "allows this request as it is");
  assert.equal(await page.locator(".asked .cm-lintRange-error").count(), 0);
});

for (const [what, text, place, words] of [
  ["a header without a colon", "GET /x HTTP/1.1\nnonsense", "Line 2, column 1", "should be a header"],
  ["no request at all", "please help", "Line 1, column 1", "a method and a path"],
  [
    "a curl command whose body is in a file",
    "curl https://a/b -d @body.json",
    "Line 1, column 21",
    "Replace @body.json with its contents",
  ],
  ["a quote that never ends", "curl 'https://a/b", "Line 1, column 17", "never closed"],
  ["JSON that is none", '{"method": "GET"\n "path": "/x"}', "Line 2, column 2", "comma expected"],
  [
    "a field that no request has",
    '{"method": "GET", "path": "/x", "boddy": 1}',
    "Line 1, column 42",
    "no field “boddy”",
  ],
]) {
  onPage(`says what is wrong with ${what}`, async () => {
    await paste("The request", text);
    await says(notes(), place);
    await says(notes(), words);
    await says(verdict(), "There is nothing to judge");
  });
}

onPage("puts a request around a body that is pasted alone", async () => {
  const body = {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    Operations: [{ op: "Replace", path: "displayName", value: "x" }],
  };
  await paste("The request", JSON.stringify(body));
  await page.getByRole("button", { name: "Make it a request" }).click();
  await says(verdict(), "allows this request after");
  await says(page.locator(".differences"), "PATCH /gateway/ng/api/scim/account/ACC1/Groups/example_group");
});

onPage("marks a fault of the policy, and judges by the policy that is typed", async () => {
  await paste("The policy", '{"version": 1,\n "mode": "watch"}');
  await says(page.locator(".known .notes"), "Line 2, column 10: /mode");
  await says(verdict(), "There is nothing to judge");
  await paste("The policy", '{"version": 1, "mode": "monitor"}');
  await says(verdict(), "The guard only monitors");
  await paste("The policy", '{"version": 1,');
  await says(page.locator(".known .notes"), "This is not JSON");
  await paste("The policy", "");
  await says(verdict(), "denies this request");
});

onPage("judges by the facts that are typed", async () => {
  const managedBy = page.getByLabel("Managed by of group 1");
  await managedBy.fill("");
  await says(verdict(), "allows this request as it is");
  await managedBy.fill("okta");
  await says(rule(), "okta-only.group-rename");
  await page.getByRole("button", { name: "Remove group 1" }).click();
  await says(verdict(), "allows this request as it is");
  await page.getByRole("button", { name: "Add a group" }).click();
  await page.getByLabel("Id of group 2", { exact: true }).fill("example_group");
  await page.getByLabel("Managed by of group 2").fill("okta");
  await says(rule(), "okta-only.group-rename");
  await pick("Test Connection");
  await page.getByText("Principals", { exact: false }).click();
  const permissions = page.getByLabel("Permissions of principal 1");
  await permissions.fill("core_user_view, core_user_manage");
  await permissions.blur();
  await says(rule(), "token.insufficient-permission");
  await page.locator("summary", { hasText: "Tokens" }).click();
  await page.getByLabel("Expires of token 1").fill("yesterday");
  await says(page.locator(".facts .fault"), "tokens[0]");
  assert.equal(await page.getByLabel("Expires of token 1").getAttribute("aria-invalid"), "true");
});

onPage("judges at the time that is typed", async () => {
  await pick("Test Connection");
  await page.locator("summary", { hasText: "Tokens" }).click();
  await page.getByLabel("Expires of token 1").fill("2026-06-01T00:00:00Z");
  await page.getByLabel("The time of the decision").fill("2026-05-31T23:59:59Z");
  await says(verdict(), "allows this request");
  await page.getByLabel("The time of the decision").fill("2026-06-01T00:00:01Z");
  await says(rule(), "token.expired");
});
