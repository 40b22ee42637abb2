//! Limits that the system sets for this process.

/// Lets the engine open as many files as the system allows it: a session holds four, and shells
/// commonly start programs with a limit of 256 (macOS) or 1,024 (Linux).
#[cfg(unix)]
pub fn raise_open_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    /// What macOS grants (`OPEN_MAX` of its limits.h) where it calls the limit infinite.
    const GRANTED: u64 = 10_240;

    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        if soft >= hard {
            return Ok(());
        }
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).or_else(|error| {
            if soft < GRANTED {
                setrlimit(Resource::RLIMIT_NOFILE, GRANTED.min(hard), hard)
            } else {
                Err(error)
            }
        })
    });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub fn raise_open_files() {}
