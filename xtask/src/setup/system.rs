//! Finds the packages that are missing; installs them on Debian and Ubuntu, names them elsewhere.

use std::{env, fs, path::PathBuf, process::Command};

use crate::{
    process::{self, ProcessError},
    setup::packages::{Group, PACKAGES, Package, Program},
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum SystemError {
    #[error("the package manager failed")]
    Manager(#[from] ProcessError),
    #[error("this machine lacks something; install it and start again:\n\n    {0}\n")]
    Install(String),
    #[error(
        "this machine lacks something and there is no sudo to install it with; as root, run:\n\n    {0}\n"
    )]
    NotRoot(String),
    #[error("still missing after the installation: {}", .0.join(" "))]
    StillMissing(Vec<String>),
    #[error("this system's packages are not known; install what Debian calls: {}", .0.join(" "))]
    UnknownSystem(Vec<&'static str>),
}

/// A family of systems that install packages alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    Debian,
    Ubuntu,
    Fedora,
    Arch,
    Mac,
    Windows,
    OtherLinux,
}

/// Makes sure that the packages of these groups are installed.
pub(super) fn ensure(groups: &[Group]) -> Result<(), SystemError> {
    let wanted = || {
        PACKAGES
            .iter()
            .filter(|package| groups.contains(&package.group))
    };
    match System::here() {
        System::Debian => apt(&names(wanted(), |package| package.debian)),
        System::Ubuntu => apt(&names(wanted(), |package| {
            package.ubuntu.unwrap_or(package.debian)
        })),
        System::Fedora => dnf(&names(wanted(), |package| package.fedora)),
        System::Arch => pacman(&names(wanted(), |package| package.arch)),
        System::Mac => programs(wanted().filter_map(|package| package.mac.as_ref())),
        System::Windows => programs(wanted().filter_map(|package| package.windows.as_ref())),
        // Whether they are there cannot be asked, so a present compiler has to be proof enough.
        System::OtherLinux if on_path("pkg-config").is_some() => Ok(()),
        System::OtherLinux => Err(SystemError::UnknownSystem(names(wanted(), |package| {
            package.debian
        }))),
    }
}

impl System {
    fn here() -> Self {
        if cfg!(target_os = "macos") {
            return Self::Mac;
        }
        if cfg!(windows) {
            return Self::Windows;
        }
        Self::of_release(&fs::read_to_string("/etc/os-release").unwrap_or_default())
    }

    /// Reads os-release(5): `ID` first, then what the system says it is like.
    fn of_release(release: &str) -> Self {
        let field = |name: &str| {
            release
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or_default()
                .trim_matches(['"', '\''])
        };
        [field("ID"), field("ID_LIKE")]
            .into_iter()
            .flat_map(str::split_whitespace)
            .find_map(|id| match id {
                "ubuntu" => Some(Self::Ubuntu),
                "debian" => Some(Self::Debian),
                "fedora" | "rhel" | "centos" => Some(Self::Fedora),
                "arch" => Some(Self::Arch),
                _ => None,
            })
            .unwrap_or(Self::OtherLinux)
    }
}

fn names(
    packages: impl Iterator<Item = &'static Package>,
    name: impl Fn(&Package) -> &'static str,
) -> Vec<&'static str> {
    packages.map(name).filter(|name| !name.is_empty()).collect()
}

fn apt(wanted: &[&str]) -> Result<(), SystemError> {
    let missing = missing_from_dpkg(wanted)?;
    if missing.is_empty() {
        return Ok(());
    }
    println!("missing packages: {}", missing.join(" "));
    let install = ["apt-get", "install", "-y", "--no-install-recommends"];
    let install: Vec<&str> = install
        .into_iter()
        .chain(missing.iter().map(String::as_str))
        .collect();
    as_root(&["apt-get", "update"], &install)?;
    as_root(&install, &install)?;
    let missing = missing_from_dpkg(wanted)?;
    if missing.is_empty() {
        Ok(())
    } else {
        Err(SystemError::StillMissing(missing))
    }
}

fn missing_from_dpkg(wanted: &[&str]) -> Result<Vec<String>, SystemError> {
    // It fails when a name was never seen, which is an answer too.
    let (_, listing) = process::output(
        Command::new("dpkg-query")
            .args(["-W", "-f=${Package}\t${db:Status-Status}\n"])
            .args(wanted),
    )?;
    Ok(not_installed(wanted, &listing))
}

/// The wanted packages that dpkg-query's listing does not call installed.
fn not_installed(wanted: &[&str], listing: &str) -> Vec<String> {
    wanted
        .iter()
        .filter(|name| {
            !listing
                .lines()
                .any(|line| line.split_once('\t') == Some((**name, "installed")))
        })
        .map(|name| (*name).to_owned())
        .collect()
}

/// Runs the command as root, through sudo where we are not, and says so first.
fn as_root(command: &[&str], install: &[&str]) -> Result<(), SystemError> {
    let mut words = vec!["env", "DEBIAN_FRONTEND=noninteractive"];
    if !is_root() {
        if on_path("sudo").is_none() {
            return Err(SystemError::NotRoot(install.join(" ")));
        }
        words.insert(0, "sudo");
    }
    words.extend(command);
    println!("$ {}", words.join(" "));
    Ok(process::run_asking(
        Command::new(words[0]).args(&words[1..]),
    )?)
}

#[cfg(unix)]
fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

fn dnf(wanted: &[&str]) -> Result<(), SystemError> {
    let mut missing = Vec::new();
    for name in wanted {
        let (status, _) =
            process::output(Command::new("rpm").args(["-q", "--whatprovides", name]))?;
        if !status.success() {
            missing.push(*name);
        }
    }
    print_install(&missing, "sudo dnf install")
}

fn pacman(wanted: &[&str]) -> Result<(), SystemError> {
    // `-T` prints the names that no installed package satisfies.
    let (_, missing) = process::output(Command::new("pacman").arg("-T").args(wanted))?;
    let missing: Vec<&str> = missing.split_whitespace().collect();
    print_install(&missing, "sudo pacman -S --needed")
}

fn print_install(missing: &[&str], install: &str) -> Result<(), SystemError> {
    if missing.is_empty() {
        return Ok(());
    }
    Err(SystemError::Install(format!(
        "{install} {}",
        missing.join(" ")
    )))
}

fn programs(wanted: impl Iterator<Item = &'static Program>) -> Result<(), SystemError> {
    let installs: Vec<&str> = wanted
        .filter(|program| on_path(program.name).is_none())
        .map(|program| program.install)
        .collect();
    if installs.is_empty() {
        return Ok(());
    }
    Err(SystemError::Install(installs.join("\n    ")))
}

/// Where a program is, if it can be started by its name.
pub(super) fn on_path(program: &str) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) {
        &[".exe", ".cmd"]
    } else {
        &[""]
    };
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths)
        .flat_map(|folder| {
            endings
                .iter()
                .map(move |ending| folder.join(format!("{program}{ending}")))
        })
        .find(|path| path.is_file())
}

#[cfg(test)]
#[path = "system_tests.rs"]
mod tests;
