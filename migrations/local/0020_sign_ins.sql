-- Each start asks for the sign-in that is in force, which may lie far back in a long trail.
CREATE INDEX audit_signed_in ON audit_events (seq) WHERE action = 'org.signed_in';
CREATE INDEX audit_signed_out ON audit_events (seq) WHERE action = 'org.signed_out';
