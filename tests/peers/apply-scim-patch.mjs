// Applies PATCH requests with scim-patch. Reads one JSON document a line, {resource, patch}, and
// answers each with one: {resource}, or {error: {scimType, detail}}.
//
//   SCIMGUARD_NODE_MODULES=…/node_modules node apply-scim-patch.mjs

import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

const require = createRequire(join(process.env.SCIMGUARD_NODE_MODULES, "scim-patch.cjs"));
const { patchBodyValidation, scimPatch } = require("scim-patch");

function answer({ resource, patch }) {
    try {
        patchBodyValidation(patch);
        return { resource: scimPatch(resource, patch.Operations) };
    } catch (error) {
        return { error: { scimType: error.scimCode ?? null, detail: error.message } };
    }
}

for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(answer(JSON.parse(line))));
}
