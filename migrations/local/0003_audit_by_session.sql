-- Which session an audit event is about, so that a session's activity is found without reading the
-- whole trail. It follows from what stands in the event and is no part of the chain.
ALTER TABLE audit_events ADD COLUMN session_id TEXT GENERATED ALWAYS AS (
    CASE subject_kind WHEN 'session' THEN subject_id ELSE details ->> '$.session_id' END
) VIRTUAL;

CREATE INDEX audit_events_by_session ON audit_events (session_id, seq)
WHERE session_id IS NOT NULL;
