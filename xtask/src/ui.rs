//! `cargo xtask ui`: builds the UI into ui/dist.

use std::path::PathBuf;

use berth_ui_build::{Options, Profile};
use clap::Args;

use crate::{
    Error,
    repository::Repository,
    setup::{self, Needs},
};

#[derive(Args)]
pub(crate) struct UiArgs {
    /// Small, as it is shipped; the default
    #[arg(long, conflicts_with = "dev")]
    release: bool,
    /// Quick to build
    #[arg(long)]
    dev: bool,
}

/// Builds the UI after installing what that takes.
pub(crate) fn run(repository: &Repository, args: &UiArgs) -> Result<(), Error> {
    setup::ensure(Needs::default())?;
    let profile = if args.dev && !args.release {
        Profile::Dev
    } else {
        Profile::Release
    };
    let folder = build(repository, profile)?;
    println!("{}", folder.display());
    Ok(())
}

/// Builds the UI where something changed and returns the folder it is in.
pub(crate) fn build(repository: &Repository, profile: Profile) -> Result<PathBuf, Error> {
    let built = berth_ui_build::build(&Options {
        root: repository.root.clone(),
        profile,
        target_dir: Some(repository.target.clone()),
    })?;
    if built.rebuilt {
        println!("built the UI in {}", built.dist.display());
    }
    println!("{}", built.size);
    Ok(built.dist)
}
