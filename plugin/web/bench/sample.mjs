// The requests for every candidate: a small one first, then a large one per keystroke.

export const ACCOUNT = "ACC1";

export const USER = JSON.stringify({
  schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
  userName: "ann@example.com",
  name: { givenName: "Ann", familyName: "Lee" },
  emails: [{ primary: true, value: "ann@example.com", type: "work" }],
  displayName: "Ann Lee",
  locale: "en-US",
  externalId: "00ujl29u0le5T6Aj10h7",
  groups: [],
  password: "1mz050nq",
  active: true,
});

/** A PATCH of about a megabyte that adds 20,000 members to a group. */
export function members(typed) {
  const value = Array.from({ length: 20_000 }, (_, index) => ({
    value: `${String(index).padStart(8, "0")}-0000-4000-8000-000000000000`,
  }));
  return JSON.stringify({
    schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    Operations: [
      { op: "add", path: "members", value },
      { op: "replace", path: "displayName", value: `example-group${typed}` },
    ],
  });
}
