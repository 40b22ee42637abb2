//! A server that ends and comes back.

use std::{path::Path, sync::Arc};

use berth_mcp::{Asked, Limits, McpError, Upstream};
use berth_tests::{processes, until};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;

use crate::{everything, stdio};

struct Nobody;

impl Asked for Nobody {}

fn upstream(program: &Path, args: &[&str], mark: &str) -> Upstream {
    Upstream::new(
        stdio(program, args, mark),
        Limits::default(),
        Arc::new(Nobody),
    )
}

#[tokio::test]
async fn a_server_that_has_ended_is_started_again_for_the_next_call() {
    let Some(program) = everything() else { return };
    let server = upstream(&program, &["stdio"], "upstream");
    let hello = || json!({"message": "hello"}).as_object().cloned();
    assert_eq!(
        processes::with("MARK", "upstream"),
        [0; 0],
        "not before it is needed"
    );
    server.call("echo", hello()).await.expect("it is called");
    for pid in processes::with("MARK", "upstream") {
        // It may have ended with another of them.
        let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
    }
    until("it has ended", || {
        processes::with("MARK", "upstream").is_empty()
    })
    .await;
    // The first call may find the connection before its end is seen; it is not made twice.
    if let Err(error) = server.call("echo", hello()).await {
        assert!(
            matches!(error, McpError::Ended { .. } | McpError::Unreachable(_)),
            "{error}"
        );
        server.call("echo", hello()).await.expect("it is called");
    }
    server.disconnect().await;
    until("it has ended", || {
        processes::with("MARK", "upstream").is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_server_that_does_not_start_is_left_alone_after_a_while() {
    let server = upstream(Path::new("/nowhere/server"), &[], "resting");
    let mut errors = Vec::new();
    for _ in 0..4 {
        let error = server.call("echo", None).await.expect_err("there is none");
        errors.push(matches!(error, McpError::Resting { .. }));
    }
    assert_eq!(errors, [false, false, false, true]);
}
