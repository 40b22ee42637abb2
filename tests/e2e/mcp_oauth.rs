//! Signing in to MCP servers: with a real OAuth server and a real browser, against hostile servers, with
//! several processes at once, and as the conformance suite of the protocol wants it.

#![cfg(unix)]

mod mcp_oauth {
    mod attacks;
    mod broker;
    mod browser;
    mod conformance;
    mod sign_in;
    mod stage;
    mod unattended;
}
