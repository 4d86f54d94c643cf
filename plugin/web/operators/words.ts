// Formats times, durations and verdicts.

import type { Verdict } from "./api";

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

const UNITS: [number, Intl.RelativeTimeFormatUnit][] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
];

export function moment(at: number): string {
  return MOMENT.format(at);
}

/** Such as "in 3 days". */
export function relative(at: number, now: number): string {
  const [unit, name] = UNITS.find(([unit]) => Math.abs(at - now) >= unit) ?? [1_000, "second"];
  return RELATIVE.format(Math.round((at - now) / unit), name);
}

export function duration(micros: number): string {
  return micros < 10_000 ? `${(micros / 1_000).toFixed(1)} ms` : `${Math.round(micros / 1_000)} ms`;
}

export const VERDICTS: Record<Verdict, string> = {
  forward: "allowed",
  reject: "denied",
  ruled: "reported",
};

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
