// Tests that need no browser: reading pasted texts, hiding secrets, comparing requests.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const MODULES = process.env.SCIMGUARD_WEB_MODULES;
const SOURCES = join(dirname(fileURLToPath(import.meta.url)), "../../../plugin/web");
const { build } = createRequire(join(MODULES, "esbuild", "package.json"))("esbuild");

const BUNDLES = await mkdtemp(join(tmpdir(), "scimguard-page-"));
after(() => rm(BUNDLES, { recursive: true }));

/** Imports a module of the page, bundled as for the page. */
async function source(path) {
  const outfile = join(BUNDLES, path.replaceAll("/", "-").replace(/ts$/, "mjs"));
  const entryPoints = [join(SOURCES, path)];
  await build({
    entryPoints,
    outfile,
    bundle: true,
    format: "esm",
    platform: "browser",
    logLevel: "warning",
  });
  return import(pathToFileURL(outfile));
}

const { read } = await source("page/reading/index.ts");
const { mask } = await source("page/secrets.ts");
const { compare } = await source("explanation/comparison.ts");

const JSON_TYPE = ["content-type", "application/json"];
const FORM_TYPE = ["content-type", "application/x-www-form-urlencoded"];

for (const [name, text, method, path, headers, body] of [
  ["http, bare", "GET /Users", "GET", "/Users", [], null],
  ["http, with a URL", "get https://a.example:8443/x?y#z HTTP/2", "get", "/x?y", [], null],
  ["http, with returns", "PUT /x HTTP/1.1\r\nA: b\r\n\r\n{}\r\n", "PUT", "/x", [["a", "b"]], "{}"],
  ["http, with an empty line first", "\n\nGET /x\nA:b:c\n", "GET", "/x", [["a", "b:c"]], null],
  ["http, a path that is ambiguous", "GET /a/../b%2fc//d?x", "GET", "/a/../b%2fc//d?x", [], null],
  [
    "http, a header twice",
    "GET /x\nA: 1\nA: 2",
    "GET",
    "/x",
    [
      ["a", "1"],
      ["a", "2"],
    ],
    null,
  ],
  ["curl", "curl https://a/x", "GET", "/x", [], null],
  ["curl, a prompt and no path", "$ curl -sS -k https://a", "GET", "/", [], null],
  [
    "curl, -XPATCH and several lines",
    "curl -XPATCH https://a/x \\\n  -H 'A: b' \\\n  -d '{}'",
    "PATCH",
    "/x",
    [["a", "b"], FORM_TYPE],
    "{}",
  ],
  [
    "curl, Windows' lines",
    'curl -X PUT ^\r\n "https://a/x" ^\r\n -H "A: b"',
    "PUT",
    "/x",
    [["a", "b"]],
    null,
  ],
  [
    "curl, --json",
    `curl --json '{"a":1}' https://a/x`,
    "POST",
    "/x",
    [JSON_TYPE, ["accept", "application/json"]],
    '{"a":1}',
  ],
  ["curl, data twice", "curl https://a/x -d a=1 -d b=2", "POST", "/x", [FORM_TYPE], "a=1&b=2"],
  ["curl, data in the query", "curl -G https://a/x?q=1 --data-urlencode a=1", "GET", "/x?q=1&a=1", [], null],
  [
    "curl, a quote within quotes",
    `curl https://a/x -H 'content-type: application/json' -d '{"n":"O'\\''Neil"}'`,
    "POST",
    "/x",
    [JSON_TYPE],
    `{"n":"O'Neil"}`,
  ],
  [
    "curl, as browsers copy it",
    `curl 'https://a/x' --data-raw $'{"n":"\\u00e9\\n"}'`,
    "POST",
    "/x",
    [FORM_TYPE],
    '{"n":"é\n"}',
  ],
  [
    "curl, a user",
    "curl -u a:b -A me https://a/x",
    "GET",
    "/x",
    [
      ["authorization", "Basic YTpi"],
      ["user-agent", "me"],
    ],
    null,
  ],
  [
    "curl, a bearer",
    "curl --oauth2-bearer T --url https://a/x",
    "GET",
    "/x",
    [["authorization", "Bearer T"]],
    null,
  ],
  ["curl, HEAD", "curl -I https://a/x", "HEAD", "/x", [], null],
  [
    "json, with numbers as written",
    '{"method":"PUT","path":"/x","body":{"a": 1.00, "a": 1e400}}',
    "PUT",
    "/x",
    [],
    '{"a": 1.00, "a": 1e400}',
  ],
  [
    "json, with text",
    '{"method":"PUT","path":"/x","headers":{"A":["b","c"]},"body_text":"{\\"a"}',
    "PUT",
    "/x",
    [
      ["a", "b"],
      ["a", "c"],
    ],
    '{"a',
  ],
  ["json, with bytes", '{"method":"PUT","path":"/x","body_base64":"e30="}', "PUT", "/x", [], "{}"],
]) {
  test(`a request is read: ${name}`, () => {
    assert.deepEqual(read(text).request, { method, path, headers, body });
  });
}

