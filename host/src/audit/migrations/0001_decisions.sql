-- What was decided, the newest with the largest id. The equality columns of each index are followed by
-- the row's id, so that every filter reads only the rows that it shows: a filter that leaves the verdict
-- open asks once for each.
CREATE TABLE decisions (
    id             INTEGER PRIMARY KEY,
    at             INTEGER NOT NULL, -- milliseconds since 1970
    method         TEXT    NOT NULL,
    path           TEXT    NOT NULL, -- without the values of its query
    account        TEXT    NOT NULL, -- empty: not known
    token          TEXT,
    verdict        INTEGER NOT NULL, -- 0 forwarded, 1 refused, 2 forwarded, and a rule spoke
    rule           TEXT    NOT NULL, -- empty: none
    status         INTEGER,          -- of a gateway's, where it forwarded, not known
    edit           TEXT,             -- of the management API: JSON
    changes        INTEGER NOT NULL,
    micros         INTEGER NOT NULL,
    backend_micros INTEGER NOT NULL
) STRICT;
CREATE INDEX decisions_by_verdict ON decisions (verdict);
CREATE INDEX decisions_by_account ON decisions (account, verdict);
CREATE INDEX decisions_by_rule ON decisions (rule, verdict);
CREATE INDEX decisions_by_account_and_rule ON decisions (account, rule, verdict);

-- What one decision is explained with; JSON. Apart, so that lists read none of it.
CREATE TABLE details (
    id     INTEGER PRIMARY KEY,
    policy INTEGER NOT NULL,
    detail TEXT    NOT NULL
) STRICT;

-- The policy documents that decided.
CREATE TABLE policies (
    id       INTEGER PRIMARY KEY,
    sha256   TEXT    NOT NULL UNIQUE,
    document TEXT    NOT NULL
) STRICT;

-- How often each rule decided, by minute and by hour. They stay when decisions are dropped.
CREATE TABLE counts (
    step    INTEGER NOT NULL, -- milliseconds
    bucket  INTEGER NOT NULL, -- milliseconds since 1970, where it begins
    rule    TEXT    NOT NULL,
    verdict INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (step, bucket, rule, verdict)
) STRICT, WITHOUT ROWID;
