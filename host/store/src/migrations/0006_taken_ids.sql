-- Of a create whose outcome is unclear: when it began, a group had the id that its name gives, so that the
-- application gave it another one. That holds when the other group is gone.
ALTER TABLE groups ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;
