//! Reads the engine's events.
//!
//! Each kind is read as what it carries: reading the tagged enum would compile a second reader for
//! every type in it.

use berth_protocol::{Agent, Event, Message, Project, ProjectId, Session, SessionId};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct ProjectData {
    project: Project,
}

#[derive(Deserialize)]
struct ProjectGone {
    id: ProjectId,
}

#[derive(Deserialize)]
struct AgentsData {
    agents: Vec<Agent>,
}

#[derive(Deserialize)]
struct SessionData {
    session: Session,
}

#[derive(Deserialize)]
struct SessionGone {
    id: SessionId,
}

#[derive(Deserialize)]
struct MessageData {
    message: Message,
}

/// The event of this name. `None` for a kind that a newer engine sends.
pub fn read(name: &str, data: &str) -> Option<Event> {
    Some(match name {
        "reset" => Event::Reset,
        "project_changed" => Event::ProjectChanged {
            project: of::<ProjectData>(data)?.project,
        },
        "project_removed" => Event::ProjectRemoved {
            id: of::<ProjectGone>(data)?.id,
        },
        "agents_changed" => Event::AgentsChanged {
            agents: of::<AgentsData>(data)?.agents,
        },
        "session_changed" => Event::SessionChanged {
            session: Box::new(of::<SessionData>(data)?.session),
        },
        "session_removed" => Event::SessionRemoved {
            id: of::<SessionGone>(data)?.id,
        },
        "message_changed" => Event::MessageChanged {
            message: of::<MessageData>(data)?.message,
        },
        _ => return None,
    })
}

fn of<T: DeserializeOwned>(data: &str) -> Option<T> {
    match serde_json::from_str(data) {
        Ok(value) => Some(value),
        Err(error) => {
            web_sys::console::error_1(
                &format!("an event of the engine is not understood: {error}").into(),
            );
            None
        }
    }
}
