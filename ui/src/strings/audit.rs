//! The English texts of the audit page beside those that others name too. `{}` stands for a value.

use super::strings;

strings! {
    /// The texts that are loaded with the page of this machine's audit trail.
    AuditStrings, AUDIT_ENGLISH;

    export: "Export",
    about: "Verify checks the whole trail of this machine now. Export saves it as a file that can be checked on any machine with berth audit verify --file FILE, also while Berth is not running. Each export is noted in the trail.",
}
