//! The English texts of the palette and of dialogs that have no form of their own. `{}` stands for a value.

use super::strings;

strings! {
    /// The texts that are loaded with the first of these dialogs.
    DialogStrings, DIALOG_ENGLISH;

    // Everywhere.
    paste: "Paste",

    // Sidebar.
    toggle_sidebar: "Show or hide the sidebar",

    // Session.
    toggle_details: "Show or hide the details",

    // Chat.
    messages: "Messages",
    new_line: "New line",

    // Dialogs.
    rename_session: "Rename session",
    rename_project: "Rename project",
    archive_session: "Archive session",
    delete_session: "Delete session",
    archive_title: "Archive “{}”?",
    archive_text: "Its workspace is put away and its transcript and recording are kept. It can be brought back.",
    stop_and_archive: "Stop and archive",
    delete_title: "Delete “{}”?",
    delete_text: "Its transcript, recording and workspace are deleted. This cannot be undone.",
    delete_text_in_place: "Its transcript and recording are deleted. The project's folder stays as it is.",
    stop_and_delete: "Stop and delete",
    delete_and_discard: "Delete and discard work",
    work_lost: "This work would be lost",
    work_none: "The workspace has no unsaved work.",
    work_unknown: "Whether the workspace has unsaved work could not be found out; the engine checks again before it deletes.",
    one_uncommitted: "{} file with uncommitted changes",
    many_uncommitted: "{} files with uncommitted changes",
    one_unpushed: "{} commit that is on no other branch",
    many_unpushed: "{} commits that are on no other branch",
    one_more: "and {} more",
    remove_project_title: "Remove “{}”?",
    remove_project_text: "Berth forgets the project. The folder and everything in it stay where they are.",
    add_project_text: "Choose a folder, usually the top of a git repository. Nothing in it is changed.",
    path_placeholder: "/path/to/folder",
    browse: "Browse",
    home_folder: "Go to the home folder",
    parent_folder: "Parent folder",
    no_folders: "No folders in here.",
    project_added: "{} was added.",

    // Settings.
    theme_named: "Theme: {}",

    // Routers.
    router_removed: "{} was removed.",
    remove_router_title: "Remove “{}”?",
    remove_router_text: "Its settings are deleted, and its keys are removed from the keychain. Sessions that ran through it cannot be restarted.",
    remove_router_used: "Running sessions use it. Stop them first:",

    // Agents that a user describes.
    agent_removed: "{} was removed.",
    remove_agent_title: "Remove “{}”?",
    remove_agent_text: "Its description is deleted, and its secrets are removed from the keychain. Its sessions stay, but cannot be restarted.",
    remove_agent_used: "Sessions of it are running. Stop them first:",

    // Prompts.
    prompt_move_keys: "Move a prompt up or down",
    prompt_removed: "{} was deleted.",
    remove_prompt_title: "Delete “{}”?",
    remove_prompt_text: "All its versions are deleted. Running sessions keep what they were given; new ones go without it.",

    // Editor of prompts.
    leave_title: "Leave without saving?",
    leave_text: "What you have changed in this prompt is lost.",
    leave: "Leave without saving",

    // MCP servers.
    mcp_cleared: "{} was cleared.",
    clear_mcp_title: "Clear “{}”?",
    clear_mcp_text: "You are signed out of it, its secrets are removed from the keychain, and how it was doing is forgotten. Its settings stay.",
    mcp_removed: "{} was removed.",
    remove_mcp_title: "Remove “{}”?",
    remove_mcp_text: "Its settings are deleted, and its secrets are removed from the keychain. New sessions go without it.",

    // Palette and keys.
    palette_placeholder: "Search sessions, pages and actions",
    palette_none: "Nothing found.",
    show_named: "Show {}",
    sheet_note: "While the terminal has focus, all other keys go to its program.",
    everywhere: "Everywhere",
    go_to_session: "Go to a session",
    cycle_tabs: "Chat, terminal, changes",
}
