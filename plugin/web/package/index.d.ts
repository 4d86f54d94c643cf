export { Guard, loginCheck, pretty, rules } from "./scimguard.js";
export type * from "./scimguard.js";

/**
 * Resolves once the module can be used; everything is synchronous from then on. A second call waits for
 * the first. In Node the module is there from the beginning.
 *
 * @param module Where the module is, or what it is. Without it: `scimguard.wasm` beside this file, which
 * a bundler that knows `new URL(…, import.meta.url)` takes along.
 */
export function load(
  module?: string | URL | Request | Response | Promise<Response> | BufferSource | WebAssembly.Module,
): Promise<void>;
