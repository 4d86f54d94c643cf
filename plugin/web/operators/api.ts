// The guard's API for operators. The token is sent in a header, never in an address.

/** A row of the list of decisions. */
export interface Row {
  id: number;
  /** Milliseconds since 1970, like every time here. */
  at: number;
  method: string;
  path: string;
  account: string | null;
  token: string | null;
  verdict: Verdict;
  rule: string | null;
  /** Null if a gateway forwarded the request and did not report the status. */
  status: number | null;
  edit: { edit: string; group: string | null; user: string | null } | null;
  changes: number;
  micros: number;
  backend_micros: number;
}

export type Verdict = "forward" | "reject" | "ruled";

export interface Page {
  decisions: Row[];
  /** Start of the next page; null on the last page. */
  before: number | null;
  latest: number;
}

/** A decision with the facts and policy behind it. */
export interface Decision extends Row {
  policy: number;
  explanation: {
    changes: { rule: string; path: string }[];
    now?: number;
    facts?: Record<string, unknown>;
    facts_complete?: boolean;
    request?: RecordedRequest | null;
    /** Why the body is missing. */
    omitted?: "management" | "large" | "unread" | "unreadable" | null;
    detail?: string | null;
  };
}

export interface RecordedRequest {
  method: string;
  path: string;
  headers: Record<string, string | string[]>;
  body_text?: string;
}

export interface Filter {
  account: string;
  rule: string;
  verdict: string;
}

export interface Counts {
  from: number;
  to: number;
  step: number;
  series: { rule: string | null; verdict: Verdict; counts: [number, number][] }[];
}

export interface Retry {
  account: string;
  scope: string;
  group: string;
  user: string;
  present: boolean;
  status: number | null;
  first_seen: number;
  last_tried: number;
  attempts: number;
  token: string;
  asked: number | null;
}

export interface Token {
  account: string;
  id: string;
  principal: string;
  provider: string | null;
  expires: number;
  created_by: string | null;
  last_used: number | null;
  last_used_from: string | null;
}

/** The guard refused the question or gave no answer; the message is shown to the user. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

type Parameters = Record<string, string | number | null | undefined>;

export class Api {
  /** Calls `onUnknown` when the guard does not accept the token, or no longer does. */
  constructor(
    private readonly token: string,
    private readonly onUnknown: (why: string) => void,
  ) {}

  get<T>(path: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<T> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== null && value !== undefined && value !== "") {
        query.set(name, String(value));
      }
    }
    const asked = query.size > 0 ? `${path}?${query}` : path;
    return this.ask(asked, signal ? { signal } : {}, (response) => response.json() as Promise<T>);
  }

  /** Fetches a document as text. */
  text(path: string): Promise<string> {
    return this.ask(path, {}, (response) => response.text());
  }

  post<T>(path: string, body: unknown): Promise<T> {
    const sent = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    };
    return this.ask(path, sent, (response) => response.json() as Promise<T>);
  }

  private async ask<T>(path: string, sent: RequestInit, read: (response: Response) => Promise<T>): Promise<T> {
    const headers = { ...sent.headers, authorization: `Bearer ${this.token}` };
    let response: Response;
    try {
      response = await fetch(`../api/${path}`, { ...sent, headers, credentials: "omit", cache: "no-store" });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") {
        throw error;
      }
      throw new Refused(0, "The guard does not answer. Is it running?");
    }
    if (response.ok) {
      return read(response);
    }
    const detail = await response.json().then(
      (problem: { detail?: string }) => problem.detail,
      () => undefined,
    );
    const why = detail ?? `The guard answered ${response.status}.`;
    if (response.status === 401) {
      const unknown = "This is not the guard's admin token.";
      this.onUnknown(unknown);
      throw new Refused(401, unknown);
    }
    if (response.status === 403 || response.status === 429) {
      this.onUnknown(why);
    }
    throw new Refused(response.status, why);
  }
}
