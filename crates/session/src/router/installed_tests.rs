//! How a router is found that was installed in different ways.

#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use super::*;

struct Machine(tempfile::TempDir);

impl Machine {
    /// A package as npm puts it below a prefix.
    fn with_package(version: &str, script: &str) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        let package = machine.package();
        fs::create_dir_all(package.join(script).parent().unwrap()).unwrap();
        let manifest =
            format!(r#"{{"name":"{PACKAGE}","version":"{version}","bin":{{"ccr":"{script}"}}}}"#);
        fs::write(package.join("package.json"), manifest).unwrap();
        machine.program(&package.join(script), "exit 9");
        fs::create_dir_all(machine.bin()).unwrap();
        machine
    }

    fn package(&self) -> PathBuf {
        self.0.path().join("lib/node_modules").join(PACKAGE)
    }

    fn bin(&self) -> PathBuf {
        self.0.path().join("bin")
    }

    fn program(&self, path: &Path, script: &str) {
        fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn node(&self, version: &str) {
        self.program(&self.bin().join("node"), &format!("echo {version}"));
    }

    async fn find(&self) -> Result<Installed, RouterError> {
        let variables = [("PATH", self.bin()), ("HOME", self.0.path().to_owned())];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        find(&Environment::given("test", variables.into())).await
    }
}

#[tokio::test]
async fn a_linked_program_leads_to_its_package() {
    for (version, script, kind) in [
        ("1.0.73", "dist/cli.js", RouterKind::CcrV1),
        ("2.0.0", "dist/cli.js", RouterKind::CcrV1),
        ("3.1.1", "dist/main/cli.js", RouterKind::CcrV3),
    ] {
        let machine = Machine::with_package(version, script);
        symlink(machine.package().join(script), machine.bin().join("ccr")).unwrap();
        machine.node("22.1.0");
        let found = machine.find().await.unwrap();
        assert_eq!((found.version.as_str(), found.kind), (version, kind));
        assert!(found.script.ends_with(script));
        let version = version_in(&machine.bin().join("ccr"), PACKAGE);
        assert_eq!(version.as_deref(), Some(found.version.as_str()));
    }
}

#[tokio::test]
async fn a_script_beside_the_package_leads_to_it_too() {
    let machine = Machine::with_package("3.1.1", "dist/main/cli.js");
    machine.program(&machine.bin().join("ccr"), "exit 9");
    machine.node("24.0.0");
    assert_eq!(machine.find().await.unwrap().version, "3.1.1");
}

#[tokio::test]
async fn what_is_missing_or_too_old_is_said() {
    let machine = Machine::with_package("3.1.1", "dist/main/cli.js");
    assert!(matches!(machine.find().await, Err(RouterError::Missing)));
    symlink(
        machine.package().join("dist/main/cli.js"),
        machine.bin().join("ccr"),
    )
    .unwrap();
    let no_node = machine.find().await.unwrap_err();
    assert!(matches!(no_node, RouterError::NoNode { .. }), "{no_node}");
    machine.node("20.20.2");
    let old = machine.find().await.unwrap_err();
    let said = old.to_string();
    assert!(
        said.contains("needs Node 22 or newer") && said.ends_with("is 20.20.2"),
        "{said}"
    );
    assert!(old.hint().is_some());

    let unknown = Machine::with_package("9.0.0", "dist/cli.js");
    symlink(
        unknown.package().join("dist/cli.js"),
        unknown.bin().join("ccr"),
    )
    .unwrap();
    let unknown = unknown.find().await.unwrap_err();
    assert!(
        matches!(unknown, RouterError::UnknownVersion { .. }),
        "{unknown}"
    );

    let stranger = Machine::with_package("1.0.0", "dist/cli.js");
    fs::remove_file(stranger.package().join("package.json")).unwrap();
    stranger.program(&stranger.bin().join("ccr"), "exit 9");
    let stranger = stranger.find().await.unwrap_err();
    assert!(
        matches!(stranger, RouterError::NotAPackage { .. }),
        "{stranger}"
    );
}
