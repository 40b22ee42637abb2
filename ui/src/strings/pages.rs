//! The English texts of the pages of projects and of settings. `{}` stands for a value.

use super::strings;

strings! {
    /// The texts that are loaded with these pages.
    PageStrings, PAGE_ENGLISH;

    // Projects.
    projects_text: "Folders that sessions work in.",
    no_projects: "No projects yet",
    no_projects_text: "A project is a folder that agents work in, usually a git repository.",
    one_session: "{} session",
    many_sessions: "{} sessions",
    project_menu: "Actions for {}",
    no_git_short: "no git",
    no_commits_short: "no commits",
    detached: "detached",

    // Settings.
    settings_text: "How Berth looks, and what it found on this machine.",
    appearance: "Appearance",
    appearance_text: "Light, dark, or as the system has it.",
    agents_text: "The agents that Berth knows, and which of them are installed here. Describe any other yourself.",
    engine: "Engine",
    engine_text: "The process that runs sessions. It goes on when this window is closed.",
    process: "Process",
    system: "System",
    environment: "Environment",
    data_folder: "Data",
    log_folder: "Logs",
    schema: "Store schema",
    page_address: "Page address",
    about: "About",
    about_text: "Berth runs any agent in its own workspace. Licensed under MIT or Apache-2.0.",

    // Routers.
    routers: "Routers",
    routers_text: "Which models of which providers an agent's requests go to. A session is given one when it is started.",
    no_routers: "No routers yet",
    no_routers_text: "With one, Claude Code and Codex work with models of other providers. Without one, each agent asks its own.",
    routers_failed: "The routers could not be fetched",
    router_menu: "Actions for {}",
    router_program: "{} is installed, version {}.",
    no_router_program: "No router is installed",
    router_keys_missing: "Key missing: {}",
    vertex_own_models: "Claude Code's own choice of models",
}
