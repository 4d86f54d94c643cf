// Shows who owns a user or group, and why.

import { useState } from "preact/hooks";

import type { Api, Retry } from "./api";
import { Field } from "./field";
import { count, moment } from "./words";

interface Report {
  kind: "user" | "group" | "account";
  recorded?: boolean;
  id?: string | null;
  user_name?: string;
  display_name?: string | null;
  external_id?: string | null;
  managed_by?: string | null;
  active?: boolean;
  state?: string;
  why?: string;
  groups?: { scope: string; group: string; display_name: string | null; managed_by: string | null; state: string }[];
  members?: { confirmed: number; joining: number; leaving: number };
  retries?: Retry[] | number;
  corrections?: { at: number; before: string | null; after: string | null; reason: string }[];
  managed_users?: number;
  native_users?: number;
  managed_groups?: number;
  native_groups?: number;
  open?: number;
  open_memberships?: number;
}

interface Asked {
  account: string;
  kind: "user" | "group" | "account";
  name: string;
  scope: string;
}

export function Owners({ api }: { api: Api }) {
  const [asked, setAsked] = useState<Asked>({ account: "", kind: "user", name: "", scope: "" });
  const [report, setReport] = useState<Report | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const ask = () => {
    const { account, kind, name, scope } = asked;
    const named = kind === "account" ? {} : { [kind]: name.trim(), ...(kind === "group" ? { scope } : {}) };
    setFault(null);
    api.get<Report>("owners", { account: account.trim(), ...named }).then(setReport, (error: Error) => {
      setReport(null);
      setFault(error.message);
    });
  };
  const change = (changed: Partial<Asked>) => setAsked({ ...asked, ...changed });
  return (
    <>
      <form
        class="filters"
        role="search"
        aria-label="Owners"
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <Field id="account" name="Account">
          <input
            id="account"
            type="text"
            required
            value={asked.account}
            onInput={(event) => change({ account: event.currentTarget.value })}
          />
        </Field>
        <Field id="of" name="Of">
          <select id="of" value={asked.kind} onChange={(event) => change({ kind: event.currentTarget.value as Asked["kind"] })}>
            <option value="user">a user</option>
            <option value="group">a group</option>
            <option value="account">the whole account</option>
          </select>
        </Field>
        {asked.kind !== "account" && (
          <Field id="name" name={asked.kind === "user" ? "Id or user name" : "Id"}>
            <input
              id="name"
              type="text"
              required
              value={asked.name}
              onInput={(event) => change({ name: event.currentTarget.value })}
            />
          </Field>
        )}
        {asked.kind === "group" && (
          <Field id="scope" name="Organisation/project">
            <input
              id="scope"
              type="text"
              placeholder="none: the account itself"
              value={asked.scope}
              onInput={(event) => change({ scope: event.currentTarget.value })}
            />
          </Field>
        )}
        <button type="submit">Who owns it?</button>
      </form>
      <div class="report" role="status">
        {fault && <p class="fault">{fault}</p>}
        {report && <Told report={report} />}
      </div>
    </>
  );
}

function Told({ report }: { report: Report }) {
  if (report.kind === "account" && report.recorded === false) {
    return (
      <section aria-labelledby="owner">
        <h3 id="owner">The account is not on record</h3>
        <p>{sentence(report.why ?? "")}</p>
      </section>
    );
  }
  if (report.kind === "account") {
    return (
      <section aria-label="The account">
        <dl class="pairs">
          <Pair name="Users">{`${report.managed_users} owned by a provider, ${report.native_users} the application's own`}</Pair>
          <Pair name="Groups">{`${report.managed_groups} owned by a provider, ${report.native_groups} the application's own`}</Pair>
          <Pair name="Open">
            {`${count(report.open as number, "user or group", "users and groups")}, ${count(report.open_memberships as number, "membership")}`}
          </Pair>
          <Pair name="Retries">{count(report.retries as number, "membership change")}</Pair>
        </dl>
      </section>
    );
  }
  const retries = (report.retries ?? []) as Retry[];
  return (
    <section aria-labelledby="owner">
      <h3 id="owner">
        {report.recorded === false
          ? "It is not on record"
          : report.managed_by
            ? `It is ${report.managed_by}'s`
            : "It is the application's own"}
      </h3>
      <p>{sentence(report.why ?? "")}</p>
      {report.recorded && (
        <dl class="pairs">
          <Pair name="State">{report.state}</Pair>
          <Pair name="Id">{report.id ?? "not known yet"}</Pair>
          {report.kind === "user" && <Pair name="User name">{report.user_name}</Pair>}
          <Pair name="Name">{report.display_name ?? "not known"}</Pair>
          <Pair name="External id">{report.external_id ?? "none"}</Pair>
          {report.kind === "user" && <Pair name="Active">{report.active ? "yes" : "no"}</Pair>}
          {report.members && (
            <Pair name="Members">
              {`${report.members.confirmed} confirmed, ${report.members.joining} being added, ${report.members.leaving} being removed`}
            </Pair>
          )}
          {report.groups && (
            <Pair name="Groups">
              {report.groups
                .map(({ group, managed_by, state }) => `${group} (${managed_by ? `${managed_by}'s` : "the application's own"}, ${state})`)
                .join(", ") || "none"}
            </Pair>
          )}
          {retries.length > 0 && (
            <Pair name="Retries">
              {retries
                .map(({ user, group, present }) => `${user} ${present ? "into" : "out of"} ${group}`)
                .join(", ")}
            </Pair>
          )}
        </dl>
      )}
      {(report.corrections ?? []).length > 0 && (
        <>
          <h4>Corrected by operators</h4>
          <ul>
            {report.corrections?.map(({ at, before, after, reason }) => (
              <li key={at}>
                {moment(at)}: from {before ?? "nobody"} to {after ?? "nobody"}, reason: {reason}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Pair({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
