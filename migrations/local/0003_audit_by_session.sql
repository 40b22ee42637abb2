-- Which session an audit event is about, so that a session's activity is found without reading the
-- whole trail. It follows from what stands in the event and is no part of the chain.
ALTER TABLE audit_events ADD COLUMN session_id TEXT GENERATED ALWAYS AS (
    CASE
        WHEN subject_kind = 'session' THEN subject_id
        -- Damaged details must be found by the verification, and not stop whoever looks at them.
        WHEN json_valid(details) THEN details ->> '$.session_id'
    END
) VIRTUAL;

CREATE INDEX audit_events_by_session ON audit_events (session_id, seq)
WHERE session_id IS NOT NULL;
