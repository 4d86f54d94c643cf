// Draws the page with the state from its link.

import { render } from "preact";

import { App } from "./app";
import { fromFragment } from "./link";

const linked = await fromFragment(location.hash.slice(1));
render(<App linked={linked} />, document.getElementById("page") as HTMLElement);
