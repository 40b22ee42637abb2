//! A running session: one task that owns the terminal, the recording and the state of the
//! conversation, and answers commands one after the other.
//!
//! It wakes on output, on commands and on a few deadlines that exist only while something is
//! going on; a quiet session sleeps. What it learns it reports as [`SessionEvent`]s in order; the
//! engine stores them.

mod actor;
mod answering;
mod face;
mod interrupting;
mod pace;
mod sending;
mod status;
mod turn;
mod typed;
mod viewer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use berth_protocol::{Code, Message, Part, Problem, Screen, SessionId, Size, Status};
use tokio::sync::{mpsc, oneshot};

pub(crate) use viewer::KEPT;
pub use viewer::{Frame, Update, View};

use crate::{
    agents::ScreenRules,
    process::{Family, Reaper},
    pty::{Launch, Pty, PtyError},
    recording::Recorder,
    router::Instance,
};

/// Commands that wait for a session, at most.
pub(crate) const COMMANDS: usize = 64;

/// Most bytes of one input, 1 MiB.
pub const INPUT_LIMIT: usize = 1024 * 1024;

/// What a session is started with.
pub struct Start {
    /// The session.
    pub id: SessionId,
    /// Which start of the session this is.
    pub run: u32,
    /// What to run.
    pub launch: Launch,
    /// How to read its screen.
    pub rules: Arc<ScreenRules>,
    /// Where its recording goes; a file that must not exist. Absent when nothing is recorded.
    pub recording: Option<PathBuf>,
    /// What a program that marks no messages prints unasked, or to keys, belongs to its last reply, which
    /// is reported once more. Otherwise nothing is reported of it.
    pub follow_output: bool,
    /// It goes on with a conversation whose messages the agent shows before it takes another.
    pub shows_earlier: bool,
    /// Title in the recording.
    pub title: String,
    /// The router that its requests go through; it is stopped with the session.
    pub router: Option<Instance>,
    /// Ends what the program leaves behind.
    pub reaper: Reaper,
    /// How long the program has to end when it is stopped.
    pub grace: Duration,
}

/// What a session reports, in order.
#[derive(Debug)]
pub enum SessionEvent {
    /// It is doing something else now.
    Status(Status),
    /// The agent took a message. The receiver answers with the message as it was stored, or waits for that.
    Taken {
        /// What was sent.
        content: String,
        /// Goes to whoever sent it.
        stored: oneshot::Sender<Result<Message, Problem>>,
    },
    /// The user typed a message into the terminal, and the agent took it.
    Typed {
        /// The message as the agent repeats it.
        content: String,
    },
    /// No rule matches the agent's screen: from now on it is read as plain text.
    ScreenUnknown,
    /// The rules match after all, and it is read by them again.
    ScreenKnown,
    /// The agent has begun a conversation of this name, or goes on with it.
    Conversation {
        /// The agent's name for it.
        name: String,
        /// It was held before.
        resumed: bool,
    },
    /// The agent has said this so far since the last message.
    Reply {
        /// All of it.
        content: String,
        /// What it is made of, of agents that tell.
        parts: Vec<Part>,
        /// It has finished.
        complete: bool,
    },
    /// The terminal has a new size.
    Resized(Size),
    /// The recording ended before the session.
    RecordingStopped {
        /// Why, for people.
        reason: String,
    },
    /// The program and everything it started have ended. Nothing comes after this.
    Ended {
        /// How.
        status: Status,
        /// The text that stood on the screen last.
        screen: String,
    },
}

/// Why a command could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The program has ended.
    #[error("the session has ended")]
    Ended,
    /// The program is starting.
    #[error("the agent is still starting")]
    Starting,
    /// The agent asks something.
    #[error("the agent waits for an answer to a question")]
    NeedsAttention,
    /// The agent works.
    #[error("the agent works on another message")]
    Busy,
    /// The agent took neither a message nor an answer.
    #[error("the agent did not take it within {0} s")]
    NotTaken(u64),
    /// Nobody knows what the agent's screen is.
    #[error(
        "no rule of Berth knows the agent's screen, and what was typed does not appear on it; Enter was not pressed"
    )]
    NotShown,
    /// The program does not read.
    #[error("the program does not read its input")]
    Stuck,
    /// The question is gone.
    #[error("the question {0} is no longer open")]
    AttentionGone(String),
    /// It has no such answer.
    #[error("the question has no answer {0}")]
    NoSuchOption(String),
    /// There is nothing to type into.
    #[error("the agent is spoken to over its protocol and has no terminal to type into")]
    NoTerminal,
}

