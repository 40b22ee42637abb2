//! The task behind a [`SessionHandle`](super::SessionHandle).

use std::{sync::Arc, time::Duration};

use berth_protocol::{Failure, Problem, Size, Status};
use bytes::Bytes;
use tokio::{
    sync::{broadcast, mpsc, oneshot},
    time::Instant,
};

use super::{
    Command, INPUT_LIMIT, SessionError, SessionEvent, Start, View,
    answering::Answering,
    interrupting::Interrupting,
    pace::Pace,
    sending::{EMPTY, GIVE_UP, Input, Sending, Step},
    turn::Turn,
    typed::Typed,
    viewer::{Frame, KEPT, Update},
};
use crate::{
    agents::ScreenRules,
    keys::{self, Typing},
    process::{Family, Reaper},
    pty::{Exit, InputError, Pty},
    reading::{self, Reading},
    recording::{Recorded, Recorder},
    router,
    terminal::Terminal,
};

/// Output of at least this many bytes at once is the beginning of more: an echo is shorter, and so
/// is what a program draws for a key.
const MUCH: usize = 2 * 1024;

/// How long more output is collected after much of it.
const COLLECT: Duration = Duration::from_millis(2);

/// While output flows, the screen is read at most this often.
const GLANCE: Duration = Duration::from_millis(60);

/// A program that prints nothing counts as started after this time.
pub(super) const SILENT_START: Duration = Duration::from_secs(1);

/// An agent whose screen matches no rule counts as waiting after this time of silence, so that a
/// CLI with a new face is never "starting" for ever.
pub(super) const UNCLEAR: Duration = Duration::from_secs(5);

/// However much it prints, a program counts as started after this time.
const LONGEST_START: Duration = Duration::from_secs(30);

/// An agent that has not begun to read keys counts as started after this time all the same: it may
/// ask something line by line. Where the network is cut, some wait for it far longer than
/// [`LONGEST_START`] before they draw their box.
const LONGEST_UNREAD: Duration = Duration::from_mins(1);

/// How long an agent that shows its box may go on starting: until it shows the conversation that it goes
/// on with, or no longer what it shows before it has started. After that it counts as ready.
pub(super) const LONGEST_BOXED_START: Duration = Duration::from_secs(20);

/// How long output may still come after the program and all its descendants have ended.
const DRAIN: Duration = Duration::from_secs(1);

pub(super) struct Actor {
    /// Its rules are those that the screen is read by now.
    pub(super) start: Start,
    /// The agent's own rules.
    pub(super) agent_rules: Arc<ScreenRules>,
    pub(super) pty: Arc<Pty>,
    family: Family,
    recorder: Option<Recorder>,
    events: mpsc::UnboundedSender<SessionEvent>,
    pub(super) terminal: Terminal,
    offset: u64,
    /// What users and scripts type.
    typing: Typing,
    updates: broadcast::Sender<Update>,
    pub(super) status: Status,
    pub(super) questions: u64,
    pub(super) sending: Option<Sending>,
    pub(super) answering: Option<Answering>,
    pub(super) interrupting: Option<Interrupting>,
    pub(super) turn: Option<Turn>,
    /// The exchange that ended because the agent seemed not to begin; it is taken up when it does.
    pub(super) unanswered: Option<Turn>,
    /// What was said to a program that marks no messages, and where its reply begins, once it has
    /// finished.
    pub(super) last_turn: Option<(String, usize)>,
    /// How often the program had begun to work by the end of the last turn.
    pub(super) works: u64,
    /// Which of the user's messages on the screen are known.
    pub(super) typed: Typed,
    /// When the program printed last.
    pub(super) printed: Instant,
    /// How promptly it prints while it works.
    pub(super) pace: Pace,
    pub(super) glance_at: Option<Instant>,
    pub(super) settle_at: Option<Instant>,
    pub(super) unclear_at: Option<Instant>,
    /// It was told that no rule matches the screen, and that the rules match again.
    pub(super) face_lost: bool,
    pub(super) face_found: bool,
    pub(super) started: Instant,
    /// By when the agent, which shows its box, counts as ready.
    pub(super) starts_by: Option<Instant>,
    /// When the agent was last seen not to have drawn anything yet.
    undrawn: Instant,
    /// Since when the agent has been blocked without a question that could be read.
    pub(super) blocked_since: Option<Instant>,
    stopping: bool,
    /// Ends what the program started since somebody stopped it.
    stop_sweep: Option<oneshot::Receiver<()>>,
}

