// Requests that identity providers and administrators really send. Each example is one request or
// several in a row, over a small company's record.

import type { Message } from "../explanation/explained";
import { httpText } from "./documents";
import type { Entry, Facts, State } from "./state";

export interface Example {
  sender: string;
  title: string;
  state: State;
}

const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

const PERMISSIONS = [
  "core_user_view",
  "core_user_manage",
  "core_user_invite",
  "core_usergroup_view",
  "core_usergroup_manage",
];

/** Ann came with a pushed group, Bob without one, and Kim belongs to the application. */
function company(provider: string): Facts {
  const account = "ACC1";
  const principal = `svc-${provider}`;
  return {
    users: [
      {
        account,
        id: "ann",
        userName: "ann@example.com",
        displayName: "Ann Lee",
        externalId: "00u1",
        active: true,
        managed_by: provider,
      },
      {
        account,
        id: "bob",
        userName: "bob@example.com",
        displayName: "Bob Ray",
        externalId: "00u2",
        active: true,
        managed_by: provider,
      },
      {
        account,
        id: "kim",
        userName: "kim@example.com",
        displayName: "Kim Day",
        active: true,
        managed_by: null,
      },
    ],
    groups: [
      { account, id: "example_group", displayName: "example-group", managed_by: provider },
      { account, id: "admins", displayName: "admins", managed_by: null },
    ],
    members: [
      { account, group: "example_group", user: "ann" },
      { account, group: "admins", user: "kim" },
    ],
    tokens: [{ token: `pat.ACC1.${provider}.s3cret`, account, principal, provider, revoked: false }],
    principals: [{ account, id: principal, kind: "service-account", active: true, permissions: PERMISSIONS }],
  };
}

interface Sender {
  name: string;
  facts: Facts;
  policy: Entry;
  base: string;
  headers: Message["headers"];
}

const OKTA: Sender = {
  name: "Okta",
  facts: company("okta"),
  policy: { version: 1, preset: "harness", provider: "okta" },
  base: "/gateway/ng/api/scim/account/ACC1",
  headers: [
    ["User-Agent", "Okta SCIM Client 1.0.0"],
    ["Authorization", "Bearer pat.ACC1.okta.s3cret"],
    ["Content-Type", "application/scim+json; charset=utf-8"],
  ],
};

const ENTRA: Sender = {
  name: "Microsoft Entra ID",
  facts: company("entra"),
  policy: { version: 1, preset: "generic", provider: "entra" },
  base: "/scim/v2/ACC1",
  headers: [
    ["Authorization", "Bearer pat.ACC1.entra.s3cret"],
    ["Content-Type", "application/scim+json; charset=utf-8"],
  ],
};

const ADMINISTRATOR: Sender = {
  ...OKTA,
  name: "An administrator of the application",
  base: "/gateway/ng/api",
  headers: [
    ["X-Api-Key", "pat.ACC1.admin.s3cret"],
    ["Content-Type", "application/json"],
  ],
};

const OTHERS: Sender = { ...OKTA, name: "Attacks and accidents" };
const HISTORY: Sender = { ...OKTA, name: "Several requests in a row" };

type Asked = [method: string, path: string, body?: unknown, by?: Sender];

function example(sender: Sender, title: string, ...asked: Asked[]): Example {
  const steps = asked.map(([method, path, body, by = sender]) => {
    const text = typeof body === "string" ? body : JSON.stringify(body, null, 2);
    const headers = body === undefined ? by.headers.filter(([name]) => name !== "Content-Type") : by.headers;
    return { text: httpText({ method, path: by.base + path, headers, body: text ?? null }) };
  });
  return {
    sender: sender.name,
    title,
    state: { steps, shown: 0, policy: JSON.stringify(sender.policy, null, 2), facts: sender.facts },
  };
}

function patch(...operations: Entry[]): Entry {
  return { schemas: [PATCH], Operations: operations };
}

const ANN = {
  schemas: [USER],
  id: "ann",
  userName: "ann@example.com",
  name: { givenName: "Ann", familyName: "Lee" },
  displayName: "Ann Lee",
  emails: [{ primary: true, value: "ann@example.com", type: "work" }],
  locale: "en-US",
  externalId: "00u1",
  active: true,
  groups: [{ value: "example_group", display: "example-group" }],
  meta: { resourceType: "User" },
};

