//! FastMCP with its own OAuth server, which is real.

use std::{
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::{free_port, programs, skip, this_test, until};

/// A server whose users sign in to it, with a tool that doubles.
const SERVER: &str = r#"
import os
from fastmcp import FastMCP
from fastmcp.server.auth.auth import ClientRegistrationOptions, RevocationOptions
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider

mcp = FastMCP(
    "Doubling",
    auth=InMemoryOAuthProvider(
        base_url=os.environ["BASE"],
        client_registration_options=ClientRegistrationOptions(
            enabled=True, valid_scopes=["use"], default_scopes=["use"]
        ),
        revocation_options=RevocationOptions(enabled=True),
        required_scopes=["use"],
    ),
)

@mcp.tool
def double(number: int) -> int:
    return 2 * number
"#;

/// It ends with its test.
pub struct FastMcp {
    child: Child,
    /// `http://127.0.0.1:PORT`; its MCP endpoint is at `/mcp`.
    pub base: String,
    _folder: TempDir,
}

impl Drop for FastMcp {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the server, unless it is not installed, which counts as a skip.
///
/// # Panics
/// When it does not start.
pub async fn fastmcp() -> Option<FastMcp> {
    let Some(program) = programs::fastmcp() else {
        skip(&this_test(), "fastmcp is not installed");
        return None;
    };
    let folder = programs::folder();
    std::fs::write(folder.path().join("server.py"), SERVER).expect("it can be written");
    let port = free_port();
    let base = format!("http://127.0.0.1:{port}");
    let child = Command::new(program)
        .args(["run", "server.py:mcp", "--transport", "http", "--no-banner"])
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .current_dir(folder.path())
        .env("BASE", &base)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let server = FastMcp {
        child: child.expect("it can be started"),
        base,
        _folder: folder,
    };
    until("the server listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    })
    .await;
    Some(server)
}
