/** Milliseconds since 1970, as `Date.now()` returns them. */
export type Time = number;

// --- Input and output of the policy (wit/policy.wit documents each field) ---

/** The settings that a host needs from the policy. */
export interface Settings {
  /** The largest body that any account may send, in bytes. */
  body_limit: number;
  /** The largest observed answer, in bytes. */
  answer_limit: number;
  /** The most `need` answers in one pass. */
  rounds: number;
  /** The most passes of one request. */
  passes: number;
  scim_base: string;
  upstream_base: string;
  scim_account: string | null;
}

/** Names in lower case; repeated headers have several entries. A value that is not UTF-8 is bytes. */
export type Headers = [name: string, value: string | Uint8Array][];

/** A request as the client sent it. */
export interface ClientRequest {
  method: string;
  /** Path and query exactly as received. */
  path: string;
  headers: Headers;
  /** `"unread"` until the policy asks for it with `body_limit`. */
  body: "unread" | "none" | "over-limit" | { bytes: Uint8Array };
  /** Whether to annotate the answer of a management read with what a provider owns. */
  annotate?: boolean;
}

export type Verdict =
  | ({ verdict: "need" } & Need)
  | ({ verdict: "forward" } & Forward)
  | ({ verdict: "reject" } & Reject)
  | ({ verdict: "proceed" } & Proceed);

export type Outcome =
  | ({ outcome: "need" } & Need)
  | ({ outcome: "respond" } & Respond)
  | ({ outcome: "forward" } & Forward)
  | ({ outcome: "proceed" } & Proceed);

/** Answer these and call again. */
export interface Need {
  keys: Key[];
  body_limit: number | null;
}

/** Send this to the backend. */
export interface Forward {
  method: string;
  path: string;
  headers: Headers;
  body: "none" | "as-received" | { bytes: Uint8Array };
  /** `observe`: pass the backend's answer to `Guard.observe` with the continuation. */
  answer: "pass" | "observe";
  continuation: Uint8Array;
  changes: Change[];
  /** Store these before sending the request. */
  records: Record[];
  account: string | null;
  verified_token: string | null;
  /** With `mode: monitor`, the rule that would have denied the request. */
  rule: string | null;
}

/** Answer the client with this. */
export interface Reject {
  rule: string;
  response: PolicyResponse;
  changes: Change[];
  account: string | null;
  verified_token: string | null;
}

/** Store the records, then answer the client. */
export interface Respond {
  response: PolicyResponse;
  records: Record[];
  rule: string | null;
}

/** Store the records and begin the next part: `Guard.observe` with `"not-asked"`. */
export interface Proceed {
  records: Record[];
  continuation: Uint8Array;
  changes: Change[];
  rule: string | null;
  account: string | null;
  verified_token: string | null;
}

export interface PolicyResponse {
  status: number;
  headers: Headers;
  body: "none" | "as-received" | { bytes: Uint8Array };
}

/** One normalisation. */
export interface Change {
  rule: string;
  /** Such as `Operations[1].value.locale`. */
  path: string;
  detail: string;
}

/** The outcome of a forwarded request. */
export type BackendOutcome =
  | "not-asked"
  | "unanswered"
  | {
      answered: {
        status: number;
        headers: Headers;
        body: "none" | "over-limit" | { bytes: Uint8Array };
      };
    };

// --- Facts ---

/** How to treat a user or group that is not on record: absent, perhaps being created, or ask the backend. */
export type Unseen = "absent" | "pending" | "backend";

/** A question to the store. */
export type Key =
  | { token: string }
  | { verified: { account: string; issuer: string; token: string } }
  | { principal: { account: string; id: string } }
  | { user: UserKey }
  | { "user-by-name": UserKey }
  | { "user-alike": UserKey }
  | { group: { account: string; scope: string; id: string; unseen: Unseen } }
  | { "group-by-derived-id": { account: string; scope: string; id: string; replace: string; with: string } }
  | { "external-id": { account: string; value: string } }
  | { members: MembersKey }
  | { "members-difference": MembersKey }
  | { "user-groups": { account: string; user: string } };

export interface UserKey {
  account: string;
  value: string;
  unseen: Unseen;
}

export interface MembersKey {
  account: string;
  scope: string;
  group: string;
  users: string[];
  names: boolean;
}

/** The store's answer. */
export type Answer =
  | "absent"
  | "unavailable"
  | { token: TokenFact }
  | { claims: string }
  | { principal: PrincipalFact }
  | { user: UserFact }
  | { group: GroupFact }
  | { groups: GroupFact[] }
  | { holders: Holder[] }
  | { members: MemberFact[] }
  | { difference: { added: MemberFact[]; removed: MemberFact[]; complete: boolean } };

/** A question with its answer. */
export interface Fact {
  key: Key;
  answer: Answer;
}

export interface TokenFact {
  id: string | null;
  account: string;
  provider: string | null;
  expires: Time | null;
  revoked: boolean;
  principal: PrincipalFact | null;
}

export interface PrincipalFact {
  account: string;
  id: string;
  active: boolean;
  permissions: string[];
}

export interface UserFact {
  account: string;
  id: string | null;
  user_name: string;
  display_name: string | null;
  external_id: string | null;
  active: boolean;
  managed_by: string | null;
  pending: boolean;
  leaving: boolean;
  since: Time | null;
  origin: Origin | null;
  in_managed_group: boolean;
}

export interface GroupFact {
  account: string;
  scope: string;
  id: string | null;
  display_name: string | null;
  derived_id: string | null;
  external_id: string | null;
  managed_by: string | null;
  pending: boolean;
  leaving: boolean;
  since: Time | null;
  origin: Origin | null;
  members_known: boolean;
}

