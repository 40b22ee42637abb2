//! The English texts of an organization's audit trail. `{}` stands for a value.

use super::strings;

strings! {
    /// The texts that are loaded with the organization page for its part with the trail.
    OrgTrailStrings, ORG_TRAIL_ENGLISH;

    title: "Audit",
    text: "What members and admins of an organization have done. Nobody can change it unseen.",
    which: "Organization",
    not_admin: "Only admins of {} can look at its trail.",
    open: "Show the trail",
    failed: "The trail could not be fetched",

    // What is looked for.
    action: "Action",
    action_hint: "Such as session.created; several with commas between them.",
    person: "Person",
    anybody: "Anybody",
    system: "The backend itself",
    from: "From",
    until: "To",
    apply: "Show",

    // The table.
    table: "Events, the newest first",
    seq: "No.",
    when: "When",
    who: "Who",
    what: "What",
    on: "On",
    details: "Details",
    hash: "Hash",
    unknown: "Not known any more ({})",
    changed: "Not what was hashed",
    none: "No such events",
    none_text: "Nothing that was recorded fits what is looked for.",
    older: "Show older events",

    // Checking and taking along.
    verify: "Verify",
    valid_one: "Valid: {} event was checked. The last hash is",
    valid_many: "Valid: {} events were checked. The last hash is",
    checkpoint: "Events up to {} were retired, and are not checked any more.",
    broken_at: "The trail is not as it was written, from event {} on.",
    broken: "The trail is not as it was written.",
    anew: "The backend has other events than when this machine last verified it: the trail was written anew at event {} or before it.",
    export: "Export",
    export_tip: "A file with the events that are looked for. It proves itself with berth audit verify --file, and the trail notes that you took it.",
}
