//! From settings to a router that answers: its folder, its environment, its ports and its first health
//! check.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use berth_protocol::{FieldProblem, RouterKind, RouterSettings, Secret};
use tokio::time::Instant;

use super::{
    Keys, Order, RouterError,
    config::{self, KEY_VARIABLE, Ports, Surroundings},
    folder::Folder,
    health,
    process::Process,
    route,
};
use crate::{environment::Environment, process::SESSION_VARIABLE};

/// How long a router may take until it answers. It is about a second; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_secs(45);

/// How often a router that is being started is asked. Nothing tells when it listens.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// How often another port is tried.
const PORTS_TRIED: u32 = 5;

/// How long the port of a router that was killed may stay taken by what is left of it.
const PORT_FREES_WITHIN: Duration = Duration::from_secs(2);

/// Variables that a router gets from the user's environment: where programs are, which language they
/// speak, and how the network is reached.
const PASSED_ON: &[&str] = &[
    "PATH",
    "LANG",
    "LC_ALL",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    // Without these no program starts on Windows.
    "SystemRoot",
    "ComSpec",
    "PATHEXT",
];

/// How to start one router, again and again.
pub struct Launch {
    /// The Node that runs it.
    pub node: PathBuf,
    /// Its script and what to say to it.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: BTreeMap<OsString, OsString>,
    /// Its folder.
    pub folder: Folder,
    /// Where agents reach it.
    pub port: u16,
    /// What tells it from others that answer at the port.
    pub mark: String,
    /// What must not be told of what it prints.
    pub secrets: Arc<[Secret]>,
}

/// Starts a router at a port of its own.
pub async fn first(order: &Order<'_>, key: &Secret) -> Result<(Launch, Process), RouterError> {
    let settings = order.settings;
    if settings.kind == RouterKind::ClaudeVertex {
        return Err(RouterError::NoProcess(settings.kind));
    }
    let problems = problems(settings, order.keys);
    if !problems.is_empty() {
        return Err(RouterError::Invalid(problems));
    }
    if order.installed.kind != settings.kind {
        return Err(RouterError::OtherVersion {
            wanted: settings.kind,
            found: order.installed.version.clone(),
            program: order.installed.program.clone(),
        });
    }
    let mut error = RouterError::PortsTaken(PORTS_TRIED);
    for _ in 0..PORTS_TRIED {
        match attempt(order, key).await {
            Ok(started) => return Ok(started),
            // Somebody was quicker; what the router has written names the port.
            Err(RouterError::PortTaken(_)) => {}
            Err(other) => {
                error = other;
                break;
            }
        }
    }
    // What went wrong says more than what goes wrong while tidying up.
    let _ = Folder::at(order.folder).remove();
    Err(error)
}

async fn attempt(order: &Order<'_>, key: &Secret) -> Result<(Launch, Process), RouterError> {
    let ports = free_ports().map_err(RouterError::NoPort)?;
    let launch = prepare(order, key, ports)?;
    let process = launch.start().await?;
    Ok((launch, process))
}

/// What is wrong with the settings, and which keys are missing.
fn problems(settings: &RouterSettings, keys: &Keys) -> Vec<FieldProblem> {
    let mut problems = settings.validate();
    for (index, provider) in settings.providers.iter().enumerate() {
        let key = keys.get(&provider.name).map(Secret::expose);
        let message = match key {
            None if provider.needs_key() => {
                format!("The key of {} is missing.", provider.name)
            }
            // It becomes a header, where these would end it.
            Some(key) if key.is_empty() || key.chars().any(char::is_control) => {
                format!("The key of {} is empty or not a key.", provider.name)
            }
            _ => continue,
        };
        problems.push(FieldProblem {
            field: format!("providers[{index}]"),
            message,
        });
    }
    problems
}

