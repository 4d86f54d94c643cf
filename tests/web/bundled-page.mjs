// Decides one request on a page with a bundled script.
import { Guard, load, rules } from "scimguard";
import module from "scimguard/scimguard.wasm";

await load(new URL(module, import.meta.url));
const [played] = new Guard("").play("", [{ request: JSON.stringify({ method: "GET", path: "/elsewhere" }) }], Date.now());
globalThis.result = { rule: played.stops[0].rule, rules: rules().length };
