// Plays one line of a transcript (`scimguard test --transcript`) with the npm package: every call of the
// policy, and the whole case like a page. Runs in Node and in browsers.

/** A player of lines; returns the first difference, or `null`. */
export function player({ Guard }) {
  const guards = new Map();
  return (line) => {
    const { policy, calls, facts, steps } = line;
    let guard = guards.get(policy);
    if (!guard) {
      guard = new Guard(policy);
      guards.set(policy, guard);
    }
    return calls.reduce((found, call, index) => found ?? different(guard, call, index), null) ??
      played(guard, facts, steps);
  };
}

/** Compares one of the policy's own calls. */
function different(guard, call, index) {
  const facts = call.facts;
  const came =
    call.call === "evaluate"
      ? guard.evaluate(withBytes(call.request), facts, call.now)
      : guard.observe(new Uint8Array(call.continuation), withBytes(call.answer), facts, call.now);
  return unequal(`call ${index + 1} (${call.call})`, JSON.stringify(call.gives), JSON.stringify(came, bytesAsNumbers));
}

/** Compares the decisions as documents, and the response. */
function played(guard, facts, steps) {
  const known = JSON.stringify(facts);
  const asked = steps.map(({ request, upstream, now }) => ({ request, upstream, now }));
  const came = guard.play(known, asked, 0);
  const decisions = guard.decisions(known, asked, 0);
  for (const [index, step] of steps.entries()) {
    const found =
      unequal(`decisions of step ${index + 1}`, step.stops.join("\n"), decisions[index].join("\n")) ??
      unequal(`rules of step ${index + 1}`, rules(step.stops.map((text) => JSON.parse(text))), rules(came[index].stops)) ??
      unequal(`response of step ${index + 1}`, JSON.stringify(shown(step.response)), JSON.stringify(came[index].response));
    if (found) return found;
  }
  return null;
}

function rules(stops) {
  return stops.map(({ decision, rule }) => `${decision} ${rule ?? ""}`).join("\n");
}

/** A response in the form that a page shows, as text. */
function shown(response) {
  if (!response) return null;
  const { status, headers, body } = response;
  const text = (bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(bytes));
  return {
    status,
    headers: headers.map(([name, value]) => [name, typeof value === "string" ? value : text(value)]),
    body: body.bytes ? text(body.bytes) : null,
  };
}

function unequal(what, expected, came) {
  if (expected === came) return null;
  let at = 0;
  while (expected[at] === came[at]) at += 1;
  const near = (text) => text.slice(Math.max(0, at - 60), at + 60);
  return `${what} differs at ${at}: native has …${near(expected)}…, here it is …${near(came)}…`;
}

/** Writes bytes as numbers, like a transcript, since JSON has no bytes. */
function withBytes(value) {
  if (Array.isArray(value)) {
    return value.length > 0 && value.every((part) => typeof part === "number")
      ? new Uint8Array(value)
      : value.map(withBytes);
  }
  if (value && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [name, name === "bytes" ? new Uint8Array(part) : withBytes(part)]),
    );
  }
  return value;
}

function bytesAsNumbers(_, value) {
  return value instanceof Uint8Array ? [...value] : value;
}
