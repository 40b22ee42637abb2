//! What goes wrong is mended or said, and nothing is left behind.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

use berth_protocol::{Code, ProviderProtocol, RouterKind, RouterState};
use berth_session::router::RouterError;
use berth_tests::{
    STOP_LIMIT, processes, programs,
    routers::{kind, provider, settings},
    until,
};

use super::{
    agent::{self, Talk},
    reaches,
    stage::{Running, Stage, keys},
};

async fn outlives_a_crash(version: &str) {
    let Some(mut stage) = Stage::set(&[version, "claude"]) else {
        return;
    };
    let provider = provider("sk-1");
    let settings = settings(
        kind(version),
        ProviderProtocol::Anthropic,
        &provider.base_url(),
    );
    let running = stage.start(version, &settings, &keys("sk-1")).await;
    let (port, key, mut state) = (
        running.instance.port(),
        running.key(),
        running.instance.state(),
    );
    let mut talk = Talk::start(&stage, version, &running);
    assert_eq!(talk.exchange("say: Before.").await, "Before.");

    processes::kill(leader_of_router(&running));
    let restarting = reaches(&mut state, |state| {
        matches!(state, RouterState::Restarting { .. })
    })
    .await;
    assert!(
        format!("{restarting:?}").contains("signal: 9"),
        "{restarting:?}"
    );
    reaches(&mut state, |state| *state == RouterState::Healthy).await;
    assert_eq!((running.instance.port(), running.key()), (port, key));
    assert!(running.instance.answers().await);
    assert_eq!(talk.exchange("say: After.").await, "After.");

    let folder = running.folder.clone();
    running.instance.stop().await;
    assert!(!folder.exists());
    stage.assert_home_untouched();
}

/// The process that was started: its parent is this test.
fn leader_of_router(running: &Running) -> u32 {
    child_of_router(running, std::process::id(), "/ccr-v")
}

/// A process of the session with this parent and these words on its command line.
fn child_of_router(running: &Running, parent: u32, words: &str) -> u32 {
    let is_child = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        rest.split(' ')
            .nth(1)
            .and_then(|parent| parent.parse().ok())
            == Some(parent)
    };
    let name = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut found = running.processes().into_iter().filter(is_child);
    let router = found.find(|pid| name(pid).contains(words));
    router.expect("the router runs")
}

#[tokio::test]
async fn version_3_is_started_again_when_only_its_gateway_crashes() {
    let Some(mut stage) = Stage::set(&["ccr-v3"]) else {
        return;
    };
    let settings = settings(
        RouterKind::CcrV3,
        ProviderProtocol::OpenaiChat,
        "http://127.0.0.1:1",
    );
    let running = stage.start("ccr-v3", &settings, &keys("sk-1")).await;
    let mut state = running.instance.state();
    let gateway = child_of_router(&running, leader_of_router(&running), "gateway-bootstrap");
    processes::kill(gateway);
    let restarting = reaches(&mut state, |state| {
        matches!(state, RouterState::Restarting { .. })
    })
    .await;
    assert!(
        format!("{restarting:?}").contains("SIGKILL"),
        "{restarting:?}"
    );
    reaches(&mut state, |state| *state == RouterState::Healthy).await;
    assert!(running.instance.answers().await);
    running.instance.stop().await;
}

#[tokio::test]
async fn version_1_outlives_a_crash_and_the_agent_goes_on() {
    outlives_a_crash("ccr-v1").await;
}

#[tokio::test]
async fn version_3_outlives_a_crash_and_the_agent_goes_on() {
    outlives_a_crash("ccr-v3").await;
}

#[tokio::test]
async fn a_port_that_is_taken_during_a_restart_is_said() {
    let Some(mut stage) = Stage::set(&["ccr-v1", "ccr-v3"]) else {
        return;
    };
    for version in ["ccr-v1", "ccr-v3"] {
        let provider = provider("sk-1");
        let settings = settings(
            kind(version),
            ProviderProtocol::OpenaiChat,
            &provider.base_url(),
        );
        let running = stage.start(version, &settings, &keys("sk-1")).await;
        let port = running.instance.port();
        let mut state = running.instance.state();
        processes::kill(leader_of_router(&running));
        let taken = loop {
            if let Ok(taken) = TcpListener::bind(("127.0.0.1", port)) {
                break taken;
            }
            tokio::task::yield_now().await;
        };
        let failed = reaches(&mut state, |state| {
            matches!(state, RouterState::Failed { .. })
        })
        .await;
        let said = format!("{failed:?}");
        assert!(
            said.contains(&port.to_string()) && said.contains("Restart the session"),
            "{said}"
        );
        drop(taken);
        let alive = running.processes();
        let folder = running.folder.clone();
        running.instance.stop().await;
        assert_eq!(processes::gone(&alive, STOP_LIMIT).await, [0; 0]);
        assert!(!folder.exists());
        // It still says why.
        assert_eq!(*state.borrow(), failed);
    }
}

