// Reads files of Kubernetes resources and prints, for each file, its resources as JSON and what is wrong with
// them by the definitions of Kubernetes, the Gateway API, Envoy Gateway and Istio: values by the schemas, and
// fields that a resource does not have by the types, as the schemas let those pass.
//
//   SCIMGUARD_NODE_MODULES=…/node_modules SCIMGUARD_WEB_MODULES=…/node_modules node resources.mjs FILE…

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

const modules = process.env.SCIMGUARD_NODE_MODULES;
const { parseAllDocuments } = createRequire(join(modules, "resources.cjs"))("yaml");

const DEFINITIONS = {
    "v1": "kubernetes-models/v1",
    "gateway.networking.k8s.io/v1": "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1",
    "gateway.envoyproxy.io/v1alpha1": "@kubernetes-models/envoy-gateway/gateway.envoyproxy.io/v1alpha1",
    "networking.istio.io/v1": "@kubernetes-models/istio/networking.istio.io/v1",
    "networking.istio.io/v1alpha3": "@kubernetes-models/istio/networking.istio.io/v1alpha3",
    "security.istio.io/v1": "@kubernetes-models/istio/security.istio.io/v1",
};

function read(file) {
    return parseAllDocuments(readFileSync(file, "utf8"), { strict: true, uniqueKeys: true }).map((document) => {
        if (document.errors.length > 0) {
            throw new Error(`${file}: ${document.errors[0].message}`);
        }
        return document.toJS();
    });
}

// What the schema says.
async function values({ apiVersion, kind, ...rest }) {
    const place = DEFINITIONS[apiVersion];
    if (place === undefined) {
        return [`no definition of ${apiVersion}`];
    }
    const kinds = await import(pathToFileURL(join(modules, place, "index.js")));
    if (kinds[kind] === undefined) {
        return [`no kind ${kind} in ${apiVersion}`];
    }
    try {
        new kinds[kind](rest).validate();
        return [];
    } catch (error) {
        return [error.message];
    }
}

// What the types say, of all resources at once: line N of the program is resource N.
function fields(resources) {
    const folder = mkdtempSync(join(tmpdir(), "scimguard-resources-"));
    const lines = resources.map(({ apiVersion, kind, ...rest }, index) => {
        const place = DEFINITIONS[apiVersion];
        if (place === undefined) {
            return "";
        }
        const type = JSON.stringify(join(modules, place, `${kind}.js`));
        const head = JSON.stringify({ apiVersion, kind });
        const value = `{...${head} as const, ...${JSON.stringify(rest)}}`;
        return `export const r${index}: import(${type}).I${kind} = ${value};`;
    });
    try {
        writeFileSync(join(folder, "resources.ts"), lines.join("\n"));
        const options = { strict: true, noEmit: true, skipLibCheck: true, module: "nodenext", types: [] };
        writeFileSync(
            join(folder, "tsconfig.json"),
            JSON.stringify({ compilerOptions: options, files: ["resources.ts"] }),
        );
        const compiler = join(process.env.SCIMGUARD_WEB_MODULES, ".bin", "tsc");
        execFileSync(compiler, ["--project", folder, "--pretty", "false"], { encoding: "utf8" });
        return [];
    } catch (error) {
        if (!error.stdout) {
            throw error;
        }
        const told = [...error.stdout.matchAll(/resources\.ts\((\d+),\d+\): error \w+: (.*(?:\n +.*)*)/g)];
        if (told.length === 0) {
            throw new Error(error.stdout);
        }
        return told.map(([, line, message]) => ({ resource: Number(line) - 1, message }));
    } finally {
        rmSync(folder, { recursive: true });
    }
}

const files = process.argv.slice(2).map((file) => ({ file, resources: read(file) }));
const unknown = fields(files.flatMap(({ resources }) => resources));
const answer = {};
let first = 0;
for (const { file, resources } of files) {
    const faults = [];
    for (const [index, resource] of resources.entries()) {
        const told = unknown.filter(({ resource }) => resource === first + index).map(({ message }) => message);
        for (const fault of [...(await values(resource)), ...told]) {
            faults.push(`${resource.kind} ${resource.metadata?.name}: ${fault}`);
        }
    }
    first += resources.length;
    answer[file] = { resources, faults };
}
process.stdout.write(JSON.stringify(answer));
