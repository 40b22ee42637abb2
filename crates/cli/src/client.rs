//! The commands that speak to a running engine.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use berth_launcher::{
    StartOptions, attach_or_start, client, engine_program, probe, read_endpoint,
    stop as stop_engine,
};
use berth_protocol::{API_VERSION, AuditVerification, Endpoint, Problem};

/// Says what went wrong and what to do next.
pub fn fail(error: &dyn std::error::Error, hint: &str) -> ExitCode {
    eprintln!("berth: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  because: {cause}");
        source = cause.source();
    }
    if !hint.is_empty() {
        eprintln!("  {hint}");
    }
    ExitCode::FAILURE
}

/// The address of the UI. The token stands in the fragment, which browsers do not send.
pub fn page(endpoint: &Endpoint) -> String {
    format!("{}/#token={}", endpoint.url, endpoint.token)
}

async fn running(data_dir: &Path) -> Result<Endpoint, ExitCode> {
    match read_endpoint(data_dir) {
        Ok(Some(endpoint)) if probe(&endpoint).await => Ok(endpoint),
        Ok(_) => {
            eprintln!("berth: no engine runs for {}", data_dir.display());
            eprintln!("  Start one with `berth serve`, or open the app.");
            Err(ExitCode::FAILURE)
        }
        Err(error) => Err(fail(&error, error.hint())),
    }
}

pub async fn url(data_dir: &Path) -> ExitCode {
    match running(data_dir).await {
        Ok(endpoint) => {
            println!("{}", page(&endpoint));
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

pub async fn open(data_dir: PathBuf) -> ExitCode {
    let program = match engine_program() {
        Ok(program) => program,
        Err(error) => return fail(&error, error.hint()),
    };
    let endpoint = match attach_or_start(&StartOptions::new(program, data_dir)).await {
        Ok(endpoint) => endpoint,
        Err(error) => return fail(&error, error.hint()),
    };
    let page = page(&endpoint);
    let (program, args): (_, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else {
        ("xdg-open", &[])
    };
    let opened = Command::new(program)
        .args(args)
        .arg(&page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !opened.is_ok_and(|status| status.success()) {
        eprintln!("berth: no browser could be opened; open this address yourself:");
        println!("{page}");
    }
    ExitCode::SUCCESS
}

pub async fn status(data_dir: &Path) -> ExitCode {
    match running(data_dir).await {
        Ok(endpoint) => {
            println!(
                "engine {} runs at {} (process {})",
                endpoint.version, endpoint.url, endpoint.pid
            );
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

pub async fn stop(data_dir: &Path) -> ExitCode {
    match stop_engine(data_dir, berth_launcher::STOP_TIMEOUT).await {
        Ok(berth_launcher::Stopped::Stopped) => {
            println!("the engine has stopped");
            ExitCode::SUCCESS
        }
        Ok(berth_launcher::Stopped::NotRunning) => {
            println!("no engine was running");
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error, error.hint()),
    }
}

pub fn logs(data_dir: &Path) -> ExitCode {
    println!("{}", data_dir.join("logs").display());
    ExitCode::SUCCESS
}

pub async fn verify(data_dir: &Path) -> ExitCode {
    let endpoint = match running(data_dir).await {
        Ok(endpoint) => endpoint,
        Err(code) => return code,
    };
    match ask(&endpoint, "/audit/verify").await {
        Ok(text) => match serde_json::from_str::<AuditVerification>(&text) {
            Ok(verification) if verification.valid => {
                println!("valid: {} events", verification.checked);
                ExitCode::SUCCESS
            }
            Ok(verification) => {
                let at = verification
                    .broken_at
                    .map_or_else(String::new, |at| format!(" at event {at}"));
                eprintln!(
                    "berth: the audit trail is broken{at}; {} events were checked",
                    verification.checked
                );
                ExitCode::FAILURE
            }
            Err(error) => fail(&error, "Use a berth command of the engine's version."),
        },
        Err(code) => code,
    }
}

async fn ask(endpoint: &Endpoint, path: &str) -> Result<String, ExitCode> {
    let url = format!("{}/api/{API_VERSION}{path}", endpoint.url);
    let failed = |error: reqwest::Error| fail(&error, "Look at the engine's log: `berth logs`.");
    let response = client()
        .get(url)
        .bearer_auth(&endpoint.token)
        .send()
        .await
        .map_err(failed)?;
    let success = response.status().is_success();
    let text = response.text().await.map_err(failed)?;
    if success {
        return Ok(text);
    }
    match serde_json::from_str::<Problem>(&text) {
        Ok(problem) => Err(fail(&problem, problem.hint.as_deref().unwrap_or_default())),
        Err(error) => Err(fail(&error, "Look at the engine's log: `berth logs`.")),
    }
}
