//! What is read from os-release and dpkg-query, and what people of other systems are told to run.

use super::*;

#[test]
fn a_derivative_installs_like_the_system_it_names() {
    assert_eq!(System::of_release("ID=debian\n"), System::Debian);
    assert_eq!(
        System::of_release("NAME=Mint\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"),
        System::Ubuntu
    );
    assert_eq!(
        System::of_release("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"),
        System::Fedora
    );
    assert_eq!(System::of_release("ID=nixos\n"), System::OtherLinux);
}

#[test]
fn a_package_that_was_removed_or_never_seen_is_missing() {
    let listing = "git\tinstalled\nfish\tnot-installed\nzsh\tconfig-files\n";
    assert_eq!(
        not_installed(&["git", "fish", "zsh", "xvfb"], listing),
        ["fish", "zsh", "xvfb"]
    );
}

/// Everything that a command for building, running and testing here can ask for.
const ALL: &[Group] = &[Group::Build, Group::Window, Group::Tests];

/// What is printed when nothing is there yet.
fn told(system: System) -> String {
    let missing: Vec<String> = names(system, ALL).into_iter().map(str::to_owned).collect();
    let commands = match system {
        System::Fedora => dnf(&missing),
        System::Arch => pacman(&missing),
        _ => commands(programs(system, ALL), |_| false),
    };
    to_install(&commands).unwrap_err().to_string()
}

#[test]
fn fedora_and_arch_are_told_one_command_with_all_packages() {
    let intro = "this machine lacks something; install it and start again:\n\n    ";
    let fedora = told(System::Fedora);
    let command = fedora.strip_prefix(intro).unwrap();
    assert!(command.starts_with("sudo dnf install gcc-c++ pkgconf-pkg-config file openssl-devel "));
    assert!(command.ends_with(" zsh fish bubblewrap python3\n"));
    let arch = told(System::Arch);
    let command = arch.strip_prefix(intro).unwrap();
    assert!(
        command.starts_with("sudo pacman -S --needed base-devel pkgconf file openssl dbus git ")
    );
    assert!(command.ends_with(" zsh fish bubblewrap python\n"));
}

#[test]
fn macos_and_windows_are_told_one_command_a_line() {
    let lines = |told: String| -> Vec<String> {
        let commands = told.lines().skip(2).map(|line| line.trim().to_owned());
        commands.collect()
    };
    assert_eq!(
        lines(told(System::Mac)),
        [
            "brew install git",
            "brew install --cask google-chrome chromedriver",
            "brew install postgresql@15",
            "brew install fish",
            "brew install python",
        ]
    );
    assert_eq!(
        lines(told(System::Windows)),
        [
            "winget install --id Git.Git",
            "winget install --id Microsoft.EdgeWebView2Runtime",
            "winget install --id Google.Chrome",
            "winget install --id Chromium.ChromeDriver",
            "winget install --id Python.Python.3.13",
        ]
    );
}

#[test]
fn no_command_is_for_a_shell_that_joins_commands() {
    let programs = PACKAGES
        .iter()
        .flat_map(|package| [&package.mac, &package.windows]);
    for command in programs.flatten().flat_map(|program| program.install) {
        assert!(!command.contains(['&', ';', '|']), "{command}");
    }
}

#[test]
fn what_is_there_is_not_installed_again() {
    let git = |sign: Sign| sign == Sign::OnPath("git");
    let commands = commands(
        programs(System::Windows, &[Group::Build, Group::Window]),
        git,
    );
    assert_eq!(
        commands,
        ["winget install --id Microsoft.EdgeWebView2Runtime"]
    );
    assert!(to_install(&[]).is_ok());
    assert!(dnf(&[]).is_empty() && pacman(&[]).is_empty());
}

#[test]
fn a_name_that_several_needs_share_is_asked_for_once() {
    let names = names(System::Debian, &[Group::Tests, Group::CrossMac]);
    let python = names.iter().filter(|name| **name == "python3-venv");
    assert_eq!(python.count(), 1);
}

#[test]
fn a_folder_that_no_variable_names_is_no_sign() {
    let manifest = |variables: &'static [&'static str]| Sign::Below {
        variables,
        place: "Cargo.toml",
    };
    assert!(is_there(manifest(&["BERTH_UNSET", "CARGO_MANIFEST_DIR"])));
    assert!(!is_there(manifest(&["BERTH_UNSET"])));
}

#[test]
fn the_tests_need_what_makes_environments_for_python() {
    assert!(names(System::Debian, &[Group::Tests]).contains(&"python3-venv"));
}
