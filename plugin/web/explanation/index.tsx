// The explanation of one decision, for the page and for the operators' page. It never calls the guard:
// everything it shows is passed in.

import { render } from "preact";

import { Changes, Differences } from "./differences";
import type { Explained, Rule } from "./explained";
import { Forwarded, Records, Response } from "./messages";
import type { Ownership } from "./ownership";
import { OwnershipPicture } from "./ownership-picture";
import { Stages, Verdict } from "./verdict";

export { sentence } from "./verdict";

export interface ExplanationProperties {
  explained: Explained;
  rules: ReadonlyMap<string, Rule>;
  /** The record before and after the request, if known. */
  ownership?: { before: Ownership; after: Ownership };
}

export function Explanation({ explained, rules, ownership }: ExplanationProperties) {
  const { changes, comparison, forwarded, response, records, stages } = explained;
  return (
    <div class="explanation">
      <Verdict explained={explained} rules={rules} />
      <Stages stages={stages} />
      {comparison ? (
        <Differences comparison={comparison} changes={changes} rules={rules} />
      ) : (
        changes.length > 0 && (
          <section aria-labelledby="differences">
            <h2 id="differences">Changes before the denial</h2>
            <Changes changes={changes} rules={rules} />
          </section>
        )
      )}
      {ownership && (
        <section aria-labelledby="ownership">
          <h2 id="ownership">Ownership after the request</h2>
          <OwnershipPicture {...ownership} />
        </section>
      )}
      <Forwarded forwarded={forwarded} />
      <Records records={records} />
      <Response response={response} />
    </div>
  );
}

/** Draws the view into an element, for a page without Preact. */
export function show(element: Element, properties: ExplanationProperties): void {
  render(<Explanation {...properties} />, element);
}
