-- A group's id may be asked for in all scopes at once.
CREATE INDEX groups_by_id ON groups (account, id);

-- Which index is worth it: SQLite guesses that an account has ten users, and reads all of them rather
-- than take an index to one. These numbers are those of a large store; ANALYZE would find those of
-- the day it is run.
ANALYZE;
DELETE FROM sqlite_stat1;
-- How many rows there are, and how many have the same first column, the same first two, …
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('users', 'users', '1000000 100000 1'),
    ('users', 'users_by_name', '1000000 100000 1'),
    ('users', 'users_by_folded_id', '1000000 100000 1'),
    ('users', 'users_by_external_id', '1000000 100000 1'),
    ('users', 'users_by_look', '1000000 100000 1'),
    ('users', 'users_unsettled', '10 2'),
    ('users', 'users_without_look', '10 2'),
    ('users', 'users_pending', '10 2 1'),
    ('groups', 'groups', '10000 1000 200 1'),
    ('groups', 'groups_by_id', '10000 1000 1'),
    ('groups', 'groups_by_folded_id', '10000 1000 200 1'),
    ('groups', 'groups_by_derived_id', '10000 1000 200 1'),
    ('groups', 'groups_by_external_id', '10000 1000 1'),
    ('groups', 'groups_underived', '100 20 10'),
    ('groups', 'groups_unsettled', '10 2'),
    ('groups', 'groups_pending', '10 2 2 1'),
    ('members', 'members', '5000000 500000 100000 500 1'),
    ('members', 'members_by_user', '5000000 500000 5 5 1'),
    ('members', 'members_pending', '10 2 2 1');
ANALYZE sqlite_schema;