impl Actor {
    pub fn new(
        start: Start,
        pty: Arc<Pty>,
        family: Family,
        recorder: Option<Recorder>,
        events: mpsc::UnboundedSender<SessionEvent>,
    ) -> Self {
        let now = Instant::now();
        Self {
            terminal: Terminal::new(start.launch.size),
            agent_rules: Arc::clone(&start.rules),
            start,
            pty,
            family,
            recorder,
            events,
            offset: 0,
            typing: Typing::default(),
            updates: broadcast::Sender::new(KEPT),
            status: Status::Starting,
            questions: 0,
            sending: None,
            answering: None,
            interrupting: None,
            turn: None,
            unanswered: None,
            last_turn: None,
            works: 0,
            typed: Typed::default(),
            printed: now,
            pace: Pace::default(),
            glance_at: None,
            settle_at: Some(now + SILENT_START),
            unclear_at: Some(now + UNCLEAR),
            face_lost: false,
            face_found: false,
            started: now,
            starts_by: None,
            undrawn: now,
            blocked_since: None,
            stopping: false,
            stop_sweep: None,
        }
    }

    pub async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        exit: oneshot::Receiver<Exit>,
    ) {
        let output = Arc::clone(&self.pty.output);
        let mut exit = Some(exit);
        let mut ended: Option<Exit> = None;
        let mut swept: Option<oneshot::Receiver<()>> = None;
        let mut drained_by: Option<Instant> = None;
        let mut output_open = true;
        let mut collect_until = None;
        loop {
            if ended.is_some()
                && swept.is_none()
                && (!output_open || drained_by.is_some_and(|by| by <= Instant::now()))
            {
                break;
            }
            let deadline = self.deadline().into_iter().chain(drained_by).min();
            tokio::select! {
                taken = output.take(collect_until), if output_open => match taken {
                    Some(bytes) => {
                        collect_until = (bytes.len() >= MUCH).then(|| Instant::now() + COLLECT);
                        self.printed(bytes);
                        // A flood always has more: without this the task would keep its thread,
                        // and neither its commands nor other tasks would have their turn.
                        tokio::task::yield_now().await;
                    }
                    None => output_open = false,
                },
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    // Every handle is gone: nobody could ever stop it.
                    None => self.stop(),
                },
                result = wait(&mut exit), if exit.is_some() => {
                    exit = None;
                    ended = Some(result);
                    swept = Some(self.sweep());
                }
                () = finished(&mut swept), if swept.is_some() => {
                    swept = None;
                    drained_by = Some(Instant::now() + DRAIN);
                }
                () = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    self.tick();
                }
            }
        }
        self.finish(ended.unwrap_or(Exit {
            code: None,
            signal: None,
        }));
    }

    fn deadline(&self) -> Option<Instant> {
        let sync = self.terminal.synchronized_until().map(Instant::from_std);
        let sending = self.sending.as_ref().map(Sending::deadline);
        [
            self.glance_at,
            self.settle_at,
            self.unclear_at,
            sync,
            sending,
            self.answering.as_ref().map(Answering::deadline),
            self.interrupting.as_ref().map(Interrupting::deadline),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Ends what the program left behind, in the background, after any earlier sweep: one that
    /// outlived this run would end the programs of the next, which have the same mark.
    fn sweep(&mut self) -> oneshot::Receiver<()> {
        let (done, swept) = oneshot::channel();
        let mut earlier = self.stop_sweep.take();
        let (reaper, family, grace): (Reaper, _, _) =
            (self.start.reaper.clone(), self.family, self.start.grace);
        let router = self.start.router.take();
        tokio::spawn(async move {
            if earlier.is_some() {
                finished(&mut earlier).await;
            }
            router::stop(router).await;
            reaper.end(family, grace).await;
            let _ = done.send(());
        });
        swept
    }

    fn stop(&mut self) {
        if !std::mem::replace(&mut self.stopping, true) {
            // The program is among those that are ended; its end is seen like any other.
            self.stop_sweep = Some(self.sweep());
        }
    }

    pub(super) fn printed(&mut self, bytes: Vec<u8>) {
        let bytes = Bytes::from(bytes);
        self.offset += bytes.len() as u64;
        // Viewers first: nothing that follows is for them. Without any there is nobody to tell.
        let _ = self.updates.send(Update::Output(Frame {
            bytes: bytes.clone(),
            offset: self.offset,
        }));
        let before = self.terminal.program_status();
        let replies = self.terminal.take(&bytes);
        let stated = self.terminal.program_status() != before;
        self.reply(replies);
        self.record(|recorder| recorder.output(&bytes));

        let now = Instant::now();
        // A program that waits for its user pauses for as long as that takes.
        if self.status == Status::Running {
            self.pace.paused(now - self.printed, now);
        }
        self.printed = now;
        self.follow();
        let starting = self.status == Status::Starting && self.start.rules.prompt.is_some();
        let settle = self.start.rules.settle;
        self.settle_at = Some(
            now + if starting {
                settle.max(self.start.rules.start_settle)
            } else {
                settle
            },
        );
        if self.status == Status::Starting {
            self.unclear_at = Some((now + UNCLEAR).min(self.undrawn + LONGEST_START));
        }
        if self.sending.is_some() || self.answering.is_some() || stated {
            self.look(false);
        } else if self.glance_at.is_none() {
            self.glance_at = Some(now + GLANCE);
        }
    }

    /// Takes up the last turn when the program prints more.
    fn follow(&mut self) {
        let follows = self.start.follow_output && self.start.rules.echo.is_none();
        if !follows
            || self.turn.is_some()
            || self.sending.is_some()
            || self.status != Status::Waiting
        {
            return;
        }
        // Before anything was said there is no reply, and the screen is all there is.
        let (sent, echoes) = self.last_turn.take().unwrap_or_default();
        self.turn = Some(Turn::new(Some(sent), self.works, echoes));
        self.set_status(Status::Running);
    }

    fn record(&mut self, act: impl FnOnce(&mut Recorder) -> std::io::Result<Recorded>) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        let reason = match act(recorder) {
            Ok(Recorded::All) => return,
            Ok(Recorded::Full) => "it reached its size limit".to_owned(),
            Err(error) => error.to_string(),
        };
        self.recorder = None;
        self.report(SessionEvent::RecordingStopped { reason });
    }

    fn reply(&self, bytes: Vec<u8>) {
        if !bytes.is_empty() && self.pty.write(bytes).is_err() {
            tracing::debug!(session = %self.start.id, "a terminal's answer was not read");
        }
    }

    pub(super) fn tick(&mut self) {
        self.terminal.draw();
        let now = Instant::now();
        if self
            .terminal
            .synchronized_until()
            .is_some_and(|at| Instant::from_std(at) <= now)
        {
            let replies = self.terminal.end_synchronized_update();
            self.reply(replies);
        }
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.interrupting.as_ref().map(Interrupting::deadline)) {
            self.press_on();
        }
        let mut settled = due(self.settle_at);
        if settled && self.pty.output.is_pending() {
            // What was printed while this task had no turn, and was not taken yet, is no pause.
            self.settle_at = Some(now + COLLECT);
            settled = false;
        }
        let glanced = due(self.glance_at);
        let sending = due(self.sending.as_ref().map(Sending::deadline))
            || due(self.answering.as_ref().map(Answering::deadline));
        if settled {
            self.settle_at = None;
        }
        if settled || glanced {
            self.glance_at = None;
        }
        if settled || glanced || sending {
            self.look(settled);
        }
        if due(self.unclear_at) {
            self.unclear_at = None;
            if self.is_yet_to_draw() {
                self.undrawn = now;
                self.unclear_at = Some(now + UNCLEAR);
            } else if let Some(by) = self.starts_by.filter(|by| now < *by) {
                self.unclear_at = Some(by);
            } else if self.status == Status::Starting {
                self.lose_face();
            }
        }
    }

    /// An agent with a box has not drawn anything yet that a rule could miss: what stands on its
    /// screen, if anything, are words from before it reads keys.
    fn is_yet_to_draw(&self) -> bool {
        let started = self.started.elapsed();
        self.start.rules.prompt.is_some()
            && (self.terminal.is_blank() && started < LONGEST_START
                || started < LONGEST_UNREAD && self.pty.collects_lines())
    }

    pub(super) fn advance_sending(&mut self, reading: &Reading) {
        let Some(mut sending) = self.sending.take() else {
            return;
        };
        match sending.step(&self.start.rules, &self.terminal, reading) {
            Step::Wait => self.sending = Some(sending),
            Step::Empty => {
                // Each by itself: keys that come at once are taken for pasted text.
                let form = self.terminal.key_form();
                let keys = EMPTY.iter().flat_map(|key| keys::press(key, form));
                let keys: Vec<u8> = keys.collect();
                match self.give(keys) {
                    Ok(()) => self.sending = Some(sending),
                    Err(error) => self.refuse(sending.taken, &error),
                }
            }
            Step::Asked => self.refuse(sending.taken, &SessionError::NeedsAttention),
            Step::Busy => self.refuse(sending.taken, &SessionError::Busy),
            Step::Type => {
                let typed = sending.typed(&self.terminal);
                self.press_for(sending, &typed);
            }
            Step::Enter => self.press_for(sending, b"\r"),
            Step::Taken => {
                self.end_earlier(&sending.content);
                self.turn = Some(Turn::new(
                    Some(sending.content.clone()),
                    sending.works,
                    sending.echoes,
                ));
                let stored = sending.taken;
                self.report(SessionEvent::Taken {
                    content: sending.content,
                    stored,
                });
                self.set_status(Status::Running);
                // An agent without a box may have answered already, and say nothing more.
                self.settle_at = Some(Instant::now() + self.start.rules.settle);
            }
            Step::Failed => self.refuse(sending.taken, &SessionError::NotTaken(GIVE_UP)),
            Step::NotShown => self.refuse(sending.taken, &SessionError::NotShown),
        }
    }

    /// Presses keys for a message on its way.
    fn press_for(&mut self, sending: Sending, keys: &[u8]) {
        match self.press(keys) {
            Ok(()) => self.sending = Some(sending),
            Err(error) => self.refuse(sending.taken, &error),
        }
    }

    fn refuse(
        &self,
        taken: oneshot::Sender<Result<berth_protocol::Message, Problem>>,
        error: &SessionError,
    ) {
        // Whoever sent it may have gone.
        let _ = taken.send(Err(error.problem(self.start.id)));
    }

    fn command(&mut self, command: Command) {
        self.terminal.draw();
        match command {
            Command::Input(bytes, answer) => {
                if bytes.contains(&b'\r') {
                    // What is entered begins something else, which nobody wants to interrupt.
                    self.interrupting = None;
                }
                // Of programs that do not mark messages none is ever found, and Enter means nothing.
                if self.start.rules.echo.is_some() {
                    self.typed.pressed(&bytes);
                }
                let _ = answer.send(self.type_in(&bytes));
            }
            Command::Send { content, taken } => self.send(content, taken),
            Command::Answer {
                attention,
                option,
                done,
            } => {
                self.choose(attention, &option, done);
            }
            Command::Interrupt(done) => {
                let _ = done.send(self.interrupt());
            }
            Command::Resize(size) => self.resize(size),
            Command::Screen(answer) => {
                let _ = answer.send(self.terminal.screen());
            }
            Command::View(answer) => {
                let _ = answer.send(View {
                    snapshot: Bytes::from(self.terminal.snapshot()),
                    offset: self.offset,
                    size: self.terminal.size(),
                    updates: self.updates.subscribe(),
                });
            }
            Command::Stop => self.stop(),
        }
    }

    /// Passes on what a user or a script types.
    fn type_in(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        if bytes.len() > INPUT_LIMIT {
            return Err(SessionError::Stuck);
        }
        let bytes = self.typing.write(bytes, self.terminal.key_form());
        self.give(bytes)
    }

    /// Presses keys, whatever else is being typed.
    pub(super) fn press(&mut self, keys: &[u8]) -> Result<(), SessionError> {
        self.give(keys::press(keys, self.terminal.key_form()))
    }

    fn give(&mut self, bytes: Vec<u8>) -> Result<(), SessionError> {
        self.pty.write(bytes).map_err(input_error)?;
        if self.start.rules.foreground {
            // A shell that starts a silent job prints nothing that would make anybody look.
            self.settle_at = Some(Instant::now() + self.start.rules.settle);
        }
        Ok(())
    }

    fn send(
        &mut self,
        content: String,
        taken: oneshot::Sender<Result<berth_protocol::Message, Problem>>,
    ) {
        let refusal = match &self.status {
            _ if self.stopping => Some(SessionError::Ended),
            _ if self.sending.is_some() => Some(SessionError::Busy),
            Status::Starting => Some(SessionError::Starting),
            Status::NeedsAttention { .. } => Some(SessionError::NeedsAttention),
            Status::Running => Some(SessionError::Busy),
            // What was typed would be mistaken for this message, and this for what was typed.
            _ if self.typed.just_entered() => Some(SessionError::Busy),
            _ => None,
        };
        if let Some(error) = refusal {
            return self.refuse(taken, &error);
        }
        let echoes = if self.start.rules.echo.is_none() {
            self.terminal.rows_above_cursor()
        } else {
            reading::messages(&self.start.rules, &self.terminal)
                .map_or(self.typed.known(), |messages| messages.len())
        };
        let input = if self.has_unknown_face() {
            Input::Unknown
        } else if self.start.rules.prompt.is_some() {
            Input::Box
        } else {
            Input::Line
        };
        let works = self.terminal.program_works();
        self.sending = Some(Sending::new(content, taken, works, echoes, input));
        let reading = reading::read(&self.start.rules, &self.terminal);
        self.advance_sending(&reading);
    }

    fn resize(&mut self, size: Size) {
        let size = size.clamped();
        if size == self.terminal.size() {
            return;
        }
        self.terminal.resize(size);
        self.typed.resized();
        self.pty.resize(size);
        self.record(|recorder| recorder.resized(size));
        let _ = self.updates.send(Update::Resized(size));
        self.report(SessionEvent::Resized(size));
    }

    pub(super) fn report(&self, event: SessionEvent) {
        if self.events.send(event).is_err() {
            tracing::debug!(session = %self.start.id, "nobody listens to the session any more");
        }
    }

    fn finish(mut self, exit: Exit) {
        self.terminal.draw();
        if let Some(sending) = self.sending.take() {
            self.refuse(sending.taken, &SessionError::Ended);
        }
        if let Some(answering) = self.answering.take() {
            // The answer may have been the reason.
            answering.tell(Ok(()));
        }
        if let Some(turn) = self.turn.take()
            && let Some(sent) = turn.sent
        {
            let (rules, terminal) = (&self.start.rules, &self.terminal);
            // What a program writes that has taken its input box away is about its end: last words to its
            // user, or why it crashed.
            let is_gone = rules.prompt.is_some() && reading::read(rules, terminal).input.is_none();
            let content = if is_gone && !turn.reported.is_empty() {
                turn.reported
            } else {
                reading::reply_beyond(rules, terminal, &sent, true, turn.echoes, &turn.reported)
            };
            self.report(SessionEvent::Reply {
                content,
                parts: Vec::new(),
                complete: true,
            });
        }
        let early = matches!(self.status, Status::Starting) && !self.stopping;
        let status = match exit {
            Exit {
                code: Some(code), ..
            } if early && code != 0 => Status::Failed {
                failure: Failure {
                    code: berth_protocol::Code::SpawnFailed,
                    detail: format!(
                        "{} ended with code {code} before it was ready: {}",
                        self.start.launch.program.display(),
                        last_words(&self.terminal)
                    ),
                },
            },
            Exit { code, signal } => Status::Exited { code, signal },
        };
        let _ = self.updates.send(Update::Ended(status.clone()));
        let screen = self.terminal.screen().text;
        self.report(SessionEvent::Ended { status, screen });
    }
}

/// The last lines on the screen, as the reason of an early end.
fn last_words(terminal: &Terminal) -> String {
    let text = terminal.screen().text;
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(4)..].join(" / ");
    if last.is_empty() {
        "it printed nothing".to_owned()
    } else {
        last.chars().take(400).collect()
    }
}

fn input_error(error: InputError) -> SessionError {
    match error {
        InputError::Stuck => SessionError::Stuck,
        InputError::Ended => SessionError::Ended,
    }
}

async fn wait(exit: &mut Option<oneshot::Receiver<Exit>>) -> Exit {
    let lost = Exit {
        code: None,
        signal: None,
    };
    match exit {
        Some(exit) => exit.await.unwrap_or(lost),
        None => std::future::pending().await,
    }
}

async fn finished(swept: &mut Option<oneshot::Receiver<()>>) {
    match swept {
        // An error means that the sweep's task is gone, which is as good as finished.
        Some(swept) => drop(swept.await),
        None => std::future::pending().await,
    }
}
