// Builds the pages: each a folder of static files that any file server serves, with the guard's
// module beside them, and each file once more as brotli for servers that send it so.
//
//   node build.mjs PACKAGE OUTPUT

import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

import { build } from "esbuild";

const SOURCES = dirname(fileURLToPath(import.meta.url));

/** What each page consists of: what is bundled, under which name, and what is copied. */
const PAGES = {
  page: {
    bundled: { page: "page/main.tsx", worker: "page/worker.ts", "page-style": "page/page.css" },
    copied: ["page/index.html", "page/icon.svg"],
  },
};

/** At the highest quality, which takes seconds for the module: it is done once for all pages. */
const compress = promisify(brotliCompress);

const [, , packageFolder, output] = process.argv.map((argument) => resolve(argument));
const module = join(packageFolder, "scimguard.wasm");
const compressedModule = await brotli(await readFile(module));

for (const [name, page] of Object.entries(PAGES)) {
  const folder = join(output, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await build({
    absWorkingDir: SOURCES,
    entryPoints: page.bundled,
    outdir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    alias: { scimguard: packageFolder },
    define: { MODULE_BYTES: String((await stat(module)).size) },
    legalComments: "external",
    logLevel: "warning",
  });
  for (const file of page.copied) {
    await copyFile(join(SOURCES, file), join(folder, file.split("/").at(-1)));
  }
  for (const file of await readdir(folder)) {
    await writeFile(join(folder, `${file}.br`), await brotli(await readFile(join(folder, file))));
  }
  await copyFile(module, join(folder, "scimguard.wasm"));
  await writeFile(join(folder, "scimguard.wasm.br"), compressedModule);
}

function brotli(bytes) {
  return compress(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
}
