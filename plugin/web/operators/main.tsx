// Draws the operators' page.

import { render } from "preact";

import { App } from "./app";

render(<App />, document.getElementById("page") as HTMLElement);
