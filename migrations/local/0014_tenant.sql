-- What this machine has of organizations: a replica of what their backend says, and the user's changes that wait
-- for it. All of it belongs to one (organization, user) pair, and goes with it.
CREATE TABLE organizations (
    org_id        TEXT    NOT NULL,
    user_id       TEXT    NOT NULL,
    -- The REST root of its backend.
    url           TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    role          TEXT    NOT NULL CHECK (role IN ('admin', 'user')),
    -- The replica is complete up to this revision, under this token of the backend.
    rev           INTEGER NOT NULL DEFAULT 0,
    token         TEXT,
    -- A copy that is begun anew is kept apart until it is complete; null while there is none. A pair begins with one.
    staged_rev    INTEGER DEFAULT 0,
    staged_token  TEXT,
    -- When the replica was last known to be what the backend has.
    fresh_at      INTEGER,
    -- Audit events up to this `seq` were answered by the backend, and so many of them were refused.
    audit_seq     INTEGER NOT NULL DEFAULT 0,
    audit_refused INTEGER NOT NULL DEFAULT 0,
    -- The code of the last refusal.
    audit_code    TEXT,
    added_at      INTEGER NOT NULL,
    PRIMARY KEY (org_id, user_id)
) STRICT;

-- Rows as the backend has them. Kinds that this version does not know are kept too: a later one may.
CREATE TABLE replica_rows (
    org_id    TEXT    NOT NULL,
    user_id   TEXT    NOT NULL,
    staged    INTEGER NOT NULL CHECK (staged IN (0, 1)),
    kind      TEXT    NOT NULL,
    entity_id TEXT    NOT NULL,
    rev       INTEGER NOT NULL,
    row       TEXT    NOT NULL CHECK (json_valid(row)),
    PRIMARY KEY (org_id, user_id, staged, kind, entity_id),
    FOREIGN KEY (org_id, user_id) REFERENCES organizations (org_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Changes of the user that the replica does not show yet.
CREATE TABLE mutations (
    seq         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- What the backend knows it by. Once it was sent it stands for this very change for ever.
    id          TEXT    NOT NULL UNIQUE,
    org_id      TEXT    NOT NULL,
    user_id     TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    entity_id   TEXT    NOT NULL,
    op          TEXT    NOT NULL CHECK (op IN ('upsert', 'delete')),
    -- The revision that was edited; null for a row that the backend has never had.
    base_rev    INTEGER,
    patch       TEXT    NOT NULL CHECK (json_valid(patch)),
    -- `sending`: the backend may have it or not. `applied`: it has it, and the replica does not show it yet.
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'sending', 'applied', 'conflict', 'parked')),
    applied_rev INTEGER,
    -- Why it is in conflict or parked, as the backend says.
    code        TEXT,
    reason      TEXT,
    -- The fields in conflict, and the row as the backend has it.
    fields      TEXT    CHECK (fields IS NULL OR json_valid(fields)),
    server      TEXT    CHECK (server IS NULL OR json_valid(server)),
    server_rev  INTEGER,
    created_at  INTEGER NOT NULL,
    CHECK ((state = 'applied') = (applied_rev IS NOT NULL)),
    CHECK ((state IN ('conflict', 'parked')) = (code IS NOT NULL)),
    CHECK ((state = 'conflict') = (server IS NOT NULL)),
    FOREIGN KEY (org_id, user_id) REFERENCES organizations (org_id, user_id) ON DELETE CASCADE
) STRICT;

-- Of one row at most one change is under way and at most one waits: later edits join the one that waits.
CREATE UNIQUE INDEX mutations_under_way ON mutations (org_id, user_id, kind, entity_id)
WHERE state IN ('sending', 'applied');
CREATE UNIQUE INDEX mutations_that_wait ON mutations (org_id, user_id, kind, entity_id)
WHERE state IN ('pending', 'conflict', 'parked');
CREATE INDEX mutations_by_state ON mutations (org_id, user_id, state, seq);

-- From where to where the audit trail belongs to which pair: an event belongs to one at most. `until_seq` is null
-- while it goes on.
CREATE TABLE audit_spans (
    org_id    TEXT    NOT NULL,
    user_id   TEXT    NOT NULL,
    -- The last event before the first of the span, and the last of it.
    after_seq INTEGER NOT NULL,
    until_seq INTEGER,
    PRIMARY KEY (org_id, user_id, after_seq),
    FOREIGN KEY (org_id, user_id) REFERENCES organizations (org_id, user_id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX audit_spans_open ON audit_spans (until_seq IS NULL) WHERE until_seq IS NULL;
