//! The English texts of a session's terminal and changes. `{}` stands for a value.

use super::strings;

strings! {
    /// The texts that are loaded with the terminal or the changes of a session.
    SessionTabStrings, SESSION_TAB_ENGLISH;

    // Terminal.
    hits: "{} of {}",
    no_hits: "No results",
    previous_hit: "Previous result",
    next_hit: "Next result",
    terminal_lost: "The connection to the terminal is lost. Reconnecting; nothing the agent prints is missed.",
    link_refused: "Berth does not open {}",
    link_refused_hint: "Only http and https links are opened from a terminal.",

    // Changes.
    one_file: "{} file",
    many_files: "{} files",
    files_changed: "{} files changed",
    changed_files: "Changed files",
    refresh_changes: "Compare again",
    changes_failed: "The changes could not be compared",
    no_changes: "No changes yet",
    no_changes_text: "Files that the agent adds, edits or removes are listed here.",
    no_git: "Not a git repository",
    no_git_text: "Changes can be shown only in a git repository.",
    choose_file: "Choose a file to see what changed in it.",
    file_gone: "No longer changed",
    file_gone_text: "The file is as it was at the base.",
    binary: "Binary file",
    binary_text: "It has changed, but it has no lines to show.",
    binary_short: "binary",
    no_lines: "No changed lines",
    no_lines_text: "Only its name, mode or place has changed.",
    patch_failed: "The patch could not be made",
    patch_cut: "The patch is longer than 1 MiB and ends here.",
    kind_added: "added",
    kind_untracked: "new, not tracked",
    kind_modified: "changed",
    kind_deleted: "removed",
    kind_renamed: "renamed",
    kind_type: "type changed",
    kind_conflicted: "in conflict",
}
