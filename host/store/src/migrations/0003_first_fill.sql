-- Whether an account's users, groups and memberships have been read from the backend.
CREATE TABLE first_fills (
    account  TEXT    NOT NULL PRIMARY KEY,
    finished INTEGER, -- when a complete crawl ended; NULL: none has
    crawl    TEXT     -- how far a crawl is that has not ended, as JSON; NULL: none is under way
) STRICT, WITHOUT ROWID;