for (const [name, text, from, message] of [
  ["a form", "curl -F a=b https://a/x", 0, /a form or a file/],
  ["no URL", "curl -X POST", 0, /names no URL/],
  ["a header that is none", "curl https://a/x -H nonsense", 20, /a colon stands after/],
  ["a name of a header that is none", "GET /x\nA B: c", 7, /is not a header name/],
  ["two bodies", '{"method":"PUT","path":"/x","body":1,"body_text":"2"}', 49, /Give only one/],
  ["no path", '{"method":"PUT"}', 0, /needs a string “path”/],
  ["base 64 that is none", '{"method":"PUT","path":"/x","body_base64":"?"}', 42, /not base64/],
  ["a list", "[1]", 0, /an object with method/],
]) {
  test(`what is no request is said: ${name}`, () => {
    assert.throws(
      () => read(text),
      (fault) => message.test(fault.message) && fault.at.from === from,
    );
  });
}

test("a place in the body is found in the text, whatever is escaped there", () => {
  for (const text of [
    `PUT /x HTTP/1.1\n\n{"n": "O'Neil", "x": 1}`,
    `curl https://a/x -d '{"n": "O'\\''Neil", "x": 1}'`,
    `curl https://a/x -d "{\\"n\\": \\"O'Neil\\", \\"x\\": 1}"`,
    `{"method": "PUT", "path": "/x", "body": {"n": "O'Neil", "x": 1}}`,
    `{"method": "PUT", "path": "/x", "body_text": "{\\"n\\": \\"O'Neil\\", \\"x\\": 1}"}`,
  ]) {
    const { request, inText } = read(text);
    const at = inText(request.body.indexOf("x"));
    assert.equal(text.slice(at).replace(/^x\\?": /, ""), text.slice(text.lastIndexOf("1")), text);
  }
});

const FACTS = { users: [], groups: [], members: [], tokens: [], principals: [] };

test("a secret has the same fake everywhere, and none is left", async () => {
  const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzdmMifQ.c2lnbmF0dXJl";
  const steps = [
    {
      text: `GET /Users?api_key=query-secret\nAuthorization: Bearer ${jwt}\nX-Api-Key: key-secret\nCookie: a=cookie-secret`,
    },
    {
      text: 'PUT /x\n\n{"password": "pass\\"word", "clientSecret": "in-a-body"}',
      answer: '{"status": 200, "body": {"token": "in-an-answer"}}',
    },
    { text: "not a request, but Bearer lonely-secret" },
  ];
  const verified = [{ account: "A", issuer: "i", token: jwt }];
  const { state, replaced } = await mask({ steps, shown: 0, policy: "", facts: { ...FACTS, verified } });
  const left = JSON.stringify(state);
  for (const secret of [
    "query-secret",
    "c2lnbmF0dXJl",
    "key-secret",
    "cookie-secret",
    "pass\\\\",
    "in-a-body",
    "in-an-answer",
    "lonely-secret",
  ]) {
    assert.ok(!left.includes(secret), `${secret} is left in ${left}`);
  }
  assert.equal(replaced, 8);
  // The claims stay, because the verdict depends on them.
  assert.ok(state.steps[0].text.includes(state.facts.verified[0].token));
  assert.ok(state.facts.verified[0].token.startsWith("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzdmMifQ."));
});

test("a token that the facts know by its hash is known by its fake", async () => {
  const hash = "64ae8bd9da12a5b6bf1a87cd02d1ad35af2d0fe7cb4ac05bfd3a8ce5b2bff7c4";
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("pat.A.b.secret"));
  const known = Buffer.from(bytes).toString("hex");
  const tokens = [
    { token_sha256: known.toUpperCase(), account: "A" },
    { token_sha256: hash, account: "A" },
  ];
  const steps = [{ text: "GET /x\nAuthorization: Bearer pat.A.b.secret" }];
  const { state } = await mask({ steps, shown: 0, policy: "", facts: { ...FACTS, tokens } });
  assert.match(state.steps[0].text, /Bearer pat\.A\.b\.fake1$/);
  assert.deepEqual(state.facts.tokens, [
    { account: "A", token: "pat.A.b.fake1" },
    { token_sha256: hash, account: "A" },
  ]);
});

test("numbers and keys are compared as they are written", () => {
  const message = (body) => ({ method: "PUT", path: "/x", headers: [], body });
  const rows = (before, after) =>
    compare(message(before), message(after), []).parts.filter((part) => "isSame" in part && !part.isSame);
  assert.deepEqual(rows('{"a":1.0}', '{\n"a" : 1.0 }'), []);
  assert.equal(rows('{"a":1.0}', '{"a":1.00}').length, 1);
  assert.equal(rows('{"a":12345678901234567890}', '{"a":12345678901234567891}').length, 1);
  assert.equal(rows("no JSON", "no json").length, 1);
});

test("texts that differ in everything are compared in time", () => {
  const body = (key) =>
    JSON.stringify(Array.from({ length: 20_000 }, (_, index) => ({ [key]: `${key}${index}` })));
  const message = (body) => ({ method: "PUT", path: "/x", headers: [], body });
  const started = performance.now();
  const { parts } = compare(message(body("a")), message(body("b")), []);
  assert.ok(parts.length <= 1_002, `${parts.length} rows are shown`);
  assert.ok(performance.now() - started < 10_000);
});
