//! What cargo knows of this workspace: where it is, where it builds to, and its members.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use crate::process::{self, ProcessError};

#[derive(Debug, thiserror::Error)]
pub(crate) enum RepositoryError {
    #[error("cargo cannot describe this workspace")]
    Metadata(#[source] ProcessError),
    #[error("cargo's description of this workspace is not understood")]
    Format(#[from] serde_json::Error),
}

/// This workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Repository {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    #[serde(rename = "packages")]
    pub(crate) members: Vec<Member>,
}

/// A package of this workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) targets: Vec<Target>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// Something that cargo builds from a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

/// A dependency as a manifest declares it, also when it is optional or for one platform only.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// None for a normal one, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

impl Repository {
    /// Asks cargo about the workspace that xtask is part of.
    pub(crate) fn open() -> Result<Self, RepositoryError> {
        // Set by `cargo run`; the folder of compilation is stale once a checkout has moved.
        let own = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = own.parent().unwrap_or(Path::new("."));
        let text = process::read(process::cargo().current_dir(root).args([
            "metadata",
            "--format-version=1",
            "--no-deps",
        ]))
        .map_err(RepositoryError::Metadata)?;
        Ok(serde_json::from_str(&text)?)
    }

    /// `cargo`, in the workspace's folder.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = process::cargo();
        command.current_dir(&self.root);
        command
    }

    /// Where the debug build of a program is.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.built("debug", name)
    }

    /// Where the build of a program is as it is shipped.
    pub(crate) fn release_binary(&self, name: &str) -> PathBuf {
        self.built("release", name)
    }

    fn built(&self, profile: &str, name: &str) -> PathBuf {
        let file = format!("{name}{}", env::consts::EXE_SUFFIX);
        self.target.join(profile).join(file)
    }

    /// Whether some member builds this program.
    pub(crate) fn builds(&self, program: &str) -> bool {
        self.members
            .iter()
            .any(|member| member.targets_of("bin").any(|name| name == program))
    }
}

impl Member {
    /// The names of its targets of one kind: `lib`, `bin`, `test`, …
    pub(crate) fn targets_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.targets
            .iter()
            .filter(move |target| target.kind.iter().any(|own| own == kind))
            .map(|target| target.name.as_str())
    }
}
