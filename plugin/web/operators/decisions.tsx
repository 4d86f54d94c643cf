// A live list of recent decisions, filtered by account, rule and verdict.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Rule } from "../explanation/explained";
import { type Api, type Filter, type Page, Refused, type Row, type Verdict } from "./api";
import { Field } from "./field";
import { hashOf } from "./route";
import { count, duration, moment, VERDICTS } from "./words";

/** Rows kept on the page while new ones arrive. */
const MOST = 500;

/** Minimum time between two updates of the list, in milliseconds. */
const PAUSE = 500;

interface Properties {
  api: Api;
  filter: Filter;
  rules: ReadonlyMap<string, Rule>;
}

export function Decisions({ api, filter, rules }: Properties) {
  const list = useList(api, filter);
  return (
    <>
      <Filters api={api} filter={filter} rules={rules} />
      <div class="actions">
        <button type="button" aria-pressed={list.isPaused} onClick={list.pause}>
          {list.isPaused ? "Resume" : "Pause"}
        </button>
        <p role="status" class="quiet">
          {list.isPaused
            ? `${count(list.waiting.length, "new decision")} since.`
            : "New decisions appear at the top."}
        </p>
      </div>
      {list.fault && (
        <p class="fault" role="alert">
          {list.fault}
        </p>
      )}
      <div class="scrolled list" aria-busy={list.rows === null} tabIndex={0} role="region" aria-label="Decisions">
        <table class="decisions">
          <caption class="visually-hidden">Decisions, newest first</caption>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Verdict</th>
              <th scope="col">Rule</th>
              <th scope="col">Account</th>
              <th scope="col">Request</th>
              <th scope="col">Status</th>
              <th scope="col">Changes</th>
              <th scope="col">Time</th>
            </tr>
          </thead>
          <tbody>
            {list.rows?.map((row) => (
              <Line key={row.id} row={row} filter={filter} />
            ))}
          </tbody>
        </table>
        {list.rows?.length === 0 && <p class="none">No matching decisions. New ones appear here as they are made.</p>}
        {list.rows === null && <p class="none">Loading decisions …</p>}
      </div>
      <button type="button" disabled={list.before === null} onClick={list.older}>
        {list.before === null ? "No older decisions" : "Show older decisions"}
      </button>
    </>
  );
}

function Line({ row, filter }: { row: Row; filter: Filter }) {
  return (
    <tr class={row.verdict}>
      <td>
        <a href={hashOf("decisions", filter, row.id)} aria-label={`Explain decision ${row.id} of ${moment(row.at)}`}>
          <time dateTime={new Date(row.at).toISOString()}>{moment(row.at)}</time>
        </a>
      </td>
      <td>
        <span class={`verdict-word ${row.verdict}`}>{VERDICTS[row.verdict]}</span>
      </td>
      <td>
        <code>{row.rule ?? ""}</code>
      </td>
      <td>{row.account ?? ""}</td>
      <td class="request">
        <code>
          {row.method} {row.path}
        </code>
        {row.edit && <span class="quiet"> {edit(row.edit)}</span>}
      </td>
      <td class="number">{row.status ?? ""}</td>
      <td class="number">{row.changes || ""}</td>
      <td class="number">{duration(row.micros)}</td>
    </tr>
  );
}

function edit({ edit, group, user }: NonNullable<Row["edit"]>): string {
  return [edit, group && `of group ${group}`, user && `of user ${user}`].filter(Boolean).join(" ");
}