/** How a user or group came to be owned, or native. */
export type Origin =
  | { created: string | null }
  | { adopted: string | null }
  | { imported: string | null }
  | { corrected: string | null };

export interface Holder {
  kind: "user" | "group";
  id: string | null;
  name: string | null;
}

export interface MemberFact {
  reference: string;
  state: "confirmed" | "unconfirmed" | "adding" | "removing" | null;
  user: UserFact | null;
}

// --- Records: the only way in which the store changes ---

export interface IntentKey {
  kind: "user" | "group";
  account: string;
  key: string;
}

export interface ResourceKey {
  account: string;
  scope: string;
  id: string;
}

export type Record =
  | ({
      record: "intent";
      user_name: string | null;
      display_name: string | null;
      derived_id: string | null;
      external_id: string | null;
      active: boolean;
      provider: string;
      at: Time;
      by: string;
      members: string[];
    } & IntentKey)
  | ({ record: "settle"; id: string } & IntentKey)
  | ({ record: "withdraw" } & IntentKey)
  | ({ record: "user" } & UserFact)
  | ({ record: "group" } & GroupFact)
  | {
      record: "member";
      account: string;
      scope: string;
      group: string;
      user: string;
      present: boolean;
      pending: boolean;
      by: string | null;
    }
  | { record: "members"; account: string; scope: string; group: string; users: string[] }
  | {
      record: "failed";
      account: string;
      scope: string;
      group: string;
      user: string;
      present: boolean;
      status: number | null;
      at: Time;
      by: string;
    }
  | ({ record: "remove-user" } & ResourceKey)
  | ({ record: "remove-group" } & ResourceKey);

// --- Requests in a row over a facts document ---

/** One request, as JSON texts, so that no number or repeated key is lost. */
export interface Step {
  /** `{method, path, headers, body | body_text | body_base64}`, as `scimguard check` reads it. */
  request: string;
  /**
   * The backend's answer, as `upstream` in a case suite: `{status, headers, body}`, `null` for no
   * answer, or a list of these if one request becomes several. Absent while the answer is unknown.
   */
  upstream?: string | null;
  /** Defaults to the `now` of the call. */
  now?: Time | null;
}

export type Stage = "route" | "token" | "parse" | "normalise" | "permit" | "write";

export interface Played {
  /** The request's stages in order. */
  stages: { stage: Stage; outcome: "passed" | "refused" | "not-reached" }[];
  /** The place in the body that the refusal is about. Both count from 1, columns in characters. */
  place: { line: number; column: number } | null;
  /** The account of the request, once known. */
  account: string | null;
  /** The decisions: on the request, then after each answer of the backend. */
  stops: Stop[];
  /** The response to the client; `null` while the backend's answer is awaited. */
  response: ShownResponse | null;
  /** All normalisations of every part. */
  changes: Change[];
  /** All records in order. */
  records: Record[];
  /** Users, groups and memberships after this request. */
  ownership: Ownership;
}

export type Stop = ForwardStop | RejectStop | RespondStop;

interface StopBase {
  changes: Change[];
}

export interface ForwardStop extends StopBase {
  decision: "forward";
  /** With `mode: monitor`, the rule that would have denied the request. */
  rule: string | null;
  request: { method: string; path: string; headers: [name: string, value: string][]; body: string | null };
}

export interface RejectStop extends StopBase {
  decision: "reject";
  rule: string;
  /** The explanation for an administrator. */
  detail: string | null;
  response: ShownResponse;
}

/** Answered without forwarding: each part was refused, or the request is complete. */
export interface RespondStop extends StopBase {
  decision: "respond";
  rule: string | null;
  response: ShownResponse;
}

export interface ShownResponse {
  status: number;
  headers: [name: string, value: string][];
  body: string | null;
}

export interface Ownership {
  users: {
    account: string;
    /** The key that `members` refers to: the id, once known. */
    key: string;
    /** `null` until the create is settled. */
    id: string | null;
    userName: string;
    displayName: string | null;
    externalId: string | null;
    active: boolean;
    managed_by: string | null;
    pending: boolean;
  }[];
  groups: {
    account: string;
    scope: string;
    key: string;
    id: string | null;
    displayName: string | null;
    externalId: string | null;
    managed_by: string | null;
    pending: boolean;
  }[];
  members: { account: string; scope: string; group: string; user: string; pending: boolean }[];
}

// --- The rest ---

/** One rule: a reason for a refusal, or (without a status) a kind of normalisation. */
export interface Rule {
  id: string;
  status: number | null;
  scimType: string | null;
  doc: string;
  source: string;
  /** `null` if the rule belongs to the host, not to a stage of the policy. */
  stage: Stage | null;
}

/** The result of a user's sign-on. */
export interface SignOn {
  email: string;
  integration: "firstgen" | "nextgen" | null;
  allowed: boolean;
  detail: string;
}

/** Thrown by `new Guard`. */
export interface PolicyError extends Error {
  name: "PolicyError";
  /** Every fault with the JSON Pointer of its place. */
  faults: { pointer: string; message: string }[];
}

/** Thrown by `Guard.play` for an unreadable text. */
export interface InputError extends Error {
  name: "InputError";
  input: "facts" | "request" | "upstream";
  /** The step, counted from 0; `null` for the facts. */
  step: number | null;
  /** The place in the text, counted from 1; `null` if the text is JSON with the wrong structure. */
  line: number | null;
  column: number | null;
}
