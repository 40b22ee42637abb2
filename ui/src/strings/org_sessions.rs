//! The English texts of the sessions that an organization was told of. `{}` stands for a value.

use super::strings;

strings! {
    /// The texts that are loaded with the organization page, for the sessions in the settings of one organization.
    OrgSessionStrings, ORG_SESSION_ENGLISH;

    title: "Sessions",
    text_admin: "The sessions that members have run under this organization, as their machines have told it. What they are called, what was said and where their folders are stays on those machines. Names of branches are told, and those that Berth makes follow from the first message.",
    text_user: "Your sessions under this organization, as your machines have told it. Its admins see them too. What they are called, what was said and where their folders are stays on your machines. Names of branches are told, and those that Berth makes follow from the first message.",
    failed: "The sessions could not be fetched",
    none: "There are no such sessions.",
    older: "Show older sessions",
    refresh: "Ask again",

    // What is looked for.
    person: "Member",
    anybody: "Everybody",
    state: "State",
    any_state: "Running and ended",
    running: "Running",
    ended: "Ended",

    // The table.
    table: "Sessions, the newest first",
    agent: "Agent",
    who: "Who",
    device: "Device",
    now: "State",
    begun: "Began",
    over: "Ended",
    place: "Workspace",
    here: "this machine",
    run_of: "run {}",

    // How a session stands.
    state_live: "running",
    state_exited: "ended",
    state_code: "ended, exit code {}",
    state_signal: "ended, {}",
    state_failed: "failed",
    state_failed_code: "failed, {}",
    archived: "archived",

    // Where it works.
    in_place: "the project's folder",
    worktree: "a worktree",
    server: "a folder on a server",
    files_one: "{} file",
    files_many: "{} files",
}
