// Reads the request from a curl command, as found in API documentation or copied from a browser. Words
// are split as in a shell (shlex), and options are read as by curl itself (getopts).

import getopts from "getopts";
import { split } from "shlex";

import { checkHeader, pathOf, type Reading, type Span, Unreadable } from "./reading";

/** Options with a value, keyed by their short name if they have one. */
const VALUED: Record<string, string[]> = {
  X: ["request"],
  H: ["header"],
  d: ["data", "data-ascii"],
  u: ["user"],
  b: ["cookie"],
  A: ["user-agent"],
  e: ["referer"],
  F: ["form"],
  T: ["upload-file"],
  o: ["output"],
  m: ["max-time"],
  x: ["proxy"],
  E: ["cert"],
  w: ["write-out"],
  c: ["cookie-jar"],
  D: ["dump-header"],
  K: ["config"],
  "data-raw": [],
  "data-binary": [],
  "data-urlencode": [],
  json: [],
  url: [],
  "oauth2-bearer": [],
  "connect-timeout": [],
  cacert: [],
  key: [],
  resolve: [],
  retry: [],
  "retry-delay": [],
  "retry-max-time": [],
};

/** Options without a value that matter here. */
const PLAIN: Record<string, string[]> = { G: ["get"], I: ["head"] };

/** Options that hold the body. The order of values is kept only within one option. */
const DATA = ["d", "data-raw", "data-binary", "data-urlencode", "json"];

export function readCurl(text: string): Reading {
  const options = getopts(words(text).slice(1), {
    string: [...Object.keys(VALUED), ...Object.values(VALUED).flat()],
    boolean: [
      ...Object.keys(PLAIN),
      ...Object.values(PLAIN).flat(),
      ...["k", "L", "s", "S", "i", "v", "f", "g", "compressed"],
    ],
    alias: { ...VALUED, ...PLAIN },
  });
  const values = (name: string): string[] => {
    const value: unknown = options[name];
    return (Array.isArray(value) ? value : [value]).filter(
      (one): one is string => typeof one === "string" && one !== "",
    );
  };
  const whole = { from: 0, to: text.length };
  for (const name of ["F", "T", "K"]) {
    if (values(name).length > 0) {
      throw new Unreadable(
        "The command sends a form or a file. A SCIM request has a JSON body (--data).",
        whole,
      );
    }
  }
  const url = values("url")[0] ?? options._[0];
  if (url === undefined) {
    throw new Unreadable("The command names no URL.", whole);
  }
  const given = DATA.flatMap((name) => values(name));
  const file = given.find((value) => value.startsWith("@"));
  if (file !== undefined) {
    throw new Unreadable(
      `The body is in the file ${file.slice(1)}. Replace ${file} with its contents.`,
      found(text, file),
    );
  }
  const data = given.length > 0 ? given.join("&") : null;
  const isQuery = options.G === true && data !== null;
  const headers = readHeaders(text, values, data !== null && !isQuery);
  const path = pathOf(url);
  const query = isQuery ? `${path.includes("?") ? "&" : "?"}${data}` : "";
  const body = isQuery ? null : data;
  const method = options.I === true ? "HEAD" : body === null ? "GET" : "POST";
  return {
    form: "curl",
    request: { method: values("X").at(-1) ?? method, path: path + query, headers, body },
    base64: null,
    target: found(text, url),
    headers: new Map(headers.map(([name, value]) => [name, found(text, value)])),
    inText: body === null ? () => text.length : inText(text, body),
  };
}

/** The words of the command. Lines are continued by `\`, or by `^` on Windows. */
function words(text: string): string[] {
  const command = text
    .replace(/^\s*[$>#%]\s+/, "")
    .replace(/[\\^]\r?\n/g, (ending) => " ".repeat(ending.length));
  try {
    return split(command);
  } catch {
    throw new Unreadable("A quote in this command is never closed.", {
      from: Math.max(0, text.trimEnd().length - 1),
      to: text.trimEnd().length,
    });
  }
}

function readHeaders(text: string, values: (name: string) => string[], hasBody: boolean): [string, string][] {
  const headers: [string, string][] = [];
  for (const header of values("H")) {
    const colon = header.indexOf(":");
    const at = found(text, header);
    if (colon <= 0) {
      throw new Unreadable(`“${header}” is not a header: a colon stands after its name.`, at);
    }
    const name = header.slice(0, colon).trim();
    const value = header.slice(colon + 1).trim();
    checkHeader(name, value, at);
    headers.push([name.toLowerCase(), value]);
  }
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined && !headers.some(([other]) => other === name)) {
      headers.push([name, value]);
    }
  };
  const user = values("u").at(-1);
  add("authorization", user && `Basic ${btoa(user)}`);
  const bearer = values("oauth2-bearer").at(-1);
  add("authorization", bearer && `Bearer ${bearer}`);
  add("cookie", values("b").at(-1));
  add("user-agent", values("A").at(-1));
  add("referer", values("e").at(-1));
  if (values("json").length > 0) {
    add("content-type", "application/json");
    add("accept", "application/json");
  } else if (hasBody) {
    add("content-type", "application/x-www-form-urlencoded");
  }
  return headers;
}

/** The place of a value in the command if it appears verbatim; otherwise the whole command. */
function found(text: string, value: string): Span {
  const from = text.indexOf(value);
  const command = text.indexOf("curl");
  return from < 0 ? { from: command, to: command + 4 } : { from, to: from + value.length };
}

/** Maps offsets in the body to offsets in the command, where quotes may be escaped. */
function inText(text: string, body: string): (offset: number) => number {
  const verbatim = text.indexOf(body);
  if (verbatim >= 0) {
    return (offset) => verbatim + offset;
  }
  const option = /(?:^|\s)(?:-d|--data[\w-]*|--json)[=\s]*/.exec(text);
  const start = option ? option.index + option[0].length : 0;
  return (offset) => {
    let at = start;
    for (let passed = 0; passed <= offset && at < text.length; passed++) {
      const character = body[passed];
      while (at < text.length && text[at] !== character && !stands(text, at, character)) {
        at++;
      }
      if (passed === offset) {
        return at;
      }
      at += text[at] === character ? 1 : 2;
    }
    return at;
  };
}

/** Whether an escape in `$'…'` represents a line end or tab here. */
function stands(text: string, at: number, character: string | undefined): boolean {
  const escape = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character ?? ""];
  return escape !== undefined && text.startsWith(escape, at);
}
