// The operators' page: shows holders of the admin token what the guard decided, and why.

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Rule } from "../explanation/explained";
import { Api } from "./api";
import { Counts } from "./counts";
import { DecisionView } from "./decision";
import { Decisions } from "./decisions";
import { Owners } from "./owners";
import { Retries } from "./retries";
import { hashOf, useRoute, VIEWS, type View } from "./route";
import { SignIn } from "./sign-in";
import { Tokens } from "./tokens";
import { count } from "./words";

/** The key in `sessionStorage`: the token stays in this tab until it is closed. */
const STORED = "scimguard-admin-token";

const TITLES: Record<View, string> = {
  decisions: "Decisions",
  counts: "Activity",
  owners: "Owners",
  retries: "Retries",
  tokens: "Expiring tokens",
};

export function App() {
  const [token, setToken] = useState(() => sessionStorage.getItem(STORED));
  const [fault, setFault] = useState<string | null>(null);
  const signOut = useCallback((why: string | null) => {
    sessionStorage.removeItem(STORED);
    setToken(null);
    setFault(why);
  }, []);
  const api = useMemo(() => (token === null ? null : new Api(token, signOut)), [token]);
  if (api === null) {
    return (
      <SignIn
        fault={fault}
        onToken={(given) => {
          // One request shows whether the token is right.
          const probe = new Api(given, setFault);
          probe.get("status").then(
            () => {
              sessionStorage.setItem(STORED, given);
              setFault(null);
              setToken(given);
            },
            (error: Error) => setFault(error.message),
          );
        }}
      />
    );
  }
  return <Signed api={api} onSignOut={() => signOut(null)} />;
}

interface Status {
  version: string;
  decisions: { held: number; keeps: number; unrecorded: number } | null;
}

function Signed({ api, onSignOut }: { api: Api; onSignOut: () => void }) {
  const route = useRoute();
  const rules = useRules(api);
  const [status, setStatus] = useState<Status | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    const look = () => void api.get<Status>("status").then(setStatus, () => {});
    look();
    const again = setInterval(look, 30_000);
    return () => clearInterval(again);
  }, [api]);
  // Moves the focus so that screen readers announce the new view.
  useEffect(() => {
    if (!isFirst.current) {
      heading.current?.focus();
    }
    isFirst.current = false;
  }, [route.view, route.id]);
  const title = route.view === "decisions" && route.id !== null ? `Decision ${route.id}` : TITLES[route.view];
  return (
    <>
      <header class="top">
        <h1>scimguard</h1>
        <nav aria-label="Views">
          <ul>
            {VIEWS.map((view) => (
              <li key={view}>
                <a href={hashOf(view)} aria-current={view === route.view ? "page" : undefined}>
                  {TITLES[view]}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <p class="held quiet">{held(status)}</p>
        <button type="button" onClick={onSignOut}>
          Sign out
        </button>
      </header>
      <main>
        <h2 ref={heading} tabIndex={-1} class="title">
          {title}
        </h2>
        {route.view === "decisions" && route.id !== null ? (
          <DecisionView key={route.id} api={api} id={route.id} filter={route.filter} rules={rules} />
        ) : route.view === "decisions" ? (
          <Decisions api={api} filter={route.filter} rules={rules} />
        ) : route.view === "counts" ? (
          <Counts api={api} rules={rules} />
        ) : route.view === "owners" ? (
          <Owners api={api} />
        ) : route.view === "retries" ? (
          <Retries api={api} />
        ) : (
          <Tokens api={api} />
        )}
      </main>
    </>
  );
}

function held(status: Status | null): string {
  if (status === null) {
    return " ";
  }
  const { decisions } = status;
  if (decisions === null) {
    return "Decisions are not recorded.";
  }
  const lost = decisions.unrecorded > 0 ? `; ${count(decisions.unrecorded, "was", "were")} not recorded` : "";
  return `${count(decisions.held, "decision")} recorded, of at most ${decisions.keeps.toLocaleString("en")}${lost}`;
}

function useRules(api: Api): ReadonlyMap<string, Rule> {
  const [rules, setRules] = useState<ReadonlyMap<string, Rule>>(new Map());
  useEffect(() => {
    void api.get<Rule[]>("rules").then(
      (all) => setRules(new Map(all.map((rule) => [rule.id, rule]))),
      () => {},
    );
  }, [api]);
  return rules;
}
