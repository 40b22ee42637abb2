//! One recording: the agent on a terminal of Berth's, with a home and a provider of its own.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use berth_model_server::{ModelServer, Script};
use berth_protocol::{AgentId, SessionId, Transport};
use berth_session::{
    agents::{self, LaunchError, Order, Spec, detect},
    environment::Environment,
    live::{self, SessionEvent, Start},
    process::{GRACE, Reaper},
    pty::{Launch, PtyError},
    router::{Instance, Route, RouterError},
};
use berth_tests::{Repository, Setup, agents as known, programs};
use uuid::Uuid;

use crate::{
    drive::{self, DriveError, Driver},
    router,
    scenario::{self, Scenario},
    scrub::{Scrub, USER},
};

/// Where homes are made: its path is as long as what stands for it in recordings, and Codex does not
/// want its workspace below `/tmp`.
const HOMES: &str = "/var/tmp";

/// Letters of a home's name.
const NAME: usize = USER.len();

/// Name of the project's folder.
const PROJECT: &str = "demo";

/// Why something was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error("there is no agent {0}")]
    Unknown(String),
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error(transparent)]
    Pty(#[from] PtyError),
    #[error(transparent)]
    Drive(#[from] DriveError),
    #[error("{what}: {source}")]
    Io {
        what: &'static str,
        source: io::Error,
    },
    #[error("the model server does not start: {0}")]
    Model(#[from] berth_model_server::StartError),
    #[error("the recording still says {0:?}, which is of this machine")]
    Telling(String),
    #[error(transparent)]
    Router(#[from] RouterError),
    #[error("nothing was recorded")]
    Nothing,
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> StageError {
    move |source| StageError::Io { what, source }
}

/// The data of an agent.
pub fn spec(agent: &str) -> Result<&'static Spec, StageError> {
    let unknown = || StageError::Unknown(agent.to_owned());
    let id: AgentId = agent.parse().map_err(|_| unknown())?;
    agents::find(&id).ok_or_else(unknown)
}

/// The version of an agent that is installed.
pub async fn version(spec: &Spec) -> Option<String> {
    let setup = surroundings(spec, Setup::new()).ok()?;
    let environment = Environment::given("the recording", setup.variables());
    let found = detect::locate(spec, &environment)?;
    let asked = detect::version_of(spec, &found.path, &environment).await;
    Some(asked.unwrap_or_else(|_| "of an unknown version".to_owned()))
}

/// What an agent needs besides the others' programs.
fn surroundings(spec: &Spec, setup: Setup) -> io::Result<Setup> {
    if spec.needs_router {
        router::installed(setup)
    } else {
        Ok(setup)
    }
}

/// Records a scenario into a file, which is replaced.
pub async fn record(
    spec: &'static Spec,
    version: &str,
    scenario: &Scenario,
    into: &Path,
) -> Result<(), StageError> {
    let mut script = Script::default();
    if let Some(pause) = scenario.pause_ms() {
        script.pause = Duration::from_millis(pause);
    }
    let model = ModelServer::start(script)?;
    let base = Path::new(HOMES);
    let base = if base.is_dir() {
        base.to_owned()
    } else {
        env::temp_dir()
    };
    let home = tempfile::Builder::new()
        .prefix("")
        .rand_bytes(NAME)
        .tempdir_in(base)
        .map_err(failed("the agent's home cannot be made"))?;
    let home_path = home.path().canonicalize();
    let home_path = home_path.map_err(failed("the agent's home is not there"))?;
    let repository = Repository::empty(&home_path.join(PROJECT));
    repository.commit("README.md", "# Demo\n");
    let project = repository.path;
    let setup = Setup::new();
    for file in [".bashrc", ".gitconfig"] {
        fs::copy(setup.home().join(file), home_path.join(file))
            .map_err(failed("the agent's home cannot be written"))?;
    }
    let trusted = if scenario.is_trusted() {
        project.clone()
    } else {
        home_path.join("other")
    };
    let setup = surroundings(spec, setup).map_err(failed("the router cannot be linked to"))?;
    let setup = known::configure(setup, &model, &trusted)
        .variable("HOME", &home_path)
        .variable("USER", USER)
        .variable("LOGNAME", USER);
    let words = BTreeMap::from([
        ("project", project.display().to_string()),
        ("trusted", trusted.display().to_string()),
        ("home", home_path.display().to_string()),
        ("model_url", model.base_url()),
        ("openai_url", model.openai_url()),
    ]);
    merge_files(&setup, scenario, &words)?;

    let folder = setup.folder().to_owned();
    let raw = folder.join("recording.cast");
    let id = SessionId(Uuid::now_v7());
    let router = match spec.needs_router {
        true => Some(router::start(id, &setup, &model).await?),
        false => None,
    };
    let route = router.as_ref().map(Instance::route);
    let launch = launch(id, spec, scenario, &setup, (&project, route), &words)?;
    let title = format!(
        "{} {version}{}: {}",
        spec.id, scenario.variant, scenario.title
    );
    let start = Start {
        id,
        run: 1,
        launch,
        rules: Arc::clone(&spec.screen),
        recording: Some(raw.clone()),
        follow_output: false,
        shows_earlier: false,
        router,
        title: scenario.expand(&title, &words),
        reaper: Reaper::start(),
        grace: GRACE,
    };
    let (session, mut events) = live::start(start)?;
    let outcome = match session.view().await {
        Ok(view) => Driver::new(&session, view, scenario, &words).run().await,
        Err(_) => Err(DriveError::Ended("anything was seen".to_owned())),
    };
    session.stop().await;
    while let Some(event) = events.recv().await {
        if let SessionEvent::Ended { .. } = event {
            break;
        }
    }
    let printed = outcome?;
    let bin = programs::agents_folder();
    let modules = bin.as_deref().and_then(Path::parent);
    let folders: Vec<&Path> = bin.as_deref().into_iter().chain(modules).collect();
    let scrub = Scrub::new(&home_path, &folder, &folders);
    let text = fs::read_to_string(&raw).map_err(failed("the recording cannot be read"))?;
    let text = finished(&text, printed, &scrub)?;
    if let Some(folder) = into.parent() {
        fs::create_dir_all(folder).map_err(failed("the folder of recordings cannot be made"))?;
    }
    fs::write(into, text).map_err(failed("the recording cannot be written"))
}

/// What the scenario wants to be otherwise in the agents' configuration.
fn merge_files(
    setup: &Setup,
    scenario: &Scenario,
    words: &BTreeMap<&str, String>,
) -> Result<(), StageError> {
    for (name, more) in &scenario.setting.merge {
        let path = setup.folder().join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|_| "{}".to_owned());
        let not_json = |error: serde_json::Error| StageError::Io {
            what: "a file of the agents' configuration is no JSON",
            source: error.into(),
        };
        let mut value = serde_json::from_str(&text).map_err(not_json)?;
        let more = scenario.expand(&more.to_string(), words);
        let more = serde_json::from_str(&more).map_err(not_json)?;
        scenario::merge(&mut value, &more);
        fs::write(&path, value.to_string())
            .map_err(failed("the agents' configuration cannot be written"))?;
    }
    Ok(())
}

/// What is started: the agent as Berth starts it, with what the scenario changes.
fn launch(
    id: SessionId,
    spec: &Spec,
    scenario: &Scenario,
    setup: &Setup,
    (project, route): (&Path, Option<&Route>),
    words: &BTreeMap<&str, String>,
) -> Result<Launch, StageError> {
    let environment = Environment::given("the recording", setup.variables());
    let order = Order {
        session: id,
        workspace: project,
        size: drive::size(scenario.size())?,
        transport: Transport::Pty,
        permission_mode: None,
        command: None,
        agent_session: &Uuid::new_v4().to_string(),
        resume: false,
        injection: agents::injection::Injection::default(),
        private: project,
        secrets: &BTreeMap::new(),
        router: route,
    };
    let mut launch = agents::plan(spec, &order, &environment)?.launch;
    let setting = &scenario.setting;
    let left_out = |arg: &OsString| setting.without_args.iter().any(|name| arg == name.as_str());
    launch.args.retain(|arg| !left_out(arg));
    let args = setting.args.iter();
    launch
        .args
        .extend(args.map(|arg| scenario.expand(arg, words).into()));
    for name in &setting.without {
        launch.env.remove(&OsString::from(name));
    }
    for (name, value) in &setting.env {
        let value = scenario.expand(value, words);
        launch.env.insert(name.into(), value.into());
    }
    Ok(launch)
}

/// The recording without what came after the scenario's end and what tells of this machine.
fn finished(text: &str, printed: Option<u64>, scrub: &Scrub) -> Result<String, StageError> {
    let mut lines = text.lines();
    let header = lines.next().ok_or(StageError::Nothing)?;
    let mut events: Vec<(f64, String, String)> = Vec::new();
    let mut left = printed.unwrap_or(u64::MAX);
    for line in lines {
        let Ok(event) = serde_json::from_str::<(f64, String, String)>(line) else {
            break;
        };
        if event.1 == "o" {
            let length = event.2.len() as u64;
            if length > left {
                break;
            }
            left -= length;
        }
        events.push(event);
    }
    let outputs: Vec<String> = events
        .iter()
        .map(|(_, kind, data)| {
            if kind == "o" {
                data.clone()
            } else {
                String::new()
            }
        })
        .collect();
    let scrubbed = scrub.pieces(&outputs);
    if let Some(name) = scrub.left(&scrubbed) {
        return Err(StageError::Telling(name.to_owned()));
    }
    if scrubbed.iter().all(String::is_empty) {
        return Err(StageError::Nothing);
    }
    let mut finished = format!("{header}\n");
    for ((time, kind, data), scrubbed) in events.iter().zip(&scrubbed) {
        let data = if kind == "o" { scrubbed } else { data };
        let data = serde_json::Value::from(data.as_str());
        finished.push_str(&format!("[{time:.6},\"{kind}\",{data}]\n"));
    }
    Ok(finished)
}

/// Where the recordings of an agent go: below `into`, else beside its data.
pub fn place(agents: &Path, into: Option<&Path>, agent: &str, scenario: &str) -> PathBuf {
    let folder = match into {
        Some(into) => into.join(agent),
        None => agents.join(agent).join("recordings"),
    };
    folder.join(format!("{scenario}.cast"))
}
