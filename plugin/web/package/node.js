// Node: loads the module on import.
import { readFileSync } from "node:fs";

import { initSync } from "./scimguard.js";

export { Guard, loginCheck, pretty, rules } from "./scimguard.js";

initSync({ module: readFileSync(new URL("./scimguard.wasm", import.meta.url)) });

export async function load() {}
