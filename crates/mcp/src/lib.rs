//! MCP servers: what can be said of one, settings of other programs, and a client.
//!
//! The client speaks both eras of the specification: `server/discover` of 2026-07-28 and the handshake of
//! everything before. It starts programs without a shell, in a process group of their own and with little
//! more in their environment than their configuration says.

mod check;
mod client;
pub mod gateway;
mod import;
mod oauth;

pub use check::check;
pub use client::{
    Absent, Answered, Asked, Connection, Elicited, Limits, McpError, Offers, Reach, bridge, probe,
    visible,
};
pub use import::{ImportError, Imported, Unclear, import};
pub use oauth::{
    Broker, Challenge, ClientHome, ClientProof, Grant, GrantState, Later, OauthError, Redirect,
    Registered, Revoked, SignIn, StoreError, TokenSource, TokenStore, TokenTerms, Unattended,
    Vouched, Wish, page_address, redirect, takes_resource,
};
