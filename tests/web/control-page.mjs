// Does something that these pages' Content-Security-Policy must forbid.
try {
  globalThis.result = { evaluated: new Function("return 1")() };
} catch (error) {
  globalThis.result = { refused: error.name };
}
