//! Decisions of the UI that need no browser: parsing, grouping, wording and layout arithmetic.

pub mod activity;
pub mod agent_form;
pub mod approval;
pub mod case;
pub mod command_line;
pub mod compose;
pub mod fuzzy;
pub mod groups;
pub mod keys;
pub mod lists;
pub mod new_session;
pub mod order;
pub mod parts;
pub mod patch;
pub mod paths;
pub mod prompt_form;
pub mod prompts;
pub mod route;
pub mod router_form;
pub mod router_presets;
pub mod sse;
pub mod status;
pub mod time;
pub mod trail;
pub mod transcript;
pub mod windowing;
