// Browsers and bundlers: fetches the module once, by default from beside this file.
import instantiate from "./scimguard.js";

export { Guard, loginCheck, pretty, rules } from "./scimguard.js";

let loading;

export function load(module = new URL("./scimguard.wasm", import.meta.url)) {
  loading ??= instantiate({ module_or_path: module }).then(
    () => undefined,
    (error) => {
      loading = undefined;
      throw error;
    },
  );
  return loading;
}
