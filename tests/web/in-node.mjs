// `in-node.mjs FOLDER TRANSCRIPT` plays the corpus with the package installed in FOLDER. Prints the number of
// cases and each one that differs.
import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

import { player } from "./corpus.mjs";

const [folder, transcript] = process.argv.slice(2);
const scimguard = await import(pathToFileURL(createRequire(`${folder}/`).resolve("scimguard")));
await scimguard.load();
const play = player(scimguard);
const differing = [];
let cases = 0;
for await (const text of createInterface({ input: createReadStream(transcript) })) {
  const line = JSON.parse(text);
  cases += 1;
  const found = play(line);
  if (found) differing.push(`${line.suite}: ${line.case}: ${found}`);
}
console.log(JSON.stringify({ cases, differing }));
