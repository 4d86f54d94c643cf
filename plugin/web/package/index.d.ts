export { Guard, loginCheck, pretty, rules } from "./scimguard.js";
export type * from "./scimguard.js";

/**
 * Resolves when the module is ready; everything is synchronous from then on. A second call waits for
 * the first. In Node the module is ready after the import.
 *
 * @param module The module or its location. Defaults to `scimguard.wasm` beside this file, which bundlers
 * that support `new URL(…, import.meta.url)` include.
 */
export function load(
  module?: string | URL | Request | Response | Promise<Response> | BufferSource | WebAssembly.Module,
): Promise<void>;
