// Users and groups with their owners and memberships, and what a request changed of them.

/** The part of the record about users, groups and members. */
export interface Ownership {
  users: OwnedUser[];
  groups: OwnedGroup[];
  members: Membership[];
}

interface Owned {
  account: string;
  /** The key that memberships refer to. */
  key: string;
  /** Null while the outcome of the create is unknown. */
  id: string | null;
  displayName: string | null;
  /** The provider; null for the application's own. */
  managed_by: string | null;
  pending: boolean;
}

export interface OwnedUser extends Owned {
  userName: string;
  active: boolean;
}

export type OwnedGroup = Owned;

export interface Membership {
  account: string;
  group: string;
  user: string;
  pending: boolean;
}

export type Fate = "same" | "new" | "changed" | "gone";

/** A user or group in the picture. */
export interface Piece {
  key: string;
  name: string;
  owner: string | null;
  /** Further notes, such as deactivated or not settled. */
  notes: string[];
  fate: Fate;
}

export interface Tie {
  user: string;
  group: string;
  fate: Fate;
  pending: boolean;
}

export interface Picture {
  users: Piece[];
  groups: Piece[];
  ties: Tie[];
  /** Number of unchanged users and groups left out. */
  omitted: number;
}

/** With more users or groups, only those that change are drawn. */
const MOST = 12;

export function picture(before: Ownership, after: Ownership): Picture {
  const users = pieces(before.users, after.users, userPiece);
  const groups = pieces(before.groups, after.groups, groupPiece);
  const ties = tiesOf(before, after);
  const touched = new Set(ties.filter((tie) => tie.fate !== "same").flatMap((tie) => [tie.user, tie.group]));
  const drawn = (all: Piece[]) =>
    all.length <= MOST
      ? all
      : all.filter((piece) => piece.fate !== "same" || touched.has(piece.key)).slice(0, MOST);
  const [someUsers, someGroups] = [drawn(users), drawn(groups)];
  const there = new Set([...someUsers, ...someGroups].map((piece) => piece.key));
  return {
    users: someUsers,
    groups: someGroups,
    ties: ties.filter((tie) => there.has(tie.user) && there.has(tie.group)),
    omitted: users.length + groups.length - there.size,
  };
}

function pieces<T extends Owned>(before: T[], after: T[], piece: (one: T) => Omit<Piece, "fate">): Piece[] {
  const old = new Map(before.map(piece).map((one) => [one.key, one]));
  const now = after.map(piece);
  const kept = new Set(now.map((one) => one.key));
  const gone = [...old.values()].filter((one) => !kept.has(one.key));
  return [
    ...now.map((one): Piece => {
      const was = old.get(one.key);
      const fate = !was ? "new" : JSON.stringify(was) === JSON.stringify(one) ? "same" : "changed";
      return { ...one, fate };
    }),
    ...gone.map((one): Piece => ({ ...one, fate: "gone" })),
  ];
}

function userPiece(user: OwnedUser): Omit<Piece, "fate"> {
  const notes = user.active ? [] : ["deactivated"];
  return {
    key: userKey(user.account, user.key),
    name: user.userName || (user.id ?? ""),
    owner: user.managed_by,
    notes: user.pending ? [...notes, "not settled"] : notes,
  };
}

function groupPiece(group: OwnedGroup): Omit<Piece, "fate"> {
  return {
    key: groupKey(group.account, group.key),
    name: group.displayName ?? group.id ?? "",
    owner: group.managed_by,
    notes: group.pending ? ["not settled"] : [],
  };
}

function tiesOf(before: Ownership, after: Ownership): Tie[] {
  const key = (tie: Membership) => JSON.stringify([tie.account, tie.group, tie.user]);
  const old = new Set(before.members.map(key));
  const now = new Set(after.members.map(key));
  const tie = (one: Membership, fate: Fate): Tie => ({
    user: userKey(one.account, one.user),
    group: groupKey(one.account, one.group),
    fate,
    pending: one.pending,
  });
  return [
    ...after.members.map((one) => tie(one, old.has(key(one)) ? "same" : "new")),
    ...before.members.filter((one) => !now.has(key(one))).map((one) => tie(one, "gone")),
  ];
}

function userKey(account: string, id: string): string {
  return JSON.stringify(["user", account, id]);
}

function groupKey(account: string, id: string): string {
  return JSON.stringify(["group", account, id]);
}