impl SessionError {
    /// The stable code of this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Ended => Code::SessionEnded,
            Self::Starting | Self::NotShown => Code::SessionNotReady,
            Self::NeedsAttention => Code::SessionNeedsAttention,
            Self::Busy => Code::SessionBusy,
            Self::NotTaken(_) | Self::Stuck => Code::MessageNotTaken,
            Self::AttentionGone(_) => Code::AttentionGone,
            Self::NoSuchOption(_) => Code::BadRequest,
            Self::NoTerminal => Code::TransportUnsupported,
        }
    }

    /// The error as it goes over the wire.
    pub fn problem(&self, id: SessionId) -> Problem {
        Problem::new(self.code(), format!("session {id}: {self}"))
    }
}

pub(crate) type Answer<T> = oneshot::Sender<Result<T, SessionError>>;

pub(crate) enum Command {
    Input(Vec<u8>, Answer<()>),
    Send {
        content: String,
        taken: oneshot::Sender<Result<Message, Problem>>,
    },
    Answer {
        attention: String,
        option: String,
        done: Answer<()>,
    },
    Interrupt(Answer<()>),
    Resize(Size),
    Screen(oneshot::Sender<Screen>),
    View(oneshot::Sender<View>),
    Stop,
}

/// Speaks to a running session. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SessionHandle {
    id: SessionId,
    run: u32,
    /// Its processes.
    pub family: Family,
    commands: mpsc::Sender<Command>,
}

/// Starts a program and the task that serves it. Blocks for the time of a fork.
///
/// The recording is best effort: when it cannot be created the session runs without one and says
/// so in its first event.
pub fn start(
    start: Start,
) -> Result<(SessionHandle, mpsc::UnboundedReceiver<SessionEvent>), PtyError> {
    let (pty, exit) = Pty::spawn(&start.launch)?;
    let leader = crate::process::started_at(pty.pid).map(|at| (pty.pid, at));
    let family = Family {
        session: start.id,
        leader,
        servers: false,
    };
    let (events, receiver) = mpsc::unbounded_channel();
    let size = start.launch.size;
    let recorder = recorder(start.recording.as_deref(), size, &start.title, &events);
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let handle = SessionHandle::new(start.id, start.run, family, commands);
    tokio::spawn(
        actor::Actor::new(start, Arc::new(pty), family, recorder, events).run(inbox, exit),
    );
    Ok((handle, receiver))
}

/// Begins a recording, if there is to be one; that it cannot be made is told.
pub(crate) fn recorder(
    path: Option<&Path>,
    size: Size,
    title: &str,
    events: &mpsc::UnboundedSender<SessionEvent>,
) -> Option<Recorder> {
    Recorder::create(path?, size, title, crate::recording::CAP)
        .inspect_err(|error| {
            // Whoever started the session has the receiver.
            let _ = events.send(SessionEvent::RecordingStopped {
                reason: error.to_string(),
            });
        })
        .ok()
}

impl SessionHandle {
    pub(crate) fn new(
        id: SessionId,
        run: u32,
        family: Family,
        commands: mpsc::Sender<Command>,
    ) -> Self {
        Self {
            id,
            run,
            family,
            commands,
        }
    }

    /// The session.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Which start of the session this is.
    pub fn run(&self) -> u32 {
        self.run
    }

    /// Types into the terminal.
    pub async fn input(&self, bytes: Vec<u8>) -> Result<(), SessionError> {
        self.ask(|answer| Command::Input(bytes, answer)).await?
    }

    /// Sends a message to the agent and waits until it took it and whoever hears the events has answered.
    pub async fn send(&self, content: String) -> Result<Message, Problem> {
        let ended = || SessionError::Ended.problem(self.id);
        self.ask(|taken| Command::Send { content, taken })
            .await
            .map_err(|_| ended())?
    }

    /// Chooses one of the answers that the agent offers.
    pub async fn answer(&self, attention: String, option: String) -> Result<(), SessionError> {
        self.ask(|done| Command::Answer {
            attention,
            option,
            done,
        })
        .await?
    }

    /// Makes the agent stop what it does, as Escape or Ctrl-C does.
    pub async fn interrupt(&self) -> Result<(), SessionError> {
        self.ask(Command::Interrupt).await?
    }

    /// Changes the terminal's size.
    pub async fn resize(&self, size: Size) -> Result<(), SessionError> {
        self.commands
            .send(Command::Resize(size))
            .await
            .map_err(|_| SessionError::Ended)
    }

    /// The visible screen.
    pub async fn screen(&self) -> Result<Screen, SessionError> {
        self.ask(Command::Screen).await
    }

    /// Everything a new viewer needs.
    pub async fn view(&self) -> Result<View, SessionError> {
        self.ask(Command::View).await
    }

    /// Ends the program and everything it started. [`SessionEvent::Ended`] tells when it is done.
    pub async fn stop(&self) {
        // A closed channel means that it has ended already.
        let _ = self.commands.send(Command::Stop).await;
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, SessionError> {
        let (answer, answered) = oneshot::channel();
        self.commands
            .send(command(answer))
            .await
            .map_err(|_| SessionError::Ended)?;
        answered.await.map_err(|_| SessionError::Ended)
    }
}

#[cfg(all(test, unix))]
mod timing_tests;
