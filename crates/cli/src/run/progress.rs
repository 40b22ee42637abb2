//! What a session's states mean for a command that gave it one message.

use berth_protocol::{Attention, Failure, Session, Status, Timestamp};

/// How it went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The agent has worked on the message and waits for another one.
    Finished,
    /// The agent asks something.
    Asked {
        attention: Attention,
        /// It has taken the message.
        taken: bool,
    },
    /// The program has ended.
    Exited {
        code: Option<i32>,
        signal: Option<String>,
        /// It has taken the message.
        taken: bool,
    },
    /// The program could not be started, or was lost.
    Failed(Failure),
}

/// Follows the states of one session, from its start.
pub struct Progress {
    at: Timestamp,
    worked: bool,
    word: &'static str,
    /// The agent could take the message and has not.
    pub reluctant: bool,
}

/// What a state brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The status is another one than before.
    pub status: Option<&'static str>,
    /// Nothing more is to be waited for.
    pub outcome: Option<Outcome>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            at: Timestamp::MIN,
            worked: false,
            word: "",
            reluctant: false,
        }
    }
}

impl Progress {
    /// Takes the next state.
    ///
    /// The agent waits before it has taken the message and, for a moment, after that: it has finished
    /// when it waits after it was seen working on it.
    pub fn take(&mut self, session: &Session) -> Step {
        // After a gap the newest state is fetched, and older ones may follow it.
        if session.updated_at < self.at {
            return Step::default();
        }
        self.at = session.updated_at;
        let taken = session.undelivered.is_none();
        let waiting = session.status == Status::Waiting;
        self.worked |= taken && session.status == Status::Running;
        self.reluctant = waiting && !taken;
        let outcome = match &session.status {
            Status::Waiting if self.worked => Some(Outcome::Finished),
            Status::Starting | Status::Running | Status::Waiting => None,
            Status::NeedsAttention { attention } => Some(Outcome::Asked {
                attention: attention.clone(),
                taken,
            }),
            Status::Exited { code, signal } => Some(Outcome::Exited {
                code: *code,
                signal: signal.clone(),
                taken,
            }),
            Status::Failed { failure } => Some(Outcome::Failed(failure.clone())),
        };
        let word = session.status.word();
        let status = (word != self.word).then_some(word);
        self.word = word;
        Step { status, outcome }
    }

    /// Takes the state that was fetched after changes were missed: one of them may have told that the
    /// agent works.
    pub fn take_after_gap(&mut self, session: &Session) -> Step {
        self.worked |= session.undelivered.is_none();
        self.take(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(second: i64, status: Status, delivered: bool) -> Session {
        let json = serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000001",
            "project_id": "00000000-0000-0000-0000-000000000002",
            "agent": "claude",
            "title": "a title",
            "status": "waiting",
            "workspace": {"kind": "in_place", "path": "/p", "branch": null, "base": null, "base_commit": null},
            "transport": "pty",
            "permission_mode": null,
            "command": null,
            "size": {"rows": 40, "cols": 120},
            "run": 1,
            "changes": null,
            "undelivered": (!delivered).then_some("00000000-0000-0000-0000-000000000003"),
            "created_at": Timestamp::UNIX_EPOCH,
            "updated_at": Timestamp::from_second(second).unwrap(),
            "ended_at": null,
            "archived_at": null,
        });
        let session: Session = serde_json::from_value(json).unwrap();
        Session { status, ..session }
    }

    fn asked() -> Status {
        Status::NeedsAttention {
            attention: Attention {
                id: "1-1".to_owned(),
                question: "May I?".to_owned(),
                options: Vec::new(),
                needs: None,
            },
        }
    }

    fn exited(code: i32) -> Status {
        Status::Exited {
            code: Some(code),
            signal: None,
        }
    }

    /// The outcome of states that follow each other, each with whether the message is taken.
    fn outcome(states: &[(Status, bool)]) -> Option<Outcome> {
        let mut progress = Progress::default();
        let mut second = 0;
        states.iter().find_map(|(status, taken)| {
            second += 1;
            progress
                .take(&session(second, status.clone(), *taken))
                .outcome
        })
    }

    #[test]
    fn an_agent_has_finished_when_it_waits_after_it_has_worked_on_the_message() {
        let mut states = vec![
            (Status::Starting, false),
            (Status::Running, false),
            (Status::Waiting, false),
            // Taken, and not yet seen working.
            (Status::Waiting, true),
            (Status::Running, true),
        ];
        assert_eq!(outcome(&states), None);
        states.push((Status::Waiting, true));
        assert_eq!(outcome(&states), Some(Outcome::Finished));
    }

    #[test]
    fn questions_and_ends_say_whether_the_message_was_taken() {
        for taken in [false, true] {
            let Some(Outcome::Asked { taken: told, .. }) = outcome(&[(asked(), taken)]) else {
                panic!("it is a question");
            };
            assert_eq!(told, taken);
            let end = outcome(&[(Status::Running, taken), (exited(4), taken)]);
            let expected = Outcome::Exited {
                code: Some(4),
                signal: None,
                taken,
            };
            assert_eq!(end, Some(expected));
        }
    }

    #[test]
    fn an_older_state_than_the_last_one_changes_nothing() {
        let mut progress = Progress::default();
        let now = progress.take_after_gap(&session(9, Status::Running, true));
        assert_eq!(now.status, Some("running"));
        let old = progress.take(&session(8, Status::Waiting, true));
        assert_eq!(old, Step::default());
        let new = progress.take(&session(10, Status::Waiting, true));
        assert_eq!(new.outcome, Some(Outcome::Finished));
    }

    #[test]
    fn after_a_gap_an_agent_that_waits_has_finished_unless_it_has_not_taken_the_message() {
        for (delivered, expected) in [(true, Some(Outcome::Finished)), (false, None)] {
            let mut progress = Progress::default();
            let step = progress.take_after_gap(&session(1, Status::Waiting, delivered));
            assert_eq!(step.outcome, expected);
            assert_eq!(progress.reluctant, !delivered);
        }
    }
}
