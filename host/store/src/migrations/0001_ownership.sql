-- Every statement on these tables is keyed by account first (tokens by their hash), so that a
-- larger store can be partitioned by it.

CREATE TABLE principals (
    account     TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('user', 'service-account')),
    active      INTEGER NOT NULL,
    permissions TEXT    NOT NULL, -- a JSON array of permission ids
    created     INTEGER NOT NULL, -- times are milliseconds since 1970
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

-- Only the hash of the whole token text is kept. A token outlives its principal on purpose: it is
-- then a token without rights, and refused as such.
CREATE TABLE tokens (
    sha256    TEXT    NOT NULL PRIMARY KEY,
    prefix    TEXT    NOT NULL,
    account   TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    principal TEXT    NOT NULL,
    provider  TEXT,
    expires   INTEGER,
    revoked   INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    last_used INTEGER,
    UNIQUE (account, id)
) STRICT, WITHOUT ROWID;

-- A create that is not settled is a row with intent = 1. Its id is U+0001 and the intent's key:
-- no resource can have it, since control characters are refused in ids.
CREATE TABLE users (
    account          TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    id_folded        TEXT,             -- NULL for an intent: nobody knows its id
    user_name        TEXT    NOT NULL,
    user_name_folded TEXT    NOT NULL,
    display_name     TEXT,
    external_id      TEXT,
    active           INTEGER NOT NULL,
    managed_by       TEXT,
    pending          INTEGER NOT NULL,
    since            INTEGER,
    intent           INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX users_by_name ON users (account, user_name_folded);
CREATE INDEX users_by_folded_id ON users (account, id_folded);
CREATE INDEX users_by_external_id ON users (account, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX users_unsettled ON users (account) WHERE intent = 1;

CREATE TABLE groups (
    account       TEXT    NOT NULL,
    scope         TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    id_folded     TEXT,             -- of an intent: its derived id's, under which it is found
    display_name  TEXT,
    derived_id    TEXT,
    external_id   TEXT,
    managed_by    TEXT,
    pending       INTEGER NOT NULL,
    since         INTEGER,
    members_known INTEGER NOT NULL,
    intent        INTEGER NOT NULL,
    PRIMARY KEY (account, scope, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX groups_by_folded_id ON groups (account, scope, id_folded);
CREATE INDEX groups_by_derived_id ON groups (account, scope, derived_id) WHERE derived_id IS NOT NULL;
CREATE INDEX groups_by_external_id ON groups (account, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX groups_underived ON groups (account, scope) WHERE derived_id IS NULL;
CREATE INDEX groups_unsettled ON groups (account) WHERE intent = 1;

-- No foreign keys: the guard learns of memberships of users and groups that it has never seen.
CREATE TABLE members (
    account  TEXT    NOT NULL,
    scope    TEXT    NOT NULL,
    group_id TEXT    NOT NULL,
    user_id  TEXT    NOT NULL,
    pending  INTEGER NOT NULL,
    PRIMARY KEY (account, scope, group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (account, user_id, scope, group_id);
