// A SCIM server as scimmy's documentation shows one: scimmy-routers in an express application, with
// users and groups in memory. What it accepts and refuses is scimmy's own doing.
//
//   SCIMGUARD_NODE_MODULES=…/node_modules node scimmy-server.mjs [port]
//
// Prints `listening on URL`; the SCIM end points are under `/scim` of it.

import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";

const require = createRequire(join(process.env.SCIMGUARD_NODE_MODULES, "scimmy-server.cjs"));
const express = require("express");
const SCIMMY = require("scimmy");
const { default: SCIMMYRouters } = require("scimmy-routers");

/** Keeps the resources of a type in memory. No two may have the same `name`, in any case. */
function keepInMemory(Resource, name) {
    const kept = new Map();
    const find = (id) => {
        if (!kept.has(id)) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
        return kept.get(id);
    };
    const isTaken = (id, value) =>
        [...kept.values()].some((other) => other.id !== id && other[name].toLowerCase() === value.toLowerCase());

    Resource.ingress((resource, instance) => {
        const now = new Date().toISOString();
        const { id, meta } = resource.id ? find(resource.id) : { id: randomUUID(), meta: { created: now } };
        if (isTaken(id, instance[name])) {
            throw new SCIMMY.Types.Error(409, "uniqueness", `${name} is not unique`);
        }
        kept.set(id, { ...instance, id, meta: { ...meta, lastModified: now } });
        return kept.get(id);
    });
    Resource.egress((resource) => {
        if (resource.id) return find(resource.id);
        return resource.filter ? resource.filter.match([...kept.values()]) : [...kept.values()];
    });
    Resource.degress((resource) => {
        find(resource.id);
        kept.delete(resource.id);
    });
    return Resource;
}

SCIMMY.Resources.declare(
    keepInMemory(SCIMMY.Resources.User, "userName").extend(SCIMMY.Schemas.EnterpriseUser, false),
);
SCIMMY.Resources.declare(keepInMemory(SCIMMY.Resources.Group, "displayName"));

const application = express();
// Whoever asks is let in: who may do what is not what this server is for.
application.use("/scim", new SCIMMYRouters({ type: "bearer", handler: () => "anybody" }));

const server = application.listen(Number(process.argv[2] ?? 0), "127.0.0.1", (error) => {
    if (error) throw error;
    console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
