// Plays the corpus on a page that loads the package's files.
import * as scimguard from "/scimguard/index.js";

import { player } from "/corpus.mjs";

await scimguard.load();
const play = player(scimguard);
const differing = [];
let cases = 0;
const decide = (text) => {
  const line = JSON.parse(text);
  cases += 1;
  const found = play(line);
  if (found) differing.push(`${line.suite}: ${line.case}: ${found}`);
};
let rest = "";
const { body } = await fetch("/transcript");
for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  lines.forEach(decide);
}
globalThis.result = { cases, differing };
