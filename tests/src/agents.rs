//! Real agents as somebody has them who has used them before and trusts the project.

use std::{fs, path::Path};

use berth_model_server::ModelServer;
use serde_json::json;

use crate::Setup;

/// Gives the agents folders of their own, in which the first questions are answered and the repository
/// is trusted where that covers its worktrees, and sends them to the model server. They need not be
/// installed.
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
    let setup = gemini(setup, model);
    let setup = opencode(setup, model);
    let setup = droid(setup, model);
    let setup = goose(setup, model);
    aider(&setup, model);
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

fn gemini(setup: Setup, model: &ModelServer) -> Setup {
    let home = setup.folder().join("gemini");
    let settings = json!({
        "security": {
            "auth": {"selectedType": "gemini-api-key"},
            "folderTrust": {"enabled": false},
        },
        "general": {"enableAutoUpdate": false, "enableAutoUpdateNotification": false},
        "privacy": {"usageStatisticsEnabled": false},
        "model": {"name": "gemini-2.5-pro"},
    });
    write(&home, ".gemini/settings.json", &settings.to_string());
    setup
        .variable("GEMINI_CLI_HOME", home)
        .variable("GEMINI_API_KEY", "dummy")
        .variable("GOOGLE_GEMINI_BASE_URL", model.base_url())
}

fn opencode(setup: Setup, model: &ModelServer) -> Setup {
    let home = setup.folder().join("opencode");
    let config = json!({
        "autoupdate": false,
        "share": "disabled",
        "model": "test/model",
        "small_model": "test/model",
        "enabled_providers": ["test"],
        "provider": {"test": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "test",
            "options": {"baseURL": model.openai_url(), "apiKey": "dummy"},
            "models": {"model": {"name": "model", "limit": {"context": 100_000, "output": 8000}}},
        }},
    });
    write(&home, "config.json", &config.to_string());
    let config = home.join("config.json");
    setup
        .variable("OPENCODE_CONFIG", config)
        .variable("OPENCODE_DISABLE_MODELS_FETCH", "1")
        .variable("XDG_CONFIG_HOME", home.join("config"))
        .variable("XDG_DATA_HOME", home.join("data"))
        .variable("XDG_STATE_HOME", home.join("state"))
        .variable("XDG_CACHE_HOME", home.join("cache"))
}

fn droid(setup: Setup, model: &ModelServer) -> Setup {
    let home = setup.folder().join("droid");
    let settings = json!({
        "logoAnimation": "off",
        "cloudSessionSync": false,
        "customModels": [{
            "id": "custom:test-0",
            "index": 0,
            "model": "test-model",
            "displayName": "test",
            "baseUrl": model.openai_url(),
            "apiKey": "dummy",
            "provider": "generic-chat-completion-api",
            "maxOutputTokens": 4096,
        }],
        "sessionDefaultSettings": {"model": "custom:test-0"},
    });
    write(&home, ".factory/settings.json", &settings.to_string());
    setup
        .variable("FACTORY_HOME_OVERRIDE", home)
        .variable("FACTORY_AIRGAP_ENABLED", "true")
}

fn goose(setup: Setup, model: &ModelServer) -> Setup {
    let home = setup.folder().join("goose");
    fs::create_dir(&home).expect("the agent's folder can be made");
    setup
        .variable("GOOSE_PROVIDER", "openai")
        .variable("GOOSE_MODEL", "test-model")
        .variable("GOOSE_PATH_ROOT", home)
        .variable("GOOSE_DISABLE_KEYRING", "1")
        .variable("GOOSE_TELEMETRY_ENABLED", "false")
        .variable("OPENAI_HOST", model.base_url())
        .variable("OPENAI_API_KEY", "dummy")
}

fn aider(setup: &Setup, model: &ModelServer) {
    let config = format!(
        "model: openai/test-model\nopenai-api-base: {}\nopenai-api-key: dummy\n\
         analytics-disable: true\nshow-model-warnings: false\n",
        model.openai_url()
    );
    let home = setup.home();
    write(&home, ".aider.conf.yml", &config);
    // It keeps a cache in each workspace, which its users have git overlook.
    write(&home, "ignored", ".aider*\n");
    let ignored = home.join("ignored");
    let known = fs::read_to_string(home.join(".gitconfig")).unwrap_or_default();
    let config = format!("{known}[core]\nexcludesFile = {}\n", ignored.display());
    write(&home, ".gitconfig", &config);
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
    let path = folder.join(name);
    let folder = path.parent().unwrap_or(folder);
    fs::create_dir_all(folder).expect("the agent's folder can be made");
    fs::write(path, content).expect("what the agent knows can be written");
}
