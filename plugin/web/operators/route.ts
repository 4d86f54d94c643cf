// Reads the view and its filter from the address's fragment, so that back, bookmarks and links work.

import { useEffect, useState } from "preact/hooks";

import type { Filter } from "./api";

export const VIEWS = ["decisions", "counts", "owners", "retries", "tokens"] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  view: View;
  /** The id of the decision shown. */
  id: number | null;
  filter: Filter;
}

export function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  const [name, id] = path.split("/");
  const parameters = new URLSearchParams(query);
  const given = (key: keyof Filter) => parameters.get(key) ?? "";
  return {
    view: VIEWS.find((view) => view === name) ?? "decisions",
    id: id !== undefined && /^\d+$/.test(id) ? Number(id) : null,
    filter: { account: given("account"), rule: given("rule"), verdict: given("verdict") },
  };
}

export function hashOf(view: View, filter: Partial<Filter> = {}, id: number | null = null): string {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== ""));
  return `#${view}${id === null ? "" : `/${id}`}${query.size > 0 ? `?${query}` : ""}`;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const follow = () => setRoute(routeOf(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}