/// A Node that lets somebody else have the router's port, `times` times. Version 3 starts a Node of its own
/// to try whether that suits it, which is no start.
fn clumsy_node(stage: &Stage, version: &str, times: u32) {
    stage.environment(version);
    let real = programs::agent("node").expect("Node is among the agents");
    let real = real.display();
    let path = stage.path(&format!("bin-{version}/node"));
    let listen = "require('net').createServer().listen(process.argv[1], '127.0.0.1', () => console.log('x'))";
    let script = format!(
        r#"#!/bin/sh
case "$*" in *cli.js*)
    n=1
    while [ $n -le {times} ]; do
        if mkdir "$0.$n" 2>/dev/null; then
            NODE_OPTIONS= "{real}" -e "{listen}" "$BERTH_ROUTER_PORT" > "$0.$n/ready" &
            until [ -s "$0.$n/ready" ]; do sleep 0.02; done
            break
        fi
        n=$((n + 1))
    done
    ;;
esac
exec "{real}" "$@"
"#
    );
    fs::write(&path, script).expect("it can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be changed");
}

#[tokio::test]
async fn a_port_that_is_taken_at_the_start_is_changed_for_another() {
    let Some(mut stage) = Stage::set(&["ccr-v1", "ccr-v3", "node"]) else {
        return;
    };
    for version in ["ccr-v1", "ccr-v3"] {
        clumsy_node(&stage, version, 2);
        let provider = provider("sk-1");
        let settings = settings(
            kind(version),
            ProviderProtocol::OpenaiChat,
            &provider.base_url(),
        );
        let running = stage.start(version, &settings, &keys("sk-1")).await;
        let tried = stage.path(&format!("bin-{version}/node.2/ready"));
        assert!(tried.is_file(), "two ports were taken");
        assert!(running.instance.answers().await);
        running.instance.stop().await;
    }
}

#[tokio::test]
async fn a_machine_that_takes_every_port_is_an_error_and_leaves_nothing() {
    let Some(mut stage) = Stage::set(&["ccr-v1", "node"]) else {
        return;
    };
    clumsy_node(&stage, "ccr-v1", 100);
    let settings = settings(
        RouterKind::CcrV1,
        ProviderProtocol::OpenaiChat,
        "http://127.0.0.1:1",
    );
    let error = stage
        .attempt("ccr-v1", &settings, &keys("sk-1"))
        .await
        .err();
    let error = error.expect("it cannot start");
    assert!(matches!(error, RouterError::PortsTaken(_)), "{error}");
    assert_eq!(error.code(), Code::RouterFailed);
    assert_nothing_left(&stage);
}

fn assert_nothing_left(stage: &Stage) {
    let left = fs::read_dir(stage.path("routers"))
        .into_iter()
        .flatten()
        .count();
    assert_eq!(left, 0, "a folder is left");
}

#[tokio::test]
async fn a_router_that_does_not_come_up_says_why_and_tells_no_key() {
    let Some(mut stage) = Stage::set(&["ccr-v1", "node"]) else {
        return;
    };
    stage.environment("ccr-v1");
    let path = stage.path("bin-ccr-v1/node");
    let real = programs::agent("node").expect("Node is among the agents");
    let script = format!(
        "#!/bin/sh\n[ -n \"$BERTH_ROUTER_PORT\" ] || exec \"{}\" \"$@\"\n\
         echo \"cannot read the moon with $BERTH_KEY_0\" >&2\nexit 7\n",
        real.display()
    );
    fs::write(&path, script).expect("it can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be changed");
    let settings = settings(
        RouterKind::CcrV1,
        ProviderProtocol::OpenaiChat,
        "http://127.0.0.1:1",
    );
    let error = stage
        .attempt("ccr-v1", &settings, &keys("sk-secret-9"))
        .await
        .err();
    let said = error.expect("it cannot start").to_string();
    assert!(
        said.contains("cannot read the moon with <redacted>"),
        "{said}"
    );
    assert!(said.contains('7'), "{said}");
    assert_nothing_left(&stage);
}

#[tokio::test]
async fn a_provider_that_is_down_is_seen_by_the_agent_and_the_router_goes_on() {
    let Some(mut stage) = Stage::set(&["ccr-v1", "ccr-v3", "claude"]) else {
        return;
    };
    for version in ["ccr-v1", "ccr-v3"] {
        let gone = {
            let provider = provider("sk-1");
            provider.base_url()
        };
        let settings = settings(kind(version), ProviderProtocol::OpenaiChat, &gone);
        let running = stage.start(version, &settings, &keys("sk-1")).await;
        let said = agent::claude(&stage, version, &running, "say: hello").await;
        assert!(
            said.contains("API Error") || said.contains("fetch failed"),
            "{version}: {said}"
        );
        assert_eq!(*running.instance.state().borrow(), RouterState::Healthy);
        running.instance.stop().await;
    }
}

