//! The English texts of the audit page beside those that others name too. `{}` stands for a value.

use super::strings;

strings! {
    /// The texts that are loaded with the page of this machine's audit trail.
    AuditStrings, AUDIT_ENGLISH;

    export: "Export",
    about: "Verify checks the chain of this machine here and now. Export writes all of it into a file that proves itself on any machine, without Berth running: berth audit verify --file FILE. That you took it is noted in the trail.",
}
