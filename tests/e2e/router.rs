//! Real routers between real agents and a server that stands in for their providers.

#![cfg(unix)]

#[path = "router/agent.rs"]
mod agent;
#[path = "router/engine.rs"]
mod engine;
#[path = "router/failing.rs"]
mod failing;
#[path = "router/routing.rs"]
mod routing;
#[path = "router/session.rs"]
mod session;
#[path = "router/stage.rs"]
mod stage;
#[path = "router/vertex.rs"]
mod vertex;

use std::time::Duration;

use berth_protocol::RouterState;
use tokio::sync::watch;

/// How long a router or an agent may take for one thing on a slow machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a state of a router.
async fn reaches(
    state: &mut watch::Receiver<RouterState>,
    is_it: impl Fn(&RouterState) -> bool,
) -> RouterState {
    let reached = tokio::time::timeout(PATIENCE, state.wait_for(|state| is_it(state))).await;
    let reached = reached.map(|found| found.expect("the router is kept").clone());
    reached.unwrap_or_else(|_| panic!("the router stays {:?}", *state.borrow()))
}
