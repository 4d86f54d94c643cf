// Draws ownership: users on one side, groups on the other, a line for each membership. The same as
// text serves people who cannot see the picture.

import { type Ownership, type Piece, picture, type Tie } from "./ownership";

const WIDTH = 560;
const BOX = { width: 218, height: 40, gap: 12 };

export function OwnershipPicture({ before, after }: { before: Ownership; after: Ownership }) {
  const { users, groups, ties, omitted } = picture(before, after);
  if (users.length + groups.length === 0) {
    return <p class="quiet">No users or groups are on record.</p>;
  }
  const rows = Math.max(users.length, groups.length);
  const height = rows * (BOX.height + BOX.gap) - BOX.gap + 2;
  const spot = new Map<string, number>();
  for (const side of [users, groups]) {
    side.forEach((piece, index) => spot.set(piece.key, 1 + index * (BOX.height + BOX.gap)));
  }
  return (
    <figure class="ownership">
      <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={summary(users, groups, ties)}>
        {ties.map((tie) => (
          <Line key={tie.user + tie.group} tie={tie} spot={spot} />
        ))}
        {users.map((piece) => (
          <Box key={piece.key} piece={piece} x={1} y={spot.get(piece.key) ?? 0} />
        ))}
        {groups.map((piece) => (
          <Box key={piece.key} piece={piece} x={WIDTH - BOX.width - 1} y={spot.get(piece.key) ?? 0} />
        ))}
      </svg>
      <figcaption>
        <span class="key managed">a provider's</span>
        <span class="key native">the application's own</span>
        <span class="key new">new or changed now</span>
        <span class="key gone">gone now</span>
        {omitted > 0 && <span class="quiet">{omitted} more that do not change are not drawn.</span>}
      </figcaption>
      <details>
        <summary>The same as text</summary>
        <ul>
          {[...groups, ...users].map((piece) => (
            <li key={piece.key}>{sentence(piece, users, ties)}</li>
          ))}
        </ul>
      </details>
    </figure>
  );
}

function Box({ piece, x, y }: { piece: Piece; x: number; y: number }) {
  const kind = piece.owner === null ? "native" : "managed";
  return (
    <g class={`box ${kind} ${piece.fate}`}>
      <rect x={x} y={y} width={BOX.width} height={BOX.height} rx={6} />
      <text x={x + 10} y={y + 17} class="name">
        {short(piece.name)}
      </text>
      <text x={x + 10} y={y + 32} class="owner">
        {words(piece)}
      </text>
    </g>
  );
}

function Line({ tie, spot }: { tie: Tie; spot: Map<string, number> }) {
  const middle = (key: string) => (spot.get(key) ?? 0) + BOX.height / 2;
  return (
    <line
      class={`tie ${tie.fate} ${tie.pending ? "pending" : ""}`}
      x1={1 + BOX.width}
      x2={WIDTH - BOX.width - 1}
      y1={middle(tie.user)}
      y2={middle(tie.group)}
    />
  );
}

function owner(piece: Piece): string {
  return piece.owner === null ? "the application's own" : `${piece.owner}'s`;
}

function words(piece: Piece): string {
  const fate = { same: [], new: ["new"], changed: ["changed"], gone: ["gone"] }[piece.fate];
  return [owner(piece), ...piece.notes, ...fate].join(" · ");
}

function short(name: string): string {
  return name.length > 27 ? `${name.slice(0, 26)}…` : name;
}

function summary(users: Piece[], groups: Piece[], ties: Tie[]): string {
  const names = new Map([...users, ...groups].map((piece) => [piece.key, piece.name]));
  const happened = [
    ...[...groups, ...users]
      .filter((piece) => piece.fate !== "same")
      .map((piece) => `${piece.name} (${words(piece)})`),
    ...ties
      .filter((tie) => tie.fate !== "same")
      .map(
        (tie) => `${names.get(tie.user)} ${tie.fate === "gone" ? "out of" : "into"} ${names.get(tie.group)}`,
      ),
  ];
  const count = `${users.length} users and ${groups.length} groups, with their memberships.`;
  return happened.length === 0 ? count : `${count} Changes: ${happened.join(", ")}.`;
}

function sentence(piece: Piece, users: Piece[], ties: Tie[]): string {
  const names = new Map(users.map((user) => [user.key, user.name]));
  const tied = ties
    .filter((tie) => tie.group === piece.key)
    .map((tie) => {
      const name = names.get(tie.user) ?? "";
      return tie.fate === "same" ? name : `${name} (${tie.fate})`;
    });
  const members = tied.length === 0 ? "" : `; members: ${tied.join(", ")}`;
  return `${piece.name}: ${words(piece)}${members}`;
}
