-- The local store. Rules that hold for every table:
--   * moments are integers: milliseconds since 1970-01-01T00:00:00Z;
--   * identifiers are hyphenated lower-case UUIDs as text;
--   * words such as a phase, a role or a kind of workspace are the words of the API.
-- A migration that was released is never edited: the program refuses a store whose migrations
-- differ from its own.

CREATE TABLE projects (
    id         TEXT    NOT NULL PRIMARY KEY,
    path       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id              TEXT    NOT NULL PRIMARY KEY,
    project_id      TEXT    NOT NULL REFERENCES projects (id) ON DELETE RESTRICT,
    agent           TEXT    NOT NULL,
    title           TEXT    NOT NULL,
    phase           TEXT    NOT NULL CHECK (phase IN ('live', 'exited', 'failed')),
    exit_code       INTEGER,
    exit_signal     TEXT,
    failure_code    TEXT,
    failure_detail  TEXT,
    workspace_kind  TEXT    NOT NULL,
    workspace_path  TEXT    NOT NULL,
    branch          TEXT,
    base            TEXT,
    base_commit     TEXT,
    transport       TEXT    NOT NULL,
    permission_mode TEXT,
    -- Program and arguments as a JSON array of strings.
    command         TEXT    CHECK (command IS NULL OR json_valid(command)),
    rows            INTEGER NOT NULL,
    cols            INTEGER NOT NULL,
    run             INTEGER NOT NULL CHECK (run >= 1),
    pid             INTEGER,
    -- When that process started, in seconds since 1970: together with the pid it tells the process
    -- from a later one that got the same number.
    pid_started_at  INTEGER,
    -- The agent's own name for the conversation, with which it can be resumed.
    agent_session   TEXT,
    changed_files   INTEGER,
    added_lines     INTEGER,
    removed_lines   INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    ended_at        INTEGER,
    archived_at     INTEGER,
    archive_commit  TEXT,
    CHECK ((phase = 'failed') = (failure_code IS NOT NULL)),
    CHECK ((phase = 'live') = (ended_at IS NULL)),
    CHECK ((pid IS NULL) = (pid_started_at IS NULL)),
    CHECK ((changed_files IS NULL) = (added_lines IS NULL)),
    CHECK ((changed_files IS NULL) = (removed_lines IS NULL))
) STRICT;

CREATE INDEX sessions_by_project ON sessions (project_id);
CREATE INDEX sessions_by_age ON sessions (created_at, id);
CREATE INDEX sessions_live ON sessions (created_at, id) WHERE phase = 'live';

CREATE TABLE messages (
    id         TEXT    NOT NULL PRIMARY KEY,
    session_id TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    -- From 1, without gaps.
    seq        INTEGER NOT NULL CHECK (seq >= 1),
    role       TEXT    NOT NULL CHECK (role IN ('user', 'agent')),
    content    TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    run        INTEGER NOT NULL,
    UNIQUE (session_id, seq)
) STRICT;

CREATE TABLE audit_events (
    -- From 1, without gaps.
    seq          INTEGER NOT NULL PRIMARY KEY,
    at           INTEGER NOT NULL,
    action       TEXT    NOT NULL,
    subject_kind TEXT    NOT NULL,
    subject_id   TEXT    NOT NULL,
    -- Canonical JSON: the very text that went into the hash.
    details      TEXT    NOT NULL,
    prev_hash    TEXT    NOT NULL,
    hash         TEXT    NOT NULL
) STRICT;

-- The end of the chain, kept apart so that events cut off at the end are noticed too.
CREATE TABLE audit_head (
    one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash TEXT    NOT NULL
) STRICT;

INSERT INTO audit_head (one, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TRIGGER audit_events_are_appended BEFORE INSERT ON audit_events
WHEN NOT EXISTS (SELECT 1 FROM audit_head WHERE NEW.seq = seq + 1 AND NEW.prev_hash = hash)
BEGIN
    SELECT RAISE(ABORT, 'audit events can only be appended');
END;

CREATE TRIGGER audit_events_never_change BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events cannot be changed');
END;

CREATE TRIGGER audit_events_are_never_deleted BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events cannot be deleted');
END;

CREATE TRIGGER audit_head_follows BEFORE UPDATE ON audit_head
WHEN NEW.seq <> OLD.seq + 1
    OR NOT EXISTS (SELECT 1 FROM audit_events WHERE seq = NEW.seq AND hash = NEW.hash)
BEGIN
    SELECT RAISE(ABORT, 'the audit head only follows the last event');
END;

CREATE TRIGGER audit_head_is_one BEFORE INSERT ON audit_head
BEGIN
    SELECT RAISE(ABORT, 'there is one audit head');
END;

CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
BEGIN
    SELECT RAISE(ABORT, 'the audit head cannot be deleted');
END;

-- Changes that wait for sync, oldest first. AUTOINCREMENT: a number is never given twice, even
-- after the entry was sent and removed.
CREATE TABLE outbox (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    entity_kind TEXT    NOT NULL,
    entity_id   TEXT    NOT NULL,
    op          TEXT    NOT NULL CHECK (op IN ('upsert', 'delete')),
    payload     TEXT    NOT NULL CHECK (json_valid(payload)),
    created_at  INTEGER NOT NULL
) STRICT;

-- What a program answered when asked for its version, so that it is not run again. A cache: it may
-- be emptied at any time.
CREATE TABLE agent_versions (
    path       TEXT    NOT NULL PRIMARY KEY,
    mtime_ms   INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    version    TEXT    NOT NULL,
    checked_at INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
