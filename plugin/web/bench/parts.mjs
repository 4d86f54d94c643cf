// A do-it-yourself alternative: a JSON Schema validator (ajv) and a path parser (scim2-parse-filter), without
// decisions. ajv compiles schemas with `new Function`, which a strict Content-Security-Policy forbids.
import Ajv from "ajv";
import { parse } from "scim2-parse-filter";

import { USER } from "./sample.mjs";

const text = { type: "string" };
const list = (items) => ({ type: "array", items });
const object = (properties, required = []) => ({ type: "object", properties, required });
const value = object({ value: text, type: text, primary: { type: "boolean" }, display: text }, ["value"]);
const ajv = new Ajv();
const user = ajv.compile(
  object(
    {
      schemas: list(text),
      userName: text,
      externalId: text,
      displayName: text,
      locale: text,
      password: text,
      active: { type: "boolean" },
      name: object({ givenName: text, familyName: text }),
      emails: list(value),
      groups: list(value),
    },
    ["schemas", "userName"],
  ),
);
const operation = { op: { enum: ["add", "remove", "replace"] }, path: text };
const members = object({ ...operation, path: { const: "members" }, value: list(value) }, ["op", "path", "value"]);
const patch = ajv.compile(
  object({ schemas: list(text), Operations: list({ anyOf: [members, object({ ...operation, value: text }, ["op"])] }) }, [
    "schemas",
    "Operations",
  ]),
);

function check(validate, message) {
  if (!validate(message)) throw new Error(ajv.errorsText(validate.errors));
  return message;
}

globalThis.first = (check(user, JSON.parse(USER)), performance.now());
globalThis.keystroke = (text) => {
  const { Operations } = check(patch, JSON.parse(text));
  return Operations.map(({ path }) => parse(`${path} pr`));
};
