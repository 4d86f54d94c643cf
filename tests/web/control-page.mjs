// What the Content-Security-Policy of these pages must forbid.
try {
  globalThis.result = { evaluated: new Function("return 1")() };
} catch (error) {
  globalThis.result = { refused: error.name };
}
