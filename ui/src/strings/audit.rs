//! The English texts of the audit page beside those that others name too. `{}` stands for a value.

use super::strings;

strings! {
    /// The texts that are loaded with the page of this machine's audit trail.
    AuditStrings, AUDIT_ENGLISH;

    export: "Export",
    about: "Verify checks the whole trail of this machine now. Export saves it as a file that can be checked on any machine with berth audit verify --file FILE, also while Berth is not running. Each export is noted in the trail.",
    audit_text: "What happened, in an order that cannot be changed unseen.",
    no_audit: "Nothing happened yet",
    no_audit_text: "Projects and sessions leave their marks here.",
    audit_valid: "The trail is whole: {} events were checked.",
    audit_broken_at: "The trail is broken at event {}: it is not as it was written.",
    audit_broken: "The trail is broken.",
    verify: "Verify",
}
