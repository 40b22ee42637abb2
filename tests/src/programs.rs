//! Where the programs are that the tests start, and where tests may write.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// The `berth` program: `BERTH_BIN`, else the one beside the test program.
pub fn berth() -> PathBuf {
    program("berth", "BERTH_BIN")
}

/// A program of the workspace: the one that the variable names, else the one that cargo built into
/// the folder above the test program's.
///
/// # Panics
/// When there is none, with what to do.
pub fn program(name: &str, variable: &str) -> PathBuf {
    let path = env::var_os(variable).map_or_else(
        || {
            let test = env::current_exe().unwrap_or_default();
            let folder = test.ancestors().nth(2).unwrap_or(Path::new("."));
            folder.join(format!("{name}{}", env::consts::EXE_SUFFIX))
        },
        PathBuf::from,
    );
    assert!(
        path.is_file(),
        "there is no {}: build it with `cargo build --bin {name}`, or say in {variable} where it is",
        path.display()
    );
    path
}

/// The folder of the agents' programs: `BERTH_AGENTS_DIR`, else where `cargo xtask test` installs
/// them.
pub fn agents_folder() -> Option<PathBuf> {
    let folder = env::var_os("BERTH_AGENTS_DIR").map(PathBuf::from);
    folder
        .or_else(|| Some(cache()?.join("agents/node_modules/.bin")))
        .filter(|folder| folder.is_dir())
}

/// The folder of the adapters for the Agent Client Protocol: `BERTH_ACP_DIR`, else where `cargo xtask
/// test` installs them.
pub fn acp_folder() -> Option<PathBuf> {
    let folder = env::var_os("BERTH_ACP_DIR").map(PathBuf::from);
    folder
        .or_else(|| Some(cache()?.join("acp/node_modules/.bin")))
        .filter(|folder| folder.is_dir())
}

/// A real MCP server, if it is there: in the folder that `BERTH_MCP_DIR` names, else where `cargo xtask
/// test` installs them.
pub fn mcp_server(name: &str) -> Option<PathBuf> {
    let folder = env::var_os("BERTH_MCP_DIR").map(PathBuf::from);
    let folder = folder.or_else(|| Some(cache()?.join("mcp/node_modules/.bin")))?;
    Some(folder.join(name)).filter(|path| path.is_file())
}

/// A program that the tenant backend is made of, if it is there: in the folder that `BERTH_TENANT_DIR` names,
/// else where `cargo xtask test` installs them.
pub fn tenant(name: &str) -> Option<PathBuf> {
    let folder = env::var_os("BERTH_TENANT_DIR").map(PathBuf::from);
    let folder = folder.or_else(|| Some(cache()?.join("tenant/node_modules/.bin")))?;
    Some(folder.join(name)).filter(|path| path.is_file())
}

/// FastMCP's program, which comes from the Python index, if it is there: in the folder that
/// `BERTH_FASTMCP_DIR` names, else where `cargo xtask test` puts it.
pub fn fastmcp() -> Option<PathBuf> {
    let folder = env::var_os("BERTH_FASTMCP_DIR").map(PathBuf::from);
    let folder = folder.or_else(|| Some(cache()?.join("fastmcp/bin")))?;
    Some(folder.join("fastmcp")).filter(|path| path.is_file())
}

/// The conformance suite of MCP with the Node that it runs on, if they are there: in the folder that
/// `BERTH_CONFORMANCE_DIR` names, else where `cargo xtask test` installs them.
pub fn conformance() -> Option<(PathBuf, PathBuf)> {
    let folder = env::var_os("BERTH_CONFORMANCE_DIR").map(PathBuf::from);
    let folder = folder.or_else(|| Some(cache()?.join("conformance/node_modules/.bin")))?;
    let (node, suite) = (folder.join("node"), folder.join("conformance"));
    (node.is_file() && suite.is_file()).then_some((node, suite))
}

/// The program of an agent, if it is there.
pub fn agent(name: &str) -> Option<PathBuf> {
    let folder = match name {
        "goose" => goose_folder(),
        "aider" => aider_folder(),
        "claude-agent-acp" | "codex-acp" => acp_folder(),
        _ => agents_folder(),
    };
    folder
        .map(|folder| folder.join(name))
        .filter(|path| path.is_file())
}

/// The program of a router's version, such as `ccr-v3`, if it is there: in `BERTH_ROUTER_MODULES`, else
/// where `cargo xtask test` installs it.
pub fn router(name: &str) -> Option<PathBuf> {
    let modules = env::var_os("BERTH_ROUTER_MODULES").map(PathBuf::from);
    let package = modules
        .or_else(|| Some(cache()?.join("router/node_modules")))?
        .join(name);
    let programs = ["dist/cli.js", "dist/main/cli.js"].map(|script| package.join(script));
    programs.into_iter().find(|program| program.is_file())
}

/// The folder of goose, whose package does not put it among the other programs under its own name.
pub fn goose_folder() -> Option<PathBuf> {
    let modules = agents_folder()?.parent()?.to_owned();
    let folder = modules.join("@aaif/goose-binary-linux-x64/bin");
    folder.join("goose").is_file().then_some(folder)
}

/// The folder of aider, which comes from the Python index: `BERTH_AIDER_DIR`, else where `cargo xtask
/// test` puts it.
pub fn aider_folder() -> Option<PathBuf> {
    let folder = env::var_os("BERTH_AIDER_DIR").map(PathBuf::from);
    folder
        .or_else(|| Some(cache()?.join("aider/bin")))
        .filter(|folder| folder.is_dir())
}

/// A folder for one test, not below `/tmp`, where Codex does not want its home.
pub fn folder() -> TempDir {
    let base = cache().unwrap_or_else(env::temp_dir).join("test-run");
    fs::create_dir_all(&base).expect("the folder for tests can be made");
    let base = base.canonicalize().expect("the folder for tests is there");
    let folder = tempfile::Builder::new().prefix("").tempdir_in(base);
    folder.expect("a folder for the test can be made")
}

/// Says that a test does not run here, and why: on the screen, and in the file that
/// `BERTH_TEST_SKIPS` names. The test then returns.
#[expect(
    clippy::print_stdout,
    reason = "a person who runs one test wants to read it"
)]
pub fn skip(test: &str, reason: &str) {
    println!("SKIPPED {test}: {reason}");
    if let Some(path) = env::var_os("BERTH_TEST_SKIPS") {
        let file = fs::OpenOptions::new().create(true).append(true).open(path);
        // At once, for other tests write there too.
        let line = format!("{test}\t{reason}\n");
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.expect("the skipped test can be noted");
    }
}

/// The name of the test that runs: libtest names its thread after it.
pub fn this_test() -> String {
    std::thread::current().name().unwrap_or("a test").to_owned()
}

/// The folder of what is fetched once and kept, as `cargo xtask` has it.
fn cache() -> Option<PathBuf> {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = set("BERTH_CACHE") {
        return Some(folder);
    }
    let base = if cfg!(target_os = "macos") {
        set("HOME").map(|home| home.join("Library/Caches"))
    } else {
        set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
    };
    base.map(|base| base.join("berth"))
}
