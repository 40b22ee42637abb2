//! Real agents as somebody has them who has used them before and trusts the project.

use std::{fs, path::Path};

use berth_model_server::ModelServer;
use serde_json::json;

use crate::Setup;

/// Gives Claude Code and Codex folders of their own, in which the first questions are answered and
/// the repository is trusted, and sends both to the model server. They need not be installed.
///
/// # Panics
/// When the folders cannot be written, or the setup has been configured before.
#[must_use]
pub fn configure(setup: Setup, model: &ModelServer, repository: &Path) -> Setup {
    let claude = setup.folder().join("claude");
    let codex = setup.folder().join("codex");
    // Trust in a repository is trust in its worktrees.
    let trusted = repository.to_str().expect("the path is text");
    let known = json!({
        "hasCompletedOnboarding": true,
        "projects": {trusted: {"hasTrustDialogAccepted": true}},
    });
    write(&claude, ".claude.json", &known.to_string());
    write(
        &codex,
        "config.toml",
        &codex_config(&model.openai_url(), trusted),
    );
    setup
        .variable("CLAUDE_CONFIG_DIR", claude)
        .variable("ANTHROPIC_BASE_URL", model.base_url())
        .variable("ANTHROPIC_AUTH_TOKEN", "dummy")
        .variable("ENABLE_TOOL_SEARCH", "false")
        .variable("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .variable("DISABLE_AUTOUPDATER", "1")
        .variable("CODEX_HOME", codex)
        .variable("TEST_KEY", "dummy")
}

fn codex_config(url: &str, trusted: &str) -> String {
    format!(
        r#"model = "gpt-5.5"
model_provider = "test"

[model_providers.test]
name = "test"
base_url = "{url}"
env_key = "TEST_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0

[projects."{trusted}"]
trust_level = "trusted"

# Announcements that would otherwise wait for an answer.
[tui]
screen_reader_detection_done = true

[tui.model_availability_nux]
"gpt-6.1-sol" = 4

[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"
"#
    )
}

fn write(folder: &Path, name: &str, content: &str) {
    fs::create_dir(folder).expect("the agent's folder can be made");
    fs::write(folder.join(name), content).expect("what the agent knows can be written");
}
