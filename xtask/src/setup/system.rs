//! Finds the packages that are missing; installs them on Debian and Ubuntu, names them elsewhere.

use std::{env, fs, path::PathBuf, process::Command};

use crate::{
    process::{self, ProcessError},
    setup::packages::{Group, PACKAGES, Package, Program, Sign},
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
    let system = System::here();
    match system {
        System::Debian | System::Ubuntu => apt(&names(system, groups)),
        System::Fedora => to_install(&dnf(&missing_from_rpm(&names(system, groups))?)),
        System::Arch => to_install(&pacman(&missing_from_pacman(&names(system, groups))?)),
        System::Mac | System::Windows => to_install(&commands(programs(system, groups), is_there)),
        // Whether they are there cannot be asked, so a present compiler has to be proof enough.
        System::OtherLinux if on_path("pkg-config").is_some() => Ok(()),
        System::OtherLinux => Err(SystemError::UnknownSystem(names(system, groups))),
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

fn wanted(groups: &[Group]) -> impl Iterator<Item = &'static Package> {
    PACKAGES
        .iter()
        .filter(|package| groups.contains(&package.group))
}

/// What the system calls the packages of these groups, each once.
fn names(system: System, groups: &[Group]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for package in wanted(groups) {
        let name = match system {
            System::Ubuntu => package.ubuntu.unwrap_or(package.debian),
            System::Fedora => package.fedora,
            System::Arch => package.arch,
            _ => package.debian,
        };
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What these groups need where programs are looked for instead of packages.
fn programs(system: System, groups: &[Group]) -> impl Iterator<Item = &'static Program> {
    wanted(groups).filter_map(move |package| match system {
        System::Windows => package.windows.as_ref(),
        _ => package.mac.as_ref(),
    })
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

fn missing_from_rpm(wanted: &[&str]) -> Result<Vec<String>, SystemError> {
    let mut missing = Vec::new();
    for name in wanted {
        let (status, _) =
            process::output(Command::new("rpm").args(["-q", "--whatprovides", name]))?;
        if !status.success() {
            missing.push((*name).to_owned());
        }
    }
    Ok(missing)
}

fn missing_from_pacman(wanted: &[&str]) -> Result<Vec<String>, SystemError> {
    // `-T` prints the names that no installed package satisfies.
    let (_, missing) = process::output(Command::new("pacman").arg("-T").args(wanted))?;
    Ok(missing.split_whitespace().map(str::to_owned).collect())
}

fn dnf(missing: &[String]) -> Vec<String> {
    one_command("sudo dnf install", missing)
}

fn pacman(missing: &[String]) -> Vec<String> {
    one_command("sudo pacman -S --needed", missing)
}

/// The command that installs all of these; none when nothing is missing.
fn one_command(install: &str, missing: &[String]) -> Vec<String> {
    if missing.is_empty() {
        return Vec::new();
    }
    vec![format!("{install} {}", missing.join(" "))]
}

/// The commands for what is not there.
fn commands(
    wanted: impl Iterator<Item = &'static Program>,
    is_there: impl Fn(Sign) -> bool,
) -> Vec<String> {
    wanted
        .filter(|program| !is_there(program.sign))
        .flat_map(|program| program.install)
        .map(|command| (*command).to_owned())
        .collect()
}

/// Ends set-up with the commands that the user has to run, one a line: Windows PowerShell 5 knows no `&&`.
fn to_install(commands: &[String]) -> Result<(), SystemError> {
    if commands.is_empty() {
        return Ok(());
    }
    Err(SystemError::Install(commands.join("\n    ")))
}

fn is_there(sign: Sign) -> bool {
    match sign {
        Sign::OnPath(program) => on_path(program).is_some(),
        Sign::Below { variables, place } => variables
            .iter()
            .filter_map(env::var_os)
            .any(|folder| PathBuf::from(folder).join(place).exists()),
    }
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
