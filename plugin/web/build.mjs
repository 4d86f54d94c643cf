// Builds each page as a folder of static files for any file server. Each file also gets a copy
// compressed with brotli.
//
//   node build.mjs PACKAGE OUTPUT

import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

import { build } from "esbuild";

const SOURCES = dirname(fileURLToPath(import.meta.url));

/** The entry points bundled for each page. */
const PAGES = {
  page: [
    { in: "page/main.tsx", out: "page" },
    { in: "page/page.css", out: "page" },
    { in: "page/worker.ts", out: "worker" },
  ],
  operators: [
    { in: "operators/main.tsx", out: "operators" },
    { in: "operators/operators.css", out: "operators" },
    { in: "page/worker.ts", out: "worker" },
  ],
};

/** The files copied for each page. */
const COPIED = ["index.html", "icon.svg"];

const compress = promisify(brotliCompress);

const [, , packageFolder, output] = process.argv.map((argument) => resolve(argument));
const module = join(packageFolder, "scimguard.wasm");
// Compressed once for all pages, since it takes seconds.
const compressedModule = await brotli(await readFile(module));

for (const [name, bundled] of Object.entries(PAGES)) {
  const folder = join(output, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await build({
    absWorkingDir: SOURCES,
    entryPoints: bundled,
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
  for (const file of COPIED) {
    await copyFile(join(SOURCES, name, file), join(folder, file));
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
