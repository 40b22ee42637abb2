//! A user with a home of their own, who has used Claude Code, Codex and CCRouter before.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use berth_protocol::{RouterSettings, Secret, SessionId};
use berth_session::{
    environment::Environment,
    router::{self, Installed, Instance, Keys, Order, RouterError},
};
use berth_tests::{processes, programs, skip, this_test};
use tempfile::TempDir;
use uuid::Uuid;

/// What one test needs. What it started is ended with it.
pub struct Stage {
    folder: TempDir,
    before: BTreeMap<PathBuf, Vec<u8>>,
    sessions: Vec<SessionId>,
}

/// A router and the session that it belongs to.
pub struct Running {
    pub instance: Instance,
    pub session: SessionId,
    pub folder: PathBuf,
}

impl Stage {
    /// `None`, and the test counts as skipped, where one of the programs is not installed.
    pub fn set(needed: &[&str]) -> Option<Self> {
        for name in needed {
            let found = if name.starts_with("ccr") {
                programs::router(name)
            } else {
                programs::agent(name)
            };
            if found.is_none() {
                skip(&this_test(), &format!("{name} is not installed"));
                return None;
            }
        }
        let folder = programs::folder();
        let home = folder.path().join("home");
        for (file, content) in [
            (
                ".claude.json",
                r#"{"numStartups":3,"hasCompletedOnboarding":true}"#,
            ),
            (".claude/settings.json", r#"{"model":"opus"}"#),
            (".codex/config.toml", "model = \"gpt-5.5\"\n"),
            (
                ".claude-code-router/config.json",
                r#"{"PORT":3456,"APIKEY":"mine"}"#,
            ),
            (".profile", "export A=1\n"),
        ] {
            let path = home.join(file);
            fs::create_dir_all(path.parent().expect("it lies in a folder"))
                .expect("it can be made");
            fs::write(path, content).expect("it can be written");
        }
        for name in ["work", "agents"] {
            fs::create_dir(folder.path().join(name)).expect("it can be made");
        }
        Some(Self {
            before: content(&home),
            folder,
            sessions: Vec::new(),
        })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The user's environment, with one version of CCRouter on the `PATH`.
    pub fn environment(&self, version: &str) -> Environment {
        let own = self.path(&format!("bin-{version}"));
        if !own.is_dir() {
            fs::create_dir(&own).expect("it can be made");
            let program = programs::router(version).expect("it is installed");
            symlink(program, own.join("ccr")).expect("it can be linked to");
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [own]
            .into_iter()
            .chain(programs::agents_folder())
            .chain(programs::acp_folder())
            .chain(std::env::split_paths(&path).collect::<Vec<_>>());
        let path = std::env::join_paths(path).expect("the PATH can be put together");
        let mut variables: BTreeMap<OsString, OsString> = BTreeMap::new();
        let mut set = |name: &str, value: OsString| variables.insert(name.into(), value);
        set("PATH", path);
        set("HOME", self.path("home").into());
        set("LANG", "C.UTF-8".into());
        // The agents' own files are theirs to write; the home is what routers must leave alone.
        set("CLAUDE_CONFIG_DIR", self.path("agents/claude").into());
        set("CODEX_HOME", self.path("agents").into());
        set("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".into());
        set("CLAUDE_CODE_MAX_RETRIES", "0".into());
        set("ENABLE_TOOL_SEARCH", "false".into());
        set("ANTHROPIC_API_KEY", "the-users-own-key".into());
        Environment::given("the test", variables)
    }

    pub async fn installed(&self, version: &str) -> Installed {
        let found = router::find(&self.environment(version)).await;
        found.unwrap_or_else(|error| panic!("{version} is not found: {error}"))
    }

    /// Starts a router of this version.
    pub async fn start(
        &mut self,
        version: &str,
        settings: &RouterSettings,
        keys: &Keys,
    ) -> Running {
        let started = self.attempt(version, settings, keys).await;
        started.unwrap_or_else(|error| panic!("{version} does not start: {error}"))
    }

    pub async fn attempt(
        &mut self,
        version: &str,
        settings: &RouterSettings,
        keys: &Keys,
    ) -> Result<Running, RouterError> {
        let session = SessionId(Uuid::now_v7());
        self.sessions.push(session);
        let folder = self.path(&format!("routers/{session}"));
        let instance = router::start(&Order {
            session,
            folder: &folder,
            settings,
            keys,
            installed: &self.installed(version).await,
            environment: &self.environment(version),
        })
        .await?;
        Ok(Running {
            instance,
            session,
            folder,
        })
    }

    /// The user's home is as it was.
    pub fn assert_home_untouched(&self) {
        let now = content(&self.path("home"));
        let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&now), names(&self.before));
        assert!(now == self.before, "a file in the home was changed");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for session in &self.sessions {
            processes::end_all_with("BERTH_SESSION_ID", session.to_string());
        }
    }
}

impl Running {
    /// The processes of the session.
    pub fn processes(&self) -> Vec<u32> {
        processes::with("BERTH_SESSION_ID", self.session.to_string())
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.instance.port())
    }

    /// The key that the agent is given.
    pub fn key(&self) -> String {
        let route = self.instance.route();
        route.fill("{router_key}").expect("a router has a key")
    }
}

/// All files below a folder with what stands in them.
pub fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            } else {
                let content = fs::read(&path).unwrap_or_default();
                found.insert(path, content);
            }
        }
    }
    found
}

/// The key of the provider of [`settings`].
pub fn keys(key: &str) -> Keys {
    [("main".to_owned(), Secret::new(key.to_owned()))].into()
}
