//! The English texts about a user's changes of what an organization shares. `{}` stands for a value.

use super::strings;

strings! {
    /// The texts that are loaded with the organization page, about changes that have not gone through.
    OrgChangeStrings, ORG_CHANGE_ENGLISH;

    title: "Your changes of {}",
    text: "What you have changed and the organization does not have yet. You see it as you want it meanwhile.",
    failed: "The changes could not be fetched",
    none: "Nothing waits any more",
    none_text: "The organization has everything that you have changed.",

    // What this machine tells by itself.
    told: "This machine reports its sessions, workspaces and sign-ins to {}. These are facts and no changes of yours: they are sent by themselves and cannot be discarded.",
    told_waiting_one: "{} fact waits to be sent.",
    told_waiting_many: "{} facts wait to be sent.",
    told_refused_one: "The backend refuses {} fact about a {}: {}.",
    told_refused_many: "The backend refuses {} facts, each about a {}: {}.",
    told_retry: "Send again",
    told_retried: "What was refused is sent again.",

    // What a change is about.
    kind_organization: "organization",
    kind_policy: "policy",
    kind_prompt: "prompt",
    kind_mcp_configuration: "MCP server",
    kind_mcp_oauth: "sign-in at an MCP server",
    kind_session: "session",
    kind_workspace: "workspace",
    kind_consent_text: "text to agree to",
    kind_consent: "agreement",

    // What it does.
    adds: "Adds it.",
    edits: "Changes: {}.",
    removes: "Removes it.",
    made: "Changed",

    // Where it stands.
    waiting: "Waits",
    waiting_text: "It is sent as soon as the backend answers.",
    sending: "Sent",
    sending_text: "The answer has not come yet.",
    arrived: "Arrived",
    arrived_text: "The backend has it.",
    conflict: "Conflict",
    refused: "Refused",

    // A conflict.
    clash_changed: "Somebody else has changed the same. Nothing is sent until you choose.",
    clash_removes: "You remove it, and somebody else has changed it since. This is how it is there now. Keeping yours removes it.",
    clash_deleted: "Somebody else has removed it. Keeping yours adds it anew.",
    clash_exists: "Somebody else has added it already. Nothing is sent until you choose.",
    sides: "Both sides of {}",
    field: "Field",
    mine: "Mine",
    theirs: "Theirs",
    nothing: "nothing",
    also: "Mine also changes: {}.",
    content: "Words",
    keep_mine: "Keep mine",
    keep_theirs: "Keep theirs",
    keep_both: "Keep both",
    kept_mine: "Yours is kept: {}.",
    kept_theirs: "Theirs is kept: {}.",
    kept_both: "Both are kept: {}.",
    moved: "Somebody has changed it once more, so nothing was done. Look at both sides again, then choose.",

    // A refused change.
    forbidden: "Your role in the organization does not allow it.",
    refused_why: "The backend refuses it: {}.",
    retry: "Send again",
    retried: "{} is sent again.",
    discard: "Discard",
    discard_title: "Discard your change of {}?",
    discard_text: "What you have changed is lost. The organization keeps what it has.",
    discarded: "Your change of {} is discarded.",
}
