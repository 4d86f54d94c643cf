// How often each rule decided over time, as a plot and as a table.

import { useEffect, useState } from "preact/hooks";

import type { Rule } from "../explanation/explained";
import type { Api, Counts as Counted } from "./api";
import { Field } from "./field";
import { Plot } from "./plot";
import { hashOf } from "./route";
import { count } from "./words";

const HOUR = 3_600_000;

const RANGES: [string, number][] = [
  ["the last hour", HOUR],
  ["the last 6 hours", 6 * HOUR],
  ["the last day", 24 * HOUR],
  ["the last 7 days", 7 * 24 * HOUR],
  ["the last 30 days", 30 * 24 * HOUR],
];

/** Lines that are easy to tell apart; all other rules share one more. */
const MOST_LINES = 7;

/** One line of the plot, and one row of the table. */
export interface Line {
  name: string;
  /** Null if the line is not one rule's. */
  rule: string | null;
  total: number;
  values: number[];
}

export function Counts({ api, rules }: { api: Api; rules: ReadonlyMap<string, Rule> }) {
  const [range, setRange] = useState(6 * HOUR);
  const [isAll, setAll] = useState(false);
  const { counted, fault } = useCounts(api, range);
  const times = counted ? timesOf(counted) : [];
  const lines = counted ? linesOf(counted, times, isAll) : [];
  const words = RANGES.find(([, length]) => length === range)?.[0] ?? "";
  return (
    <>
      <form class="filters" aria-label="Plot" onSubmit={(event) => event.preventDefault()}>
        <Field id="time" name="Time">
          <select id="time" value={range} onChange={(event) => setRange(Number(event.currentTarget.value))}>
            {RANGES.map(([name, length]) => (
              <option key={length} value={length}>
                {name}
              </option>
            ))}
          </select>
        </Field>
        <label class="check">
          <input type="checkbox" checked={isAll} onChange={(event) => setAll(event.currentTarget.checked)} />
          Also requests that no rule stopped
        </label>
      </form>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <section aria-labelledby="plot" aria-busy={counted === null}>
        <h3 id="plot">
          Decisions by rule, {counted && counted.step < HOUR ? "each minute" : "each hour"} of {words}
        </h3>
        <Plot times={times} lines={lines} label={summary(lines, words)} />
        <Table lines={lines} rules={rules} isRead={counted !== null} />
      </section>
    </>
  );
}

function Table({ lines, rules, isRead }: { lines: Line[]; rules: ReadonlyMap<string, Rule>; isRead: boolean }) {
  return (
    <div class="scrolled">
      <table class="legend">
        <thead>
          <tr>
            <th scope="col">Line</th>
            <th scope="col">Rule</th>
            <th scope="col">Decisions</th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line, index) => (
            <tr key={line.name}>
              <td>
                <svg class={`sample line-${index}`} viewBox="0 0 40 10" aria-hidden="true">
                  <line x1="0" x2="40" y1="5" y2="5" />
                </svg>
              </td>
              <td>
                {line.rule ? <a href={hashOf("decisions", { rule: line.rule })}>{line.name}</a> : line.name}
              </td>
              <td class="number">{line.total.toLocaleString("en")}</td>
              <td>{firstSentence(rules.get(line.rule ?? "")?.doc ?? "")}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {isRead && lines.length === 0 && <p class="none">No rule decided anything in this period.</p>}
    </div>
  );
}

function firstSentence(text: string): string {
  return /^.*?\.(?= |$)/.exec(text)?.[0] ?? text;
}

function summary(lines: Line[], range: string): string {
  const told = lines.map(({ name, total }) => `${name}: ${count(total, "time")}`);
  return `How often each rule decided in ${range}. ${told.join(", ") || "Never."}`;
}

/** The start of each step, in milliseconds. */
function timesOf({ from, to, step }: Counted): number[] {
  const first = from - (((from % step) + step) % step);
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, index) => first + index * step);
}

/** A line for each of the most frequent rules, and one for all others. */
function linesOf({ series, step }: Counted, times: number[], isAll: boolean): Line[] {
  const first = times[0] ?? 0;
  const lines = new Map<string, Line>();
  const add = (name: string, rule: string | null, counts: [number, number][]) => {
    const line = lines.get(name) ?? { name, rule, total: 0, values: times.map(() => 0) };
    for (const [at, number] of counts) {
      const index = Math.round((at - first) / step);
      if (index >= 0 && index < line.values.length) {
        line.values[index] = (line.values[index] ?? 0) + number;
        line.total += number;
      }
    }
    lines.set(name, line);
  };
  for (const { rule, counts } of series) {
    if (rule !== null || isAll) {
      add(rule ?? "no rule", rule, counts);
    }
  }
  const all = [...lines.values()].filter(({ total }) => total > 0).sort((a, b) => b.total - a.total);
  if (all.length <= MOST_LINES + 1) {
    return all;
  }
  const rest = all.slice(MOST_LINES);
  const others: Line = {
    name: `${rest.length} other rules`,
    rule: null,
    total: rest.reduce((sum, { total }) => sum + total, 0),
    values: times.map((_, index) => rest.reduce((sum, { values }) => sum + (values[index] ?? 0), 0)),
  };
  return [...all.slice(0, MOST_LINES), others];
}

function useCounts(api: Api, range: number) {
  const [counted, setCounted] = useState<Counted | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    let isOver = false;
    const look = () => {
      const to = Date.now();
      void api.get<Counted>("counts", { from: to - range, to }).then(
        (found) => {
          if (!isOver) {
            setFault(null);
            setCounted(found);
          }
        },
        (error: Error) => setFault(error.message),
      );
    };
    look();
    const again = setInterval(look, 10_000);
    return () => {
      isOver = true;
      clearInterval(again);
    };
  }, [api, range]);
  return { counted, fault };
}
