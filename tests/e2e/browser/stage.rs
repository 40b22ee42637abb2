//! What a test of the UI plays on: an engine, a project, agents that talk to a model server, and a
//! driver for pages.

use std::path::Path;

use berth_model_server::{ModelServer, Script};
use berth_tests::{
    Engine, Repository, Setup, agents,
    keychain::Keychain,
    programs, routers, skip, this_test,
    webdriver::{Driver, Page, id, missing_program},
};

/// A real agent program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
}

/// An engine with everything around it. Dropping it ends everything.
pub struct Stage {
    /// The engine.
    pub engine: Engine,
    /// The project.
    pub repository: Repository,
    /// The engine's port, which it keeps when it is killed and started again.
    pub port: u16,
    /// The keychain, if the stage has one.
    pub keychain: Option<Keychain>,
    driver: Driver,
    _model: Option<ModelServer>,
}

impl Stage {
    /// An engine without agents; nothing, and a skip on record, where it cannot run.
    pub async fn new() -> Option<Self> {
        Self::make(None, |setup| setup, false).await
    }

    /// An engine with this agent, which talks to a model server.
    pub async fn with(agent: Agent) -> Option<Self> {
        if programs::agent(agent.name()).is_none() {
            skip(&this_test(), &format!("{} is not installed", agent.name()));
            return None;
        }
        Self::make(Some(agent), |setup| setup, false).await
    }

    /// An engine without agents and with a keychain.
    pub async fn with_keychain() -> Option<Self> {
        Self::make(None, |setup| setup, true).await
    }

    /// An engine without agents and with these files as its global prompts.
    pub async fn with_global_prompts(files: &[(&str, &str)]) -> Option<Self> {
        let equip = |setup: Setup| {
            let folder = setup.folder().join("global-prompts");
            std::fs::create_dir_all(&folder).expect("the folder can be made");
            for (name, text) in files {
                std::fs::write(folder.join(name), text).expect("the file can be written");
            }
            setup.argument("--global-prompts").argument(folder)
        };
        Self::make(None, equip, false).await
    }

    /// An engine with a keychain, a version of CCRouter and Claude Code, which talks to a model server
    /// when it is not routed.
    pub async fn with_router(version: &str) -> Option<Self> {
        if let Some(name) = routers::missing(version, "claude") {
            skip(&this_test(), &format!("{name} is not installed"));
            return None;
        }
        let equip = |setup| routers::with(setup, version);
        Self::make(Some(Agent::Claude), equip, true).await
    }

    async fn make(
        agent: Option<Agent>,
        equip: impl FnOnce(Setup) -> Setup,
        with_keychain: bool,
    ) -> Option<Self> {
        if let Some(name) = missing_program(&["chromedriver", "chromium"]) {
            skip(&this_test(), &format!("{name} is not installed"));
            return None;
        }
        let mut setup = Setup::new();
        let repository = Repository::with_history(&setup.folder().join("harbor"));
        let model =
            agent.map(|_| ModelServer::start(Script::default()).expect("the model server starts"));
        if let Some(model) = &model {
            setup = agents::configure(setup, model, &repository.path);
        }
        let mut keychain = None;
        if with_keychain {
            keychain = Keychain::start(setup.folder()).await;
            let Some(keychain) = &keychain else {
                skip(&this_test(), "gnome-keyring or D-Bus is not installed");
                return None;
            };
            setup = keychain.of(setup);
        }
        let engine = equip(setup).start().await;
        let (_, port) = engine
            .client
            .endpoint()
            .url
            .rsplit_once(':')
            .expect("the address has a port");
        Some(Self {
            port: port.parse().expect("the port is a number"),
            engine,
            repository,
            keychain,
            driver: Driver::chromium(),
            _model: model,
        })
    }

    /// A stand-in for an agent that Berth does not know: a program that reads lines and answers each;
    /// `secret` tells a variable of its environment. Returns its path.
    pub fn stand_in(&self) -> String {
        const PROGRAM: &str = r#"#!/bin/bash
if [ "$1" = --version ]; then echo "stand-in 1.2.3"; exit; fi
echo "started with $# arguments: $*"
while IFS= read -e -r -p '> ' line; do
  case "$line" in
    secret) echo "* it is ${STAND_IN_KEY:-missing}";;
    *) echo "* you said $line"; echo "-----";;
  esac
done
"#;
        let folder = self.repository.path.parent();
        let path = folder.expect("it has a parent").join("stand-in");
        std::fs::write(&path, PROGRAM).expect("it can be written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("it can be made executable");
        path.display().to_string()
    }

    /// Opens a browser with these flags beside the usual ones.
    pub async fn browser(&self, flags: &[&str]) -> Page {
        self.driver.browser(flags).await
    }

    /// Opens the UI in a browser.
    pub async fn page(&self) -> Page {
        let page = self.browser(&[]).await;
        page.open(&self.engine.page()).await;
        page
    }
}

impl Agent {
    /// What Berth calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }
}

/// Adds a project in the UI, from a page that offers it.
pub async fn add_project(page: &Page, path: &Path) {
    page.click(&id("add-project")).await;
    page.type_into(&id("project-path"), &path.display().to_string())
        .await;
    page.click(&id("add-project-confirm")).await;
    page.sees(&id("session-prompt")).await;
}

/// Starts a session in the box for new ones, and waits until its page is shown.
pub async fn start_session(page: &Page, agent: &str, message: &str) {
    page.type_into(&id("session-prompt"), message).await;
    page.click(&id("agent-picker")).await;
    page.click(&format!("[data-testid=agent-option][data-value={agent}]"))
        .await;
    page.sees(&format!("[data-testid=agent-picker][data-value={agent}]"))
        .await;
    page.click(&id("start-session")).await;
    page.sees(&id("tab-terminal")).await;
}
