-- What each run of a session was given of the system prompts, as it was put together for it.
CREATE TABLE session_prompts (
    session_id  TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    run         INTEGER NOT NULL CHECK (run > 0),
    effective   TEXT    NOT NULL CHECK (json_valid(effective)),
    undelivered TEXT,
    date        TEXT    NOT NULL,
    time_zone   TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (session_id, run)
) STRICT;
