-- What administrators ask of a token: who made it, from where it was last used (the address alone), and
-- which one it replaced.
ALTER TABLE tokens ADD COLUMN created_by TEXT;
ALTER TABLE tokens ADD COLUMN last_used_from TEXT;
ALTER TABLE tokens ADD COLUMN rotated_from TEXT;
