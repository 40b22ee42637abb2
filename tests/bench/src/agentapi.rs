//! coder/agentapi beside Berth, where its program is on the `PATH`: how soon it says that an answer is
//! complete.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::{Child, Command};

use crate::player::{Player, now};

/// The name of its program.
const PROGRAM: &str = "agentapi";

/// How long a replay may take beyond its recording, and how long the program may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is tried whether it listens; nothing tells.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// Agents that it has a type for, among those that are recorded.
const TYPES: [&str; 6] = ["aider", "claude", "codex", "gemini", "goose", "opencode"];

/// Where it is.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut folders = std::env::split_paths(&path);
    folders
        .by_ref()
        .map(|folder| folder.join(PROGRAM))
        .find(|program| program.is_file())
}

/// Replays a recording to it; returns how many milliseconds after the end of the answer it says `stable`
/// for good. Nothing for an agent that it has no type for.
pub async fn replayed(program: &Path, agent: &str, player: &Player) -> Option<Result<f64, String>> {
    if !TYPES.contains(&agent) {
        return None;
    }
    Some(measured(program, agent, player).await)
}

async fn measured(program: &Path, agent: &str, player: &Player) -> Result<f64, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| text(&error))?;
    let port = free.local_addr().map_err(|error| text(&error))?.port();
    drop(free);
    let mut child: Child = Command::new(program)
        .args(["server", "--type", agent, "--port", &port.to_string(), "--"])
        .args(["/bin/sh", "-c", "stty raw -echo; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().map_err(|error| text(&error))?)
        .args(player.arguments())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| text(&error))?;
    let mut stable = None;
    let followed = tokio::time::timeout(PATIENCE * 2, follow(port, &mut stable)).await;
    // It may have ended with the recording.
    let _ = child.kill().await;
    if let Ok(Err(error)) = followed
        && stable.is_none()
    {
        return Err(error);
    }
    let ended = player.marked().ok_or("it did not play to the end")?;
    match stable {
        Some(at) if at >= ended => Ok(at - ended),
        Some(at) => Err(format!("stable was said {:.0} ms too early", ended - at)),
        None => Err("stable was not said".to_owned()),
    }
}

/// Notes when it says that the agent is stable, until it ends.
async fn follow(port: u16, stable: &mut Option<f64>) -> Result<(), String> {
    let url = format!("http://127.0.0.1:{port}/events");
    let listening = async {
        loop {
            match reqwest::get(&url).await {
                Ok(response) => return response,
                Err(_) => tokio::time::sleep(TRY_AGAIN).await,
            }
        }
    };
    let response = tokio::time::timeout(PATIENCE, listening).await;
    let mut response = response.map_err(|_| "it does not listen".to_owned())?;
    let mut rest = String::new();
    while let Some(bytes) = response.chunk().await.map_err(|error| error.to_string())? {
        rest.push_str(&String::from_utf8_lossy(&bytes));
        while let Some((line, more)) = rest.split_once('\n') {
            let status = line
                .strip_prefix("data:")
                .and_then(|data| serde_json::from_str::<serde_json::Value>(data).ok())
                .and_then(|data| data["status"].as_str().map(str::to_owned));
            match status.as_deref() {
                Some("stable") => {
                    // Told again, it is no later.
                    stable.get_or_insert(now());
                }
                Some("running") => *stable = None,
                _ => {}
            }
            rest = more.to_owned();
        }
    }
    Ok(())
}
