//! The store's rules, each checked on a real SQLite file.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod audit;
mod cancel;
mod defined_agents;
mod kill;
mod mcp_calls;
mod mcp_clients;
mod messages;
mod migrate;
mod open;
mod projects;
mod prompts;
mod routers;
mod servers;
mod sessions;
mod support;
mod tenant;
mod tmpfs;
mod told;
mod unfinished;
