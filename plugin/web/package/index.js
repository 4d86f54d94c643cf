// Browsers and bundlers: the module is fetched once, from beside this file unless another place is named.
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
