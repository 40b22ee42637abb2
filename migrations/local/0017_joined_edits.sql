-- How many edits of its user a change is: those that waited together are one change, and each of them has had a version
-- number of its own on this machine.
ALTER TABLE mutations ADD COLUMN edits INTEGER NOT NULL DEFAULT 1 CHECK (edits BETWEEN 1 AND 10000);
