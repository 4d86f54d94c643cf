// Makes up an application's answer to a forwarded request from the record, so that several requests
// can be played without an application.

import type { Message } from "../explanation/explained";

/** Users, groups and members on record before the request. */
export interface Directory {
  users: Named[];
  groups: Named[];
  members: { account: string; group: string; user: string }[];
}

interface Named {
  account: string;
  id: string | null;
  userName?: string | null;
  displayName?: string | null;
  externalId?: string | null;
  active?: boolean;
}

export interface MadeUp {
  status: number;
  headers?: Record<string, string>;
  body?: Record<string, unknown>;
}

const SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:";
const MESSAGE = "urn:ietf:params:scim:api:messages:2.0:";

type Kind = "Users" | "Groups";
type Resource = Record<string, unknown>;

/** `account` is the request's account; `derives` says whether group ids are derived from names. */
export function answer(
  forwarded: Message,
  directory: Directory,
  account: string | null,
  derives: boolean,
): MadeUp {
  const [path = "", query = ""] = forwarded.path.split("?", 2);
  const [, kind, id] = /\/(Users|Groups)(?:\/([^/]+))?\/?$/.exec(path) ?? [];
  if (kind === undefined) {
    return { status: 200, headers: { "content-type": "application/json" }, body: {} };
  }
  const shelf = new Shelf(directory, account, kind as Kind);
  const sent = jsonObject(forwarded.body);
  const known = id === undefined ? undefined : shelf.find(decodeURIComponent(id));
  switch (forwarded.method) {
    case "POST":
      return { status: 201, body: { ...sent, id: shelf.freshId(sent, derives) } };
    case "PUT":
      return known ? { status: 200, body: { ...sent, id: known.id } } : notFound();
    case "PATCH":
      return known ? { status: 200, body: patched(known, sent) } : notFound();
    case "DELETE":
      return known ? { status: 204 } : notFound();
    default:
      if (id !== undefined) {
        return known ? { status: 200, body: known } : notFound();
      }
      return list(shelf.all().filter(wanted(query)));
  }
}

/** The resources of one type and account. */
class Shelf {
  constructor(
    private readonly directory: Directory,
    private readonly account: string | null,
    private readonly kind: Kind,
  ) {}

  all(): Resource[] {
    return this.entries()
      .filter((entry) => entry.id !== null)
      .map((entry) => this.resource(entry));
  }

  find(id: string): Resource | undefined {
    return this.all().find((resource) => resource.id === id);
  }

  freshId(sent: Resource, derives: boolean): string {
    const name = String((this.kind === "Users" ? sent.userName : sent.displayName) ?? "");
    const wanted =
      this.kind === "Groups" && derives
        ? name.replace(/[.\- ]/g, "_")
        : (name.split("@")[0] as string).replace(/[^\w.-]/g, "-") || "new";
    let id = wanted;
    for (let next = 2; this.find(id) !== undefined; next++) {
      id = `${wanted}_${next}`;
    }
    return id;
  }

  private entries(): Named[] {
    const entries = this.kind === "Users" ? this.directory.users : this.directory.groups;
    return entries.filter((entry) => this.account === null || entry.account === this.account);
  }

  private resource(entry: Named): Resource {
    const common = {
      schemas: [`${SCHEMA}${this.kind === "Users" ? "User" : "Group"}`],
      id: entry.id,
      ...(entry.externalId ? { externalId: entry.externalId } : {}),
      ...(entry.displayName ? { displayName: entry.displayName } : {}),
    };
    if (this.kind === "Users") {
      return { ...common, userName: entry.userName, active: entry.active ?? true };
    }
    const members = this.directory.members.filter(
      (member) => member.group === entry.id && member.account === entry.account,
    );
    return { ...common, members: members.map(({ user }) => ({ value: user })) };
  }
}

/** Applies a PATCH in the form that the guard writes. */
function patched(resource: Resource, patch: Resource): Resource {
  const after = { ...resource };
  for (const operation of Array.isArray(patch.Operations) ? patch.Operations : []) {
    const { op, path, value } = operation as { op: string; path?: string; value?: unknown };
    const removed = /^members\[value eq "(.*)"\]$/.exec(path ?? "")?.[1];
    if (path === undefined) {
      Object.assign(after, value);
    } else if (removed !== undefined) {
      after.members = membersOf(after).filter((member) => member.value !== removed);
    } else if (path === "members" && op === "add") {
      after.members = [...membersOf(after), ...(value as Resource[])];
    } else if (path === "members" && op === "remove") {
      const gone = Array.isArray(value) ? (value as Resource[]).map((member) => member.value) : null;
      after.members = membersOf(after).filter((member) => gone !== null && !gone.includes(member.value));
    } else if (op === "remove") {
      delete after[path];
    } else if (/^\w+$/.test(path)) {
      after[path] = value;
    }
  }
  return after;
}

function membersOf(group: Resource): Resource[] {
  return Array.isArray(group.members) ? group.members : [];
}

/** Parses the one kind of filter that identity providers send. */
function wanted(query: string): (resource: Resource) => boolean {
  const filter = new URLSearchParams(query).get("filter");
  const [, name, value] = /^(\w+) eq "(.*)"$/.exec(filter ?? "") ?? [];
  if (name === undefined || value === undefined) {
    return () => true;
  }
  return (resource) => String(resource[name] ?? "").toLowerCase() === value.toLowerCase();
}

function list(resources: Resource[]): MadeUp {
  return {
    status: 200,
    body: {
      schemas: [`${MESSAGE}ListResponse`],
      totalResults: resources.length,
      startIndex: 1,
      itemsPerPage: resources.length,
      Resources: resources,
    },
  };
}

function notFound(): MadeUp {
  return { status: 404, body: { schemas: [`${MESSAGE}Error`], status: "404" } };
}

function jsonObject(text: string | null): Resource {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? (value as Resource) : {};
  } catch {
    return {};
  }
}
