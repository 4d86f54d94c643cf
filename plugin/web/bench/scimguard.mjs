// scimguard: gives the verdict, the changes and the reasons.
import { Guard, load } from "scimguard";
import module from "scimguard/scimguard.wasm";

import { ACCOUNT, USER } from "./sample.mjs";

const NOW = Date.UTC(2026, 5, 1);
const TOKEN = `pat.${ACCOUNT}.tok1.s3cret`;
const permissions = ["user_view", "user_manage", "user_invite", "usergroup_view", "usergroup_manage"];
const facts = JSON.stringify({
  tokens: [{ token: TOKEN, account: ACCOUNT, principal: "svc-okta", provider: "okta" }],
  principals: [{ account: ACCOUNT, id: "svc-okta", permissions: permissions.map((name) => `core_${name}`) }],
  groups: [{ account: ACCOUNT, id: "example_group", displayName: "example-group", managed_by: "okta" }],
});
const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/scim+json" };

await load(new URL(module, import.meta.url));
const guard = new Guard("");

function decide(method, path, body_text) {
  const request = JSON.stringify({
    method,
    path: `/gateway/ng/api/scim/account/${ACCOUNT}/${path}`,
    headers,
    body_text,
  });
  const [{ stops }] = guard.play(facts, [{ request }], NOW);
  if (stops[0].decision !== "forward") throw new Error(stops[0].detail);
  return stops[0];
}

globalThis.first = (decide("POST", "Users", USER), performance.now());
globalThis.keystroke = (text) => decide("PATCH", "Groups/example_group", text);
