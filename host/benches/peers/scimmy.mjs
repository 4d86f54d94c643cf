// What scimmy takes to read, check and write messages: a line of JSON {"name", "kind", "text"} in,
// a line of nanoseconds for each message out.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(process.env.SCIMGUARD_NODE_MODULES + "/"));
const { default: SCIMMY } = await import(pathToFileURL(require.resolve("scimmy")).href);

const group = { id: "example_group", displayName: "example-group", members: [] };
const work = {
    user: async (text) => JSON.stringify(new SCIMMY.Schemas.User(JSON.parse(text), "in")),
    // It looks at the values of a PATCH only when it applies it.
    patch: async (text) => {
        const patch = new SCIMMY.Messages.PatchOp(JSON.parse(text));
        return JSON.stringify(await patch.apply(new SCIMMY.Schemas.Group(group)));
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const { kind, text } = JSON.parse(line);
    const once = work[kind];
    const until = async (milliseconds) => {
        const started = process.hrtime.bigint();
        let count = 0;
        let spent = 0n;
        while (spent < BigInt(milliseconds) * 1_000_000n) {
            await once(text);
            count += 1;
            spent = process.hrtime.bigint() - started;
        }
        return Number(spent) / count;
    };
    await until(500);
    console.log(Math.round(await until(2000)));
}
