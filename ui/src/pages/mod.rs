//! The pages. A page composes components and decides nothing.

pub mod audit;
pub mod home;
pub mod mcp;
pub mod no_token;
pub mod organization;
pub mod page;
pub mod projects;
pub mod prompts;
pub mod session;
pub mod settings;
