//! Sessions: an agent CLI on a terminal of its own, its screen, its words and its recording.
//!
//! [`live::start`] puts a program on a pseudo-terminal and returns a handle; [`agents`] holds what
//! differs between the CLIs as data; [`router`] runs what may stand between them and their providers;
//! [`reading`] turns screens into status and messages. Nothing here stores anything but recordings: what must last is reported as events.

pub mod acp;
pub mod agents;
pub mod environment;
#[cfg(unix)]
mod group;
mod keys;
pub mod live;
pub mod process;
mod program;
pub mod pty;
pub mod reading;
pub mod recording;
pub mod router;
pub mod terminal;
mod utf8;