fn prepare(order: &Order, key: &Secret, ports: Ports) -> Result<Launch, RouterError> {
    let settings = order.settings;
    let folder = Folder::make(order.folder)?;
    let proxy = ["HTTPS_PROXY", "https_proxy"]
        .into_iter()
        .find(|name| order.environment.get(name).is_some());
    let key_of = |index: usize| order.keys.get(&settings.providers.get(index)?.name);
    folder.write_config(&config::of(
        settings,
        &Surroundings {
            ports,
            has_key: &|index| key_of(index).is_some(),
            vertex_sse: &folder.vertex_sse(),
            proxy,
        },
    ))?;
    let mark = random();
    let mut env = environment(order.environment, &folder);
    let mut set = |name: &str, value: OsString| env.insert(name.into(), value);
    set(SESSION_VARIABLE, order.session.to_string().into());
    set("BERTH_ROUTER_PORT", ports.router.to_string().into());
    set("BERTH_ROUTER_MARK", mark.clone().into());
    set("BERTH_ROUTER_FOLDER", folder.path().into());
    set("NODE_OPTIONS", preloading(&folder).into());
    set(KEY_VARIABLE, key.expose().into());
    let mut secrets = vec![key.clone()];
    for index in 0..settings.providers.len() {
        if let Some(key) = key_of(index) {
            set(&config::key_variable(index), key.expose().into());
            secrets.push(key.clone());
        }
    }
    let mut args = vec![OsString::from(&order.installed.script)];
    if settings.kind == RouterKind::CcrV3 {
        // `start` would leave a process of its own behind and end.
        let page = ports.page.to_string();
        args.extend(["serve", "--host", "127.0.0.1", "--port", &page, "--no-open"].map(Into::into));
        let token = Secret::new(random());
        set("CCR_WEB_AUTH_TOKEN", token.expose().into());
        // It prints the token as a part of an address.
        secrets.push(token);
    } else {
        args.push("start".into());
    }
    if let Some(vertex) = &settings.vertex {
        set("GOOGLE_CLOUD_PROJECT", vertex.project.clone().into());
        set("GOOGLE_CLOUD_LOCATION", vertex.location.clone().into());
        if let Some(path) = route::credentials(vertex, order.environment)? {
            set("GOOGLE_APPLICATION_CREDENTIALS", path.into());
        }
    }
    Ok(Launch {
        node: order.installed.node.clone(),
        args,
        env,
        folder,
        port: ports.router,
        mark,
        secrets: secrets.into(),
    })
}

impl Launch {
    /// Starts the router and waits until it answers. The port must be free.
    pub async fn start(&self) -> Result<Process, RouterError> {
        self.folder.forget_last_run();
        if !port_is_free(self.port).await {
            return Err(RouterError::PortTaken(self.port));
        }
        let mut process = Process::spawn(self)?;
        let waited = {
            let ended = async {
                let status = process.ended().await;
                if self.folder.port_was_taken() {
                    return Err(RouterError::PortTaken(self.port));
                }
                Err(RouterError::Ended {
                    status,
                    said: String::new(),
                })
            };
            tokio::select! {
                ended = ended => ended,
                answers = self.wait_for_answer() => answers,
            }
        };
        match waited {
            Ok(()) => Ok(process),
            Err(mut error) => {
                let tail = process.tail.clone();
                process.stop().await;
                if let RouterError::Ended { said, .. } | RouterError::Silent { said, .. } =
                    &mut error
                {
                    *said = tail.text();
                }
                Err(error)
            }
        }
    }

    /// Whether the router answers now.
    pub async fn answers(&self) -> bool {
        health::answers(self.port, &self.mark).await
    }

    async fn wait_for_answer(&self) -> Result<(), RouterError> {
        let answers = async {
            loop {
                // Version 3 goes on without its port.
                if self.folder.port_was_taken() {
                    return Err(RouterError::PortTaken(self.port));
                }
                if self.answers().await {
                    return Ok(());
                }
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        let silent = || RouterError::Silent {
            seconds: PATIENCE.as_secs(),
            said: String::new(),
        };
        let in_time = tokio::time::timeout(PATIENCE, answers).await;
        in_time.unwrap_or_else(|_| Err(silent()))
    }
}

fn environment(user: &Environment, folder: &Folder) -> BTreeMap<OsString, OsString> {
    let passed_on = PASSED_ON
        .iter()
        .filter_map(|name| Some((OsString::from(name), user.get(name)?.to_owned())));
    let home = folder.home();
    let temporary = folder.temporary();
    let own = [
        ("HOME", &home),
        ("TMPDIR", &temporary),
        ("USERPROFILE", &home),
        ("APPDATA", &home),
        ("LOCALAPPDATA", &home),
        ("TEMP", &temporary),
        ("TMP", &temporary),
    ];
    let own = own.map(|(name, path)| (OsString::from(name), path.clone().into()));
    // The last five are what Windows has in place of the first two.
    let own = own.into_iter().take(if cfg!(windows) { 7 } else { 2 });
    passed_on.chain(own).collect()
}

/// Node splits the variable at blanks outside of quotation marks.
fn preloading(folder: &Folder) -> String {
    let path = folder.preload().display().to_string();
    let path = path.replace('\\', "\\\\").replace('"', "\\\"");
    format!("--require=\"{path}\"")
}

/// Ports that nobody has at this moment.
fn free_ports() -> io::Result<Ports> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    // All are held until all are known, so that no two are the same.
    let held = [bind()?, bind()?, bind()?];
    let port = |index: usize| Ok::<_, io::Error>(held[index].local_addr()?.port());
    Ok(Ports {
        router: port(0)?,
        core: port(1)?,
        page: port(2)?,
    })
}

/// Whether the port can be had, soon if not at once: of a router that was killed something may live on
/// for a moment.
async fn port_is_free(port: u16) -> bool {
    let deadline = Instant::now() + PORT_FREES_WITHIN;
    loop {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// 32 bytes of the system's randomness as hexadecimal digits.
pub fn random() -> String {
    let bytes: [u8; 32] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
