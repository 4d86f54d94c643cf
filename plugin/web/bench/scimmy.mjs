// scimmy: reads the message into its classes, without a decision.
import SCIMMY from "scimmy";

import { USER } from "./sample.mjs";

globalThis.first = (new SCIMMY.Schemas.User(JSON.parse(USER), "in"), performance.now());
globalThis.keystroke = (text) => {
  const patch = new SCIMMY.Messages.PatchOp(JSON.parse(text));
  return patch.apply(new SCIMMY.Schemas.Group({ id: "example_group", displayName: "example-group", members: [] }));
};
