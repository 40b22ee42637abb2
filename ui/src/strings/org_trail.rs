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
    session: "Session",
    session_hint: "Its whole identifier.",
    kind: "Kind",
    kind_hint: "Such as session or membership.",
    apply: "Show",

    // The table.
    table: "Events, the newest first",
    seq: "No.",
    when: "When",
    who: "Who",
    what: "What",
    unknown: "Not known any more ({})",
    changed: "Not what was hashed",
    none: "No such events",
    none_text: "Nothing that was recorded fits what is looked for.",
    older: "Show older events",

    // The details of an event.
    more: "{}, event {}: details",
    arrived: "Arrived",
    arrived_by: "by the backend's clock",
    happened: "Happened",
    happened_by: "by the clock of its device",
    by_backend: "Seen by the backend itself",
    late: "It arrived {} after it had happened by the clock of its device: it was reported late, or that clock is behind.",
    early: "It arrived {} before it happened by the clock of its device: that clock is ahead.",
    pseudonym: "Pseudonym",
    device: "Device",
    device_here: "this machine",
    device_seq: "its event {}",
    only_session: "Only this session",
    only_kind: "Only this kind",
    subject: "Subject",
    details: "Details",
    hash: "Hash",

    // Where an event came from.
    origin: "Show where it came from",
    origin_text: "As the request told the backend: a program can call itself anything.",
    address: "IP address",
    program: "User agent",
    not_known: "Not known",
    origin_none: "Not known: the backend has noted nothing, or the person was erased.",

    // Checking and taking along.
    verify: "Verify",
    valid_one: "Valid: {} event was checked. The last hash is",
    valid_many: "Valid: {} events were checked. The last hash is",
    checkpoint: "Events up to {} were retired, and are not checked any more.",
    broken_at: "The trail is not as it was written, from event {} on.",
    broken: "The trail is not as it was written.",
    retired: "The backend says that event {} was retired. It is too young for that: the trail may have been written anew.",
    anew: "The backend has other events than when this machine last verified it: the trail was written anew at event {} or before it.",
    export: "Export",
    export_tip: "A file with the events that you look for",
    about: "Verify checks the organization's whole trail, also against what this machine has seen of it before. Export saves the events that you look for as a file that can be checked on any machine with berth audit verify --file FILE, also while Berth is not running. Each export is noted in the trail.",
}