#[tokio::test]
async fn a_router_is_stopped_while_it_is_started_again() {
    let Some(mut stage) = Stage::set(&["ccr-v1", "ccr-v3"]) else {
        return;
    };
    for version in ["ccr-v1", "ccr-v3"] {
        let provider = provider("sk-1");
        let settings = settings(
            kind(version),
            ProviderProtocol::OpenaiChat,
            &provider.base_url(),
        );
        let running = stage.start(version, &settings, &keys("sk-1")).await;
        let mut state = running.instance.state();
        let before = running.processes();
        processes::kill(leader_of_router(&running));
        reaches(&mut state, |state| {
            matches!(state, RouterState::Restarting { .. })
        })
        .await;
        // Until the next one is there, which does not answer yet.
        let session = running.session.to_string();
        until("the router is started again", || {
            let alive = processes::with("BERTH_SESSION_ID", &session);
            alive.iter().any(|pid| !before.contains(pid))
        })
        .await;
        let alive = running.processes();
        let folder = running.folder.clone();
        running.instance.stop().await;
        assert_eq!(
            processes::gone(&alive, STOP_LIMIT).await,
            [0; 0],
            "{version}"
        );
        assert!(processes::with("BERTH_SESSION_ID", &session).is_empty());
        assert!(!folder.exists());
        assert_eq!(*state.borrow(), RouterState::Stopped);
    }
}

#[tokio::test]
async fn a_router_that_keeps_crashing_is_given_up() {
    let Some(mut stage) = Stage::set(&["ccr-v1"]) else {
        return;
    };
    let provider = provider("sk-1");
    let settings = settings(
        RouterKind::CcrV1,
        ProviderProtocol::OpenaiChat,
        &provider.base_url(),
    );
    let running = stage.start("ccr-v1", &settings, &keys("sk-1")).await;
    let mut state = running.instance.state();
    let mut crashes = 0;
    loop {
        let now = reaches(&mut state, |state| {
            !matches!(state, RouterState::Restarting { .. })
        })
        .await;
        match now {
            RouterState::Healthy => processes::kill(leader_of_router(&running)),
            RouterState::Failed { reason } => {
                assert!(reason.contains("6 times"), "{reason}");
                break;
            }
            other => panic!("{other:?}"),
        }
        crashes += 1;
        state.changed().await.expect("the router is kept");
    }
    assert_eq!(crashes, 6);
    assert!(running.processes().is_empty());
    running.instance.stop().await;
}

#[tokio::test]
async fn a_dropped_router_ends() {
    let Some(mut stage) = Stage::set(&["ccr-v1", "ccr-v3"]) else {
        return;
    };
    for version in ["ccr-v1", "ccr-v3"] {
        let settings = settings(
            kind(version),
            ProviderProtocol::OpenaiChat,
            "http://127.0.0.1:1",
        );
        let running = stage.start(version, &settings, &keys("sk-1")).await;
        let alive = running.processes();
        let mut state = running.instance.state();
        let Running {
            instance, folder, ..
        } = running;
        drop(instance);
        reaches(&mut state, |state| *state == RouterState::Stopped).await;
        assert_eq!(
            processes::gone(&alive, STOP_LIMIT).await,
            [0; 0],
            "{version}"
        );
        assert!(!folder.exists());
    }
}

#[tokio::test]
async fn what_cannot_be_started_is_refused_before_anything_is_written() {
    let Some(mut stage) = Stage::set(&["ccr-v1"]) else {
        return;
    };
    let good = settings(
        RouterKind::CcrV1,
        ProviderProtocol::OpenaiChat,
        "https://example.com",
    );
    let no_key = stage
        .attempt("ccr-v1", &good, &keys(""))
        .await
        .err()
        .expect("refused");
    assert_eq!(no_key.code(), Code::RouterInvalid);
    let missing = stage
        .attempt("ccr-v1", &good, &Default::default())
        .await
        .err();
    let missing = missing.expect("refused").to_string();
    assert!(missing.contains("is missing"), "{missing}");
    let other = settings(
        RouterKind::CcrV3,
        ProviderProtocol::OpenaiChat,
        "https://example.com",
    );
    let other = stage
        .attempt("ccr-v1", &other, &keys("k"))
        .await
        .err()
        .expect("refused");
    assert!(matches!(other, RouterError::OtherVersion { .. }), "{other}");
    assert!(
        other
            .hint()
            .expect("there is a way")
            .contains("claude-code-router@3")
    );
    let mut empty = good.clone();
    empty.providers.clear();
    let empty = stage
        .attempt("ccr-v1", &empty, &keys("k"))
        .await
        .err()
        .expect("refused");
    assert!(matches!(empty, RouterError::Invalid(_)), "{empty}");
    assert_nothing_left(&stage);
}
