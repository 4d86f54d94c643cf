// Applies PATCH requests with scimmy's PatchOp. Reads one JSON document a line, {resource, patch},
// and answers each with one: {resource}, or {error: {scimType, detail}}.
//
//   SCIMGUARD_NODE_MODULES=…/node_modules node apply-scimmy.mjs

import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

const require = createRequire(join(process.env.SCIMGUARD_NODE_MODULES, "scimmy.cjs"));
const { Messages, Schemas } = require("scimmy");
Schemas.User.extend(Schemas.EnterpriseUser, false);

async function answer({ resource, patch }) {
    const Schema = resource.schemas.includes(Schemas.Group.definition.id) ? Schemas.Group : Schemas.User;
    try {
        const instance = new Schema(resource, "out");
        // `undefined` says that nothing changed. What is read is the whole result, as scimmy-routers
        // would answer it.
        const patched = (await new Messages.PatchOp(patch).apply(instance)) ?? instance;
        return { resource: new Schema(patched, "out") };
    } catch (error) {
        return { error: { scimType: error.scimType ?? null, detail: error.message } };
    }
}

for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(JSON.parse(line))));
}
