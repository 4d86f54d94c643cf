-- How many attempts to create a group have no outcome yet: each may have made one of its own.
ALTER TABLE groups ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;

-- groups.taken: another group had the id that the name gives when the create began, or an earlier
-- attempt may have made one.

-- members.pending: 0 confirmed, 1 being put in, or perhaps in, 2 being taken out, 3 put in by a change
-- that was done, whose answer told no members.
UPDATE members SET pending = 3
 WHERE pending = 1 AND token IS NULL AND substr(group_id, 1, 1) <> char(1);
