//! What Berth needs from each system's packages: one table, a row for each need.

/// What a package is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Compiling anything at all.
    Build,
    /// Compiling and opening the window.
    Window,
    /// Running every test.
    Tests,
    /// Checking for Windows.
    CrossWindows,
    /// Checking for macOS.
    CrossMac,
}

/// One need and what it is called where; an empty name means that nothing is to be installed there.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) group: Group,
    pub(super) debian: &'static str,
    /// Where it differs from Debian's.
    pub(super) ubuntu: Option<&'static str>,
    pub(super) fedora: &'static str,
    pub(super) arch: &'static str,
    pub(super) mac: Option<Program>,
    pub(super) windows: Option<Program>,
}

/// A need that is met when its sign is there, and the commands that meet it.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) sign: Sign,
    /// One after the other: not every shell can join two.
    pub(super) install: &'static [&'static str],
}

/// What shows that something is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// A program of this name on `PATH`.
    OnPath(&'static str),
    /// A file or folder in the folder that one of these variables names.
    Below {
        variables: &'static [&'static str],
        place: &'static str,
    },
}

const fn package(
    group: Group,
    debian: &'static str,
    fedora: &'static str,
    arch: &'static str,
) -> Package {
    Package {
        group,
        debian,
        ubuntu: None,
        fedora,
        arch,
        mac: None,
        windows: None,
    }
}

impl Package {
    const fn ubuntu(mut self, name: &'static str) -> Self {
        self.ubuntu = Some(name);
        self
    }

    const fn mac(mut self, name: &'static str, install: &'static [&'static str]) -> Self {
        self.mac = Some(Program {
            sign: Sign::OnPath(name),
            install,
        });
        self
    }

    const fn windows(self, name: &'static str, install: &'static [&'static str]) -> Self {
        self.windows_by(Sign::OnPath(name), install)
    }

    const fn windows_by(mut self, sign: Sign, install: &'static [&'static str]) -> Self {
        self.windows = Some(Program { sign, install });
        self
    }
}

/// Where Windows keeps the web view that windows are drawn with: for all users or for one.
const WEB_VIEW: Sign = Sign::Below {
    variables: &["ProgramFiles(x86)", "ProgramFiles", "LOCALAPPDATA"],
    place: r"Microsoft\EdgeWebView\Application",
};

/// Every need. Node is not here: see [`super::node`]. Neither are Apple's command line tools and Visual Studio's
/// build tools: without them there is no linker, so nothing here would run to name them; README.md does.
pub(super) const PACKAGES: &[Package] = &[
    package(Group::Build, "build-essential", "gcc-c++", "base-devel"),
    package(Group::Build, "pkg-config", "pkgconf-pkg-config", "pkgconf"),
    package(Group::Build, "file", "file", "file"),
    package(Group::Build, "libssl-dev", "openssl-devel", "openssl"),
    package(Group::Build, "libdbus-1-dev", "dbus-devel", "dbus"),
    package(Group::Build, "git", "git", "git")
        .mac("git", &["brew install git"])
        .windows("git", &["winget install --id Git.Git"]),
    package(
        Group::Window,
        "libwebkit2gtk-4.1-dev",
        "webkit2gtk4.1-devel",
        "webkit2gtk-4.1",
    )
    .windows_by(
        WEB_VIEW,
        &["winget install --id Microsoft.EdgeWebView2Runtime"],
    ),
    package(Group::Window, "libgtk-3-dev", "gtk3-devel", "gtk3"),
    package(
        Group::Window,
        "libayatana-appindicator3-dev",
        "libayatana-appindicator-gtk3-devel",
        "libayatana-appindicator",
    ),
    package(Group::Window, "librsvg2-dev", "librsvg2-devel", "librsvg"),
    package(
        Group::Tests,
        "webkit2gtk-driver",
        "/usr/bin/WebKitWebDriver",
        "",
    ),
    package(
        Group::Tests,
        "xvfb",
        "xorg-x11-server-Xvfb",
        "xorg-server-xvfb",
    ),
    package(Group::Tests, "xauth", "xorg-x11-xauth", "xorg-xauth"),
    package(Group::Tests, "dbus", "dbus-daemon", "dbus"),
    package(Group::Tests, "dbus-x11", "dbus-x11", ""),
    package(
        Group::Tests,
        "gnome-keyring",
        "gnome-keyring",
        "gnome-keyring",
    ),
    package(Group::Tests, "chromium", "chromium", "chromium").ubuntu("chromium-browser"),
    package(Group::Tests, "chromium-driver", "chromedriver", "")
        .ubuntu("chromium-chromedriver")
        .mac(
            "chromedriver",
            &["brew install --cask google-chrome chromedriver"],
        )
        .windows(
            "chromedriver",
            &[
                "winget install --id Google.Chrome",
                "winget install --id Chromium.ChromeDriver",
            ],
        ),
    package(
        Group::Tests,
        "postgresql",
        "postgresql-server",
        "postgresql",
    )
    .mac("postgres", &["brew install postgresql@15"]),
    package(Group::Tests, "zsh", "zsh", "zsh"),
    package(Group::Tests, "fish", "fish", "fish").mac("fish", &["brew install fish"]),
    package(Group::Tests, "bubblewrap", "bubblewrap", "bubblewrap"),
    // aider and FastMCP, each in an environment of its own.
    package(Group::Tests, "python3-venv", "python3", "python")
        .mac("python3", &["brew install python"])
        .windows("python", &["winget install --id Python.Python.3.13"]),
    package(
        Group::CrossWindows,
        "gcc-mingw-w64-x86-64",
        "mingw64-gcc",
        "mingw-w64-gcc",
    )
    .mac("x86_64-w64-mingw32-gcc", &["brew install mingw-w64"]),
    // Zig, which is a package of the Python index.
    package(Group::CrossMac, "python3-venv", "python3", "python"),
];