const EVE = {
  schemas: [USER],
  userName: "eve@example.com",
  name: { givenName: "Eve", familyName: "Fox" },
  emails: [{ primary: true, value: "eve@example.com", type: "work" }],
  displayName: "Eve Fox",
  locale: "en-US",
  externalId: "00u3",
  groups: [],
  password: "aB3-not-a-real-one",
  active: true,
};

const PUSHED = {
  schemas: [GROUP],
  displayName: "data-team",
  members: [
    { value: "ann", display: "ann@example.com" },
    { value: "bob", display: "bob@example.com" },
  ],
};

const RENAMED_BY_ADMINISTRATOR: Asked = [
  "PUT",
  "/user-groups?accountIdentifier=ACC1",
  { identifier: "data_team", name: "data-platform", users: ["ann", "bob"] },
  ADMINISTRATOR,
];

export const EXAMPLES: readonly Example[] = [
  example(
    OKTA,
    "Test Connection",
    ["GET", "/Users?startIndex=1&count=2"],
    ["GET", "/Groups?startIndex=1&count=100"],
  ),
  example(OKTA, "Before it creates a user", [
    "GET",
    "/Users?filter=userName%20eq%20%22eve%40example.com%22&startIndex=1&count=100",
  ]),
  example(OKTA, "Create a user", ["POST", "/Users", EVE]),
  example(
    OKTA,
    "Profile update of a wizard app",
    ["GET", "/Users/ann"],
    [
      "PUT",
      "/Users/ann",
      { ...ANN, displayName: "Ann Lee-Park", name: { givenName: "Ann", familyName: "Lee-Park" } },
    ],
  ),
  example(OKTA, "Profile update of a catalogue app", [
    "PATCH",
    "/Users/ann",
    patch({
      op: "replace",
      value: { displayName: "Ann Lee-Park", "name.familyName": "Lee-Park", locale: "en-GB" },
    }),
  ]),
  example(
    OKTA,
    "Deactivate, then reactivate, by a catalogue app",
    ["PATCH", "/Users/bob", patch({ op: "replace", value: { active: false } })],
    ["PATCH", "/Users/bob", patch({ op: "replace", value: { active: true } })],
  ),
  example(OKTA, "Deactivate by a wizard app", ["PUT", "/Users/ann", { ...ANN, active: false }]),
  example(
    OKTA,
    "Import, page by page",
    ["GET", "/Users?startIndex=1&count=100"],
    ["GET", "/Groups?startIndex=1&count=100"],
  ),
  example(
    OKTA,
    "Before it pushes a group",
    ["GET", "/Groups?filter=displayName%20eq%20%22example-group%22"],
    ["GET", "/Groups/example_group"],
  ),
  example(OKTA, "Push a group", ["POST", "/Groups", PUSHED]),
  example(OKTA, "Rename a group", [
    "PATCH",
    "/Groups/example_group",
    patch({ op: "replace", value: { id: "example_group", displayName: "example-team" } }),
  ]),
  example(OKTA, "Members, one by one", [
    "PATCH",
    "/Groups/example_group",
    patch(
      { op: "remove", path: 'members[value eq "ann"]' },
      { op: "add", path: "members", value: [{ value: "bob", display: "bob@example.com" }] },
    ),
  ]),
  example(OKTA, "Members, all at once", [
    "PATCH",
    "/Groups/example_group",
    patch({ op: "replace", path: "members", value: [{ value: "bob", display: "bob@example.com" }] }),
  ]),
  example(OKTA, "Members by a wizard app", [
    "PUT",
    "/Groups/example_group",
    {
      schemas: [GROUP],
      id: "example_group",
      displayName: "example-group",
      members: [{ value: "ann" }, { value: "bob" }],
    },
  ]),
  example(OKTA, "Unlink and delete a group", ["DELETE", "/Groups/example_group"]),

  example(ENTRA, "Operators with a capital", [
    "PATCH",
    "/Users/ann",
    patch(
      { op: "Replace", path: "displayName", value: "Ann Lee-Park" },
      { op: "Add", path: "nickName", value: "Annie" },
      { op: "Remove", path: "title" },
    ),
  ]),
  example(ENTRA, "A boolean as text", [
    "PATCH",
    "/Users/bob",
    patch({ op: "Replace", path: "active", value: "False" }),
  ]),
  example(ENTRA, "Members removed by a list", [
    "PATCH",
    "/Groups/example_group",
    patch({ op: "Remove", path: "members", value: [{ value: "ann" }] }),
  ]),
  example(ENTRA, "Keys with dots and URNs, without a path", [
    "PATCH",
    "/Users/ann",
    patch({ op: "replace", value: { "name.givenName": "Anna", [`${ENTERPRISE}:department`]: "R&D" } }),
  ]),
  example(ENTRA, "A value path that creates", [
    "PATCH",
    "/Users/ann",
    patch({ op: "Add", path: 'emails[type eq "work"].value', value: "ann@example.com" }),
  ]),
  example(
    ENTRA,
    "One value where a list belongs, a manager as text",
    ["PATCH", "/Groups/example_group", patch({ op: "Add", path: "members", value: { value: "bob" } })],
    ["PATCH", "/Users/ann", patch({ op: "Add", path: `${ENTERPRISE}:manager`, value: "bob" })],
  ),
  example(
    ENTRA,
    "Test: nobody has this name; groups without members",
    ["GET", "/Users?filter=userName%20eq%20%2217a5c0f2-5b1e-4f0e-9d0b-3f6f3f6a7c11%22"],
    ["GET", "/Groups/example_group?excludedAttributes=members"],
  ),
  example(
    ENTRA,
    "Found by externalId; deleted after 30 days",
    ["GET", "/Users?filter=externalId%20eq%20%2200u2%22"],
    ["DELETE", "/Users/bob"],
  ),

  example(ADMINISTRATOR, "Rename a pushed group", [
    "PUT",
    "/user-groups?accountIdentifier=ACC1",
    { identifier: "example_group", name: "renamed-here", users: ["ann"] },
  ]),
  example(ADMINISTRATOR, "Rename a group of the application's own", [
    "PUT",
    "/user-groups?accountIdentifier=ACC1",
    { identifier: "admins", name: "administrators", users: ["kim"] },
  ]),
  example(ADMINISTRATOR, "Take a member out of a pushed group", [
    "DELETE",
    "/user-groups/example_group/member/ann?accountIdentifier=ACC1",
  ]),
  example(ADMINISTRATOR, "Change the e-mail of a user who came with a group", [
    "PUT",
    "/user/ann?accountIdentifier=ACC1",
    { uuid: "ann", name: "Ann Lee", email: "ann.lee@example.com" },
  ]),
  example(ADMINISTRATOR, "Delete a user whom Okta provisioned", [
    "DELETE",
    "/user/bob?accountIdentifier=ACC1",
  ]),

  example(
    HISTORY,
    "Pushed, then renamed by an administrator, then by Okta",
    ["POST", "/Groups", PUSHED],
    RENAMED_BY_ADMINISTRATOR,
    [
      "PATCH",
      "/Groups/data_team",
      patch({ op: "replace", value: { id: "data_team", displayName: "data-platform" } }),
    ],
  ),
  example(
    HISTORY,
    "A user's whole life",
    ["POST", "/Users", EVE],
    ["PATCH", "/Groups/example_group", patch({ op: "add", path: "members", value: [{ value: "eve" }] })],
    ["DELETE", "/user/eve?accountIdentifier=ACC1", undefined, ADMINISTRATOR],
    ["PATCH", "/Users/eve", patch({ op: "replace", value: { active: false } })],
    ["PATCH", "/Users/eve", patch({ op: "replace", value: { displayName: "Eve" } })],
  ),

  example(OTHERS, "A token of another account", [
    "GET",
    "/Users",
    undefined,
    { ...OKTA, base: "/gateway/ng/api/scim/account/ACC2" },
  ]),
  example(OTHERS, "A comma is missing", [
    "POST",
    "/Groups",
    `{\n  "schemas": ["${GROUP}"]\n  "displayName": "data-team"\n}`,
  ]),
  example(OTHERS, "One key in two spellings", [
    "POST",
    "/Users",
    `{\n  "schemas": ["${USER}"],\n  "userName": "eve@example.com",\n  "username": "kim@example.com"\n}`,
  ]),
  example(OTHERS, "Roles smuggled into a user", [
    "POST",
    "/Users",
    { ...EVE, roles: [{ value: "administrator", primary: true }] },
  ]),
  example(OTHERS, "An encoded slash in the path", ["GET", "/Users/..%2f..%2fadmin"]),
  example(OTHERS, "Somebody else's id as external id", ["POST", "/Users", { ...EVE, externalId: "kim" }]),
];
