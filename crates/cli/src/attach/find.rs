//! Which session somebody means.

use berth_protocol::{Session, SessionId};

#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error("there is no session {0:?}")]
    None(String),
    #[error("{} sessions are meant by {name:?}: {}", .found.len(), shown(.found))]
    Several {
        name: String,
        found: Vec<(SessionId, String)>,
    },
}

impl FindError {
    pub fn hint(&self) -> &'static str {
        match self {
            Self::None(_) => {
                "Name it by its id, the beginning of its id, or its whole title; `berth open` shows all."
            }
            Self::Several { .. } => "Name one of them by its id.",
        }
    }
}

fn shown(found: &[(SessionId, String)]) -> String {
    let each: Vec<String> = found
        .iter()
        .map(|(id, title)| format!("{id} ({title})"))
        .collect();
    each.join(", ")
}

/// The session that has this id, this title, or alone an id that begins so. Of sessions with the same
/// title the one that runs is meant.
pub fn find<'a>(sessions: &'a [Session], name: &str) -> Result<&'a Session, FindError> {
    let id = name.parse::<SessionId>().ok();
    let by_id = sessions.iter().filter(|session| Some(session.id) == id);
    let by_title = sessions.iter().filter(|session| session.title == name);
    let live = by_title.clone().filter(|session| session.status.is_live());
    let begin = name.to_ascii_lowercase();
    let by_prefix = sessions
        .iter()
        .filter(|session| !begin.is_empty() && session.id.to_string().starts_with(&begin));
    let ways: [Vec<&Session>; 4] = [
        by_id.collect(),
        live.collect(),
        by_title.collect(),
        by_prefix.collect(),
    ];
    let found = ways.into_iter().find(|found| !found.is_empty());
    match found.as_deref() {
        None | Some([]) => Err(FindError::None(name.to_owned())),
        Some([session]) => Ok(session),
        Some(several) => Err(FindError::Several {
            name: name.to_owned(),
            found: several
                .iter()
                .map(|session| (session.id, session.title.clone()))
                .collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const SECOND: &str = "01890a5d-ffff-774b-bcce-b302099a8057";

    fn session(id: &str, title: &str, status: &str) -> Session {
        let json = serde_json::json!({
            "id": id, "project_id": FIRST, "agent": "shell", "title": title,
            "status": status, "code": 0, "signal": null,
            "workspace": {"kind": "in_place", "path": "/p", "branch": null, "base": null, "base_commit": null},
            "transport": "pty", "permission_mode": null, "command": null,
            "size": {"rows": 40, "cols": 120}, "run": 1, "changes": null,
            "created_at": "1970-01-01T00:00:00Z", "updated_at": "1970-01-01T00:00:00Z",
            "ended_at": null, "archived_at": null,
        });
        serde_json::from_value(json).unwrap()
    }

    /// The id of the session that is found, or how many might be meant.
    #[track_caller]
    fn check(sessions: &[Session], name: &str, expected: Result<&str, usize>) {
        let found = match find(sessions, name) {
            Ok(session) => Ok(session.id.to_string()),
            Err(FindError::None(_)) => Err(0),
            Err(FindError::Several { found, .. }) => Err(found.len()),
        };
        assert_eq!(found, expected.map(str::to_owned), "{name:?}");
    }

    #[test]
    fn an_id_the_beginning_of_one_and_a_title_name_a_session() {
        let sessions = [
            session(FIRST, "one", "waiting"),
            session(SECOND, "two", "waiting"),
        ];
        check(&sessions, FIRST, Ok(FIRST));
        check(&sessions, "01890a5d-a", Ok(FIRST));
        check(&sessions, "01890A5D-F", Ok(SECOND));
        check(&sessions, "two", Ok(SECOND));
        check(&sessions, "01890a5d", Err(2));
        for unknown in ["", "tw", "two ", "0189ff"] {
            check(&sessions, unknown, Err(0));
        }
    }

    #[test]
    fn of_several_with_a_title_the_one_that_runs_is_meant() {
        let ended = session(FIRST, "same", "exited");
        let live = session(SECOND, "same", "running");
        check(&[ended.clone(), live.clone()], "same", Ok(SECOND));
        check(&[live.clone(), live], "same", Err(2));
        check(std::slice::from_ref(&ended), "same", Ok(FIRST));
        check(&[ended.clone(), ended], "same", Err(2));
    }
}
