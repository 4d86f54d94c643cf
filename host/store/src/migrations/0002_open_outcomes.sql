-- How somebody came to own a user or group, as JSON: {"adopted": "token id"} and the like.
ALTER TABLE users ADD COLUMN origin TEXT;
ALTER TABLE groups ADD COLUMN origin TEXT;

-- A deletion by the provider is under way or unclear.
ALTER TABLE users ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0;
ALTER TABLE groups ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0;

-- What a user name looks like (the skeleton of UTS 39). NULL: not worked out yet.
ALTER TABLE users ADD COLUMN look TEXT;
CREATE INDEX users_by_look ON users (account, look);
CREATE INDEX users_without_look ON users (account) WHERE look IS NULL;

-- What is open is asked about in the background. Since when it is: the backend may still act.
ALTER TABLE users ADD COLUMN opened INTEGER;
ALTER TABLE groups ADD COLUMN opened INTEGER;
ALTER TABLE members ADD COLUMN opened INTEGER;
CREATE INDEX users_pending ON users (account, id) WHERE pending = 1;
CREATE INDEX groups_pending ON groups (account, scope, id) WHERE pending = 1;

-- members.pending: 0 confirmed, 1 being put in, 2 being taken out. The token is the one of the
-- provider's change that is open; without it the change was done, and the answer told no members.
ALTER TABLE members ADD COLUMN token TEXT;
CREATE INDEX members_pending ON members (account, scope, group_id) WHERE pending <> 0;

-- Membership changes of the provider that the backend did not do, to be repeated.
CREATE TABLE retries (
    account    TEXT    NOT NULL,
    scope      TEXT    NOT NULL,
    group_id   TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    present    INTEGER NOT NULL, -- 1: to be put in, 0: to be taken out
    status     INTEGER,          -- NULL: no answer
    first_seen INTEGER NOT NULL,
    last_tried INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    token      TEXT    NOT NULL,
    asked      INTEGER,          -- when somebody asked to repeat it
    PRIMARY KEY (account, scope, group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX retries_by_user ON retries (account, user_id);
CREATE INDEX retries_asked ON retries (asked) WHERE asked IS NOT NULL;

-- What operators of the guard corrected. Rows are only added.
CREATE TABLE corrections (
    account TEXT    NOT NULL,
    kind    TEXT    NOT NULL CHECK (kind IN ('user', 'group')),
    scope   TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    before  TEXT,
    after   TEXT,
    reason  TEXT    NOT NULL
) STRICT;
CREATE INDEX corrections_by_id ON corrections (account, kind, scope, id);
