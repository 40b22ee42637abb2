//! The English texts that several forms share, whichever file each is in. `{}` stands for a value.

use super::strings;

strings! {
    /// The texts that are loaded with the first of the forms of routers, agents, MCP servers and prompts.
    FormPartStrings, FORM_PART_ENGLISH;

    // Keys, and what is wrong in a form.
    key_kept: "In the keychain",
    key_goes: "Is removed from the keychain when you save",
    key_replace: "Replace",
    key_keep: "Keep",
    problem_of: "{}: {}",
    one_problem: "One field is not as it must be.",
    many_problems: "{} fields are not as they must be.",
    unsaved: "The changes are not saved.",
    discard: "Discard",

    // Programs, variables and secrets.
    program: "Program",
    agent_args: "Arguments",
    agent_env: "Variables",
    agent_env_hint: "NAME=value, one on each line. For a secret use one below.",
    secrets: "Secrets",
    secrets_text: "Variables whose values are kept in the keychain, apart from this description.",
    secret_named: "Secret {}",
    secret_unnamed: "without a name",
    secret_name: "Variable",
    secret_value: "Value",
    secret_value_hint: "Goes to the keychain when you save, and is never shown again.",
    secret_renamed: "The value of {} does not follow its new name: enter it again.",
    secret_wrong: "Give at most 16,384 bytes on one line.",
    secret_replace_of: "Replace the value of {}",
    secret_remove_of: "Remove the value of {}",
    secret_keep_of: "Keep the value of {}",
    add_secret: "Add secret",
    remove_secret: "Remove secret {}",
    problem_of_line: "Line {}: {}",
    variable_wrong: "Write it as NAME=value.",
    variable_twice: "A line above has this name.",

    // Prompts and MCP servers.
    import: "Import",
    prompt_for_all: "All sessions",
    prompt_enabled: "Enabled",
    prompt_changed_meanwhile: "{} was changed meanwhile, so nothing was done. This is how it is now.",

    // Which sessions something is for.
    prompt_target: "Which sessions",
    prompt_target_hint: "With nothing chosen, all of them.",
    prompt_agents: "Of these agents",
    prompt_projects: "In these projects",
    prompt_no_projects: "There are no projects yet.",
    prompt_unknown: "{} (not known here)",
}
