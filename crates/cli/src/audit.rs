//! `berth audit`: the audit trail checked, taken along as a file, and such a file proved by itself.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use berth_protocol::OrganizationId;
use berth_trail::{Begins, Chain, Fault, LONGEST_LINE, Proof, Proved};
use clap::{Args, Subcommand};

use crate::{
    api::{Api, ApiError},
    client::{self, fail},
};

/// The file in words, for whoever reads the help.
const FORM: &str = "\
The file is NDJSON: a JSON object on each line, UTF-8, lines end with a line feed. First come the events in \
their order, with exactly the fields that are hashed, their own hash and that of the event before; times are \
milliseconds since 1970, `details` is the text of a JSON object. The last line is {\"manifest\":{…}}: `format` \
(berth.audit.1), `chain` (local or organization), `org_id`, `filter` (empty when all events are there), `count`, \
first and last `seq` and `hash`, `until_seq` and `head_hash` (the end of the chain when the export began), \
`exported_at`, and `sha256` of all lines before it. A file without it is not whole.

The proof shows that the events are those that were hashed, in their order and, unless a filter has chosen them, \
without a gap between the first and the last that are there. The manifest is not signed: that events were cut off \
in front or at the end together with a new manifest, or that a chain was written anew as a whole, is shown by \
comparing the hash in front and the last one with those that the organization, or somebody else, has kept.";

#[derive(Subcommand)]
pub enum Audit {
    /// Check that no event was changed or removed: in the running engine, or in a file, which needs neither
    /// engine nor network
    #[command(after_long_help = FORM)]
    Verify(Verify),
    /// Write the audit trail of this machine, or of an organization, into a file that proves itself; starts the
    /// engine when none runs
    #[command(after_long_help = FORM)]
    Export(Export),
}

#[derive(Args)]
pub struct Verify {
    /// Prove this file, which `berth audit export` or the app has written; - reads it from the standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Args)]
pub struct Export {
    /// The trail of this organization; whoever is signed in must be its admin
    #[arg(long, value_name = "ID")]
    org: Option<OrganizationId>,
    /// Where; a file of this name is replaced when all has arrived. Without it, the standard output
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
enum AuditError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("{path} cannot be {done}")]
    File {
        path: PathBuf,
        done: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("the trail cannot be written")]
    Output(#[source] io::Error),
    #[error("the export broke off")]
    BrokeOff(#[source] reqwest::Error),
    #[error("{path} proves nothing: {fault}{}", first(.fault))]
    Fault { path: PathBuf, fault: Fault },
}

/// Which event is the first that does not fit, where the fault itself does not name it.
fn first(fault: &Fault) -> String {
    match (fault, fault.seq()) {
        (Fault::NotUnderstood { .. } | Fault::NoManifest { .. }, Some(seq)) => {
            format!("; event {seq} would come there")
        }
        _ => String::new(),
    }
}

impl AuditError {
    fn hint(&self) -> &str {
        match self {
            Self::Api(error) => error.hint(),
            Self::File { .. } | Self::Output(_) => "Check the path and its permissions.",
            Self::BrokeOff(_) => "Try again; `berth logs` says where the engine tells why.",
            Self::Fault { .. } => "It was changed after the export, or has not arrived whole.",
        }
    }
}

pub async fn audit(data_dir: PathBuf, command: Audit) -> ExitCode {
    let done = match command {
        Audit::Verify(Verify { file: None }) => return client::verify(&data_dir).await,
        Audit::Verify(Verify { file: Some(file) }) => verify(&file),
        Audit::Export(wanted) => export(data_dir, wanted).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, error.hint()),
    }
}

fn verify(path: &Path) -> Result<(), AuditError> {
    let proved = match path.to_str() {
        Some("-") => prove(path, io::stdin().lock()),
        _ => {
            let file = File::open(path).map_err(at(path, "read"))?;
            prove(path, BufReader::new(file))
        }
    };
    println!("{}", said(&proved?));
    Ok(())
}

fn prove(path: &Path, mut from: impl BufRead) -> Result<Proved, AuditError> {
    let wrong = |fault| AuditError::Fault {
        path: path.to_owned(),
        fault,
    };
    let mut proof = Proof::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        // One byte more than the longest line and its end: then it is too long.
        let mut part = from.by_ref().take(LONGEST_LINE as u64 + 2);
        let read = part
            .read_until(b'\n', &mut line)
            .map_err(at(path, "read"))?;
        if read == 0 {
            return proof.end().map_err(wrong);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        proof.line(&line).map_err(wrong)?;
    }
}

/// What was proved, on one line.
fn said(proved: &Proved) -> String {
    let manifest = &proved.manifest;
    let whose = match (manifest.chain, &manifest.org_id) {
        (Chain::Organization, Some(org)) => format!("organization {}", org.escape_debug()),
        _ => "this or another machine".to_owned(),
    };
    let (Some(first), Some(last), Some(hash)) =
        (manifest.first_seq, manifest.last_seq, &manifest.last_hash)
    else {
        return match (manifest.until_seq, &manifest.head_hash) {
            (Some(until), Some(head)) => {
                format!(
                    "valid: no events of {whose}; its chain is said to end at {until} with the hash {head}"
                )
            }
            _ => format!("valid: no events of {whose}"),
        };
    };
    let from = match &proved.begins {
        Begins::AtFirst => "all from the first on".to_owned(),
        Begins::Behind { seq, hash } => {
            format!(
                "all behind event {seq} with the hash {}, which is for the organization to show that it has retired",
                hash.escape_debug()
            )
        }
        Begins::Chosen => format!(
            "chosen by {}, so that others may lie between them",
            serde_json::Value::Object(manifest.filter.clone())
        ),
    };
    let count = proved.count;
    format!("valid: {count} events of {whose}, {first} to {last}, {from}; last hash {hash}")
}

async fn export(data_dir: PathBuf, wanted: Export) -> Result<(), AuditError> {
    let api = Api::start(data_dir).await?;
    let path = match wanted.org {
        Some(org) => format!("/org/organizations/{org}/audit/export"),
        None => "/audit/export".to_owned(),
    };
    let answer = api.download(&path).await?;
    let Some(file) = wanted.file else {
        return written(answer, io::stdout(), AuditError::Output).await;
    };
    // What breaks off never has the name of a whole file.
    let mut part = file.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let into = File::create(&part).map_err(at(&part, "written"))?;
    let done = written(answer, into, at(&part, "written")).await;
    let done = done.and_then(|()| fs::rename(&part, &file).map_err(at(&file, "written")));
    if done.is_err() {
        // It says nothing that anybody needs.
        let _ = fs::remove_file(&part);
    }
    done?;
    eprintln!("{}", file.display());
    Ok(())
}

async fn written(
    mut answer: reqwest::Response,
    mut into: impl Write,
    failed: impl Fn(io::Error) -> AuditError,
) -> Result<(), AuditError> {
    while let Some(bytes) = answer.chunk().await.map_err(AuditError::BrokeOff)? {
        into.write_all(&bytes).map_err(&failed)?;
    }
    into.flush().map_err(&failed)
}

fn at(path: &Path, done: &'static str) -> impl Fn(io::Error) -> AuditError {
    let path = path.to_owned();
    move |source| AuditError::File {
        path: path.clone(),
        done,
        source,
    }
}
