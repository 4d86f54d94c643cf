// Code of a package user, only for the compiler, which must reject every line after @ts-expect-error.
import { type ClientRequest, type Fact, Guard, type InputError, load, loginCheck, type PolicyError, pretty, rules } from "scimguard";

await load();
await load(new URL("https://example.com/scimguard.wasm"));

const guard = new Guard("");
const request: ClientRequest = { method: "GET", path: "/", headers: [["host", "example.com"]], body: "unread" };
const facts: Fact[] = [{ key: { principal: { account: "ACC1", id: "svc" } }, answer: "absent" }];

const verdict = guard.evaluate(request, facts, Date.now());
switch (verdict.verdict) {
  case "need":
    verdict.keys.map((key) => ("user" in key ? key.user.value : key));
    break;
  case "forward": {
    const outcome = guard.observe(verdict.continuation, "unanswered", facts, Date.now());
    if (outcome.outcome === "respond") outcome.response.status.toFixed();
    break;
  }
  case "reject":
    verdict.rule.toUpperCase();
    // @ts-expect-error a refused request is not sent
    verdict.method;
    break;
  default:
    verdict.continuation.byteLength;
}

const [played] = guard.play("", [{ request: "{}", upstream: null }], Date.now());
const [stop] = played.stops;
if (stop.decision === "forward") stop.request.body?.length;
else stop.response.status.toFixed();
played.records.filter((record) => record.record === "intent").map((intent) => intent.provider);
// @ts-expect-error a key is one of a closed set
guard.evaluate(request, [{ key: { everything: true }, answer: "absent" }], 0);
// @ts-expect-error the time is not optional
guard.evaluate(request, facts);

const names: (string | null)[] = rules().map((rule) => rule.scimType);
const integration: "firstgen" | "nextgen" | null = loginCheck(null, ["ann@example.com"], "ann@example.com").integration;
const faults = (error: PolicyError) => error.faults.map(({ pointer }) => pointer);
const place = (error: InputError) => `${error.input} ${error.line}`;
export { faults, integration, names, place, pretty };
