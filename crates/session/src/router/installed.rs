//! Which CCRouter is installed, without running it: version 3 takes every word that it does not know
//! for a profile, and writes into the user's home when it is asked for its version.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use berth_protocol::RouterKind;
use serde::Deserialize;

use super::RouterError;
use crate::{
    agents::{self, detect},
    environment::Environment,
};

/// The package's name on npm.
const PACKAGE: &str = "@musistudio/claude-code-router";

/// Longest package.json that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// A CCRouter on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its program, `ccr`.
    pub program: PathBuf,
    /// Its version.
    pub version: String,
    /// Which of the two products it is.
    pub kind: RouterKind,
    /// The script that Node runs.
    pub(super) script: PathBuf,
    /// The Node that runs it.
    pub(super) node: PathBuf,
}

/// Looks for CCRouter and for the Node to run it with.
///
/// # Errors
/// When either is missing, or the router's version is not known, or Node is too old for it.
pub async fn find(environment: &Environment) -> Result<Installed, RouterError> {
    let found = {
        let environment = environment.clone();
        let look = move || look(&environment);
        // The task only panics if this code does.
        tokio::task::spawn_blocking(look)
            .await
            .unwrap_or(Err(RouterError::Missing))?
    };
    check_node(found, environment).await
}

/// The version of the package that a program belongs to.
pub(crate) fn version_in(program: &Path, package: &str) -> Option<String> {
    Some(manifest_of(program, package)?.1.version)
}

fn look(environment: &Environment) -> Result<Installed, RouterError> {
    let spec = agents::all()
        .iter()
        .find(|spec| spec.id.as_str() == agents::CCR);
    let program = spec.and_then(|spec| detect::locate(spec, environment));
    let program = program.ok_or(RouterError::Missing)?.path;
    let (folder, manifest) = manifest_of(&program, PACKAGE).ok_or_else(|| {
        let reason = format!("no package.json of {PACKAGE} lies around it");
        RouterError::NotAPackage {
            program: program.clone(),
            reason,
        }
    })?;
    let script = folder.join(&manifest.bin.ccr);
    if !script.is_file() {
        return Err(RouterError::NotAPackage {
            reason: format!("{} is missing", script.display()),
            program,
        });
    }
    let kind = match manifest.version.split('.').next() {
        Some("1" | "2") => RouterKind::CcrV1,
        Some("3") => RouterKind::CcrV3,
        _ => {
            return Err(RouterError::UnknownVersion {
                version: manifest.version,
                program,
            });
        }
    };
    let node = node_for(&program, environment).ok_or_else(|| RouterError::NoNode {
        program: program.clone(),
    })?;
    Ok(Installed {
        program,
        version: manifest.version,
        kind,
        script,
        node,
    })
}

/// Version managers keep a Node beside the programs that were installed with it, and what is compiled
/// in a package fits only that one.
fn node_for(program: &Path, environment: &Environment) -> Option<PathBuf> {
    let name = format!("node{}", std::env::consts::EXE_SUFFIX);
    let beside = program.parent().map(|folder| folder.join(&name));
    beside
        .filter(|node| detect::is_executable(node))
        .or_else(|| {
            let anywhere = Path::new("/");
            which::which_in("node", environment.get("PATH"), anywhere).ok()
        })
}

async fn check_node(found: Installed, environment: &Environment) -> Result<Installed, RouterError> {
    let needed = match found.kind {
        RouterKind::CcrV3 => 22,
        RouterKind::CcrV1 | RouterKind::ClaudeVertex => 20,
    };
    let said = node_version(&found.node, environment).await;
    let said = said.unwrap_or_else(|reason| reason);
    let number = said.split('.').next();
    let is_good = number.and_then(|number| number.parse::<u32>().ok());
    if is_good.is_some_and(|number| number >= needed) {
        return Ok(found);
    }
    Err(RouterError::OldNode {
        version: found.version,
        needed,
        node: found.node,
        found: said,
    })
}

/// The version of a Node, which is asked for it once as long as its file is the same.
async fn node_version(node: &Path, environment: &Environment) -> Result<String, String> {
    type Known = (PathBuf, SystemTime, String);
    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let changed = node.metadata().and_then(|file| file.modified()).ok();
    if let (Some((path, at, version)), Some(changed)) = (&*known(), changed)
        && path == node
        && *at == changed
    {
        return Ok(version.clone());
    }
    // `--version` prints a `v` before it, which is not how versions are looked for.
    let args = ["--print", "process.versions.node"].map(str::to_owned);
    let version = detect::version(node, &args, environment).await?;
    if let Some(changed) = changed {
        *known() = Some((node.to_owned(), changed, version.clone()));
    }
    Ok(version)
}

/// What is read of a package.json.
#[derive(Deserialize)]
struct Manifest {
    name: String,
    version: String,
    #[serde(default)]
    bin: Bin,
}

#[derive(Default, Deserialize)]
struct Bin {
    #[serde(default)]
    ccr: String,
}

/// The folder and the manifest of the package that a program belongs to. npm links to the script inside
/// the package; on Windows it writes a script into the folder that has the package below it.
fn manifest_of(program: &Path, package: &str) -> Option<(PathBuf, Manifest)> {
    let real = program.canonicalize().ok()?;
    let above = real.ancestors().skip(1).map(Path::to_owned);
    let around = program.parent().into_iter().flat_map(|folder| {
        ["node_modules", "../lib/node_modules", ".."]
            .map(|modules| folder.join(modules).join(package))
    });
    above.chain(around).find_map(|folder| {
        let file = folder.join("package.json");
        let small = file.metadata().is_ok_and(|meta| meta.len() <= LONGEST);
        let text = small.then(|| std::fs::read(&file).ok()).flatten()?;
        let manifest: Manifest = serde_json::from_slice(&text).ok()?;
        (manifest.name == package).then_some((folder, manifest))
    })
}

#[cfg(test)]
#[path = "installed_tests.rs"]
mod tests;