function Filters({ api, filter, rules }: Properties) {
  const [accounts, setAccounts] = useState<string[]>([]);
  useEffect(() => {
    void api.get<string[]>("accounts").then(setAccounts, () => {});
  }, [api]);
  const choose = (changed: Partial<Filter>) => {
    location.hash = hashOf("decisions", { ...filter, ...changed });
  };
  const refusing = [...rules.values()].filter(({ status }) => status !== null);
  const isKnown = filter.rule === "" || refusing.some(({ id }) => id === filter.rule);
  return (
    <form class="filters" role="search" aria-label="Decisions" onSubmit={(event) => event.preventDefault()}>
      <Field id="account" name="Account">
        <input
          id="account"
          type="search"
          list="accounts"
          placeholder="any"
          value={filter.account}
          onChange={(event) => choose({ account: event.currentTarget.value.trim() })}
        />
      </Field>
      <datalist id="accounts">
        {accounts.map((account) => (
          <option key={account} value={account} />
        ))}
      </datalist>
      <Field id="rule" name="Rule">
        <select id="rule" value={filter.rule} onChange={(event) => choose({ rule: event.currentTarget.value })}>
          <option value="">any, or none</option>
          {!isKnown && <option value={filter.rule}>{filter.rule}</option>}
          {refusing.map(({ id }) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
      </Field>
      <Field id="verdict" name="Verdict">
        <select id="verdict" value={filter.verdict} onChange={(event) => choose({ verdict: event.currentTarget.value })}>
          <option value="">any</option>
          {(Object.keys(VERDICTS) as Verdict[]).map((verdict) => (
            <option key={verdict} value={verdict}>
              {VERDICTS[verdict]}
            </option>
          ))}
        </select>
      </Field>
      <button
        type="button"
        disabled={Object.values(filter).every((value) => value === "")}
        onClick={() => choose({ account: "", rule: "", verdict: "" })}
      >
        Show all
      </button>
    </form>
  );
}

interface List {
  /** Null until loaded. */
  rows: Row[] | null;
  waiting: Row[];
  before: number | null;
  fault: string | null;
  isPaused: boolean;
  pause(): void;
  older(): void;
}

/** Loads the newest page, then newer decisions as they arrive, and older ones on demand. */
function useList(api: Api, filter: Filter): List {
  const [rows, setRows] = useState<Row[] | null>(null);
  const [before, setBefore] = useState<number | null>(null);
  const [waiting, setWaiting] = useState<Row[]>([]);
  const [fault, setFault] = useState<string | null>(null);
  const [isPaused, setPaused] = useState(false);
  const paused = useRef(false);
  const { account, rule, verdict } = filter;
  const wanted = { account, rule, verdict };

  useEffect(() => {
    const end = new AbortController();
    setRows(null);
    setWaiting([]);
    setBefore(null);
    void follow(api, wanted, end.signal, {
      first: (page) => {
        setFault(null);
        setRows(page.decisions);
        setBefore(page.before);
      },
      newer: (page) => {
        setFault(null);
        const add = (old: Row[] | null) => [...page.decisions, ...(old ?? [])].slice(0, MOST);
        (paused.current ? setWaiting : setRows)(add);
      },
      fault: setFault,
    });
    return () => end.abort();
  }, [api, account, rule, verdict]);

  const pause = () => {
    paused.current = !paused.current;
    setPaused(paused.current);
    if (!paused.current) {
      setRows((old) => [...waiting, ...(old ?? [])].slice(0, MOST));
      setWaiting([]);
    }
  };
  const older = () => {
    void api.get<Page>("decisions", { ...wanted, before }).then(
      (page) => {
        setRows((old) => [...(old ?? []), ...page.decisions]);
        setBefore(page.before);
      },
      (error: Error) => setFault(error.message),
    );
  };
  return { rows, waiting, before, fault, isPaused, pause, older };
}

interface Followed {
  first(page: Page): void;
  newer(page: Page): void;
  fault(why: string): void;
}

async function follow(api: Api, filter: Filter, signal: AbortSignal, heard: Followed): Promise<void> {
  let latest: number | null = null;
  while (!signal.aborted) {
    try {
      if (latest === null) {
        const page: Page = await api.get<Page>("decisions", { ...filter }, signal);
        latest = page.latest;
        heard.first(page);
      } else {
        const page: Page = await api.get<Page>("decisions/live", { ...filter, after: latest, limit: 200 }, signal);
        latest = page.latest;
        if (page.decisions.length > 0) {
          heard.newer(page);
        }
      }
      await later(PAUSE, signal);
    } catch (error) {
      if (signal.aborted || (error instanceof Refused && [401, 403, 404].includes(error.status))) {
        if (!signal.aborted && error instanceof Error) {
          heard.fault(error.message);
        }
        return;
      }
      heard.fault(error instanceof Error ? error.message : String(error));
      await later(3_000, signal);
    }
  }
}

function later(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, millis);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
