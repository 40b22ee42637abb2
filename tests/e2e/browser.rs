//! The UI in a real browser, against the engine that serves it.

#[path = "browser/main_flow.rs"]
mod main_flow;
#[path = "browser/stage.rs"]
mod stage;
#[path = "browser/terminal.rs"]
mod terminal;
