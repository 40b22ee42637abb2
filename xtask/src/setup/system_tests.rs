//! What is read from os-release and dpkg-query.

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
