//! The task behind the handle of a session over the protocol.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use agent_client_protocol::{
    Error,
    v1::{
        Responder,
        schema::{
            PermissionOption, PermissionOptionKind, RequestPermissionOutcome,
            RequestPermissionRequest, RequestPermissionResponse, SelectedPermissionOutcome,
            SessionUpdate, StopReason,
        },
    },
};
use berth_protocol::{
    Attention, AttentionOption, Message, Part, Problem, Size, Status, ToolOutput, content_of,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::ChildStderr,
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Start,
    account::{Account, Look},
    connection::{self, Conversation, Incoming, Wish},
    process::Process,
    refusal::{self, Refusal},
    turn::{Turn, Written, early_end},
};
use crate::{
    live::{Command, SessionError, SessionEvent},
    process::Family,
    pty::Exit,
    router::{self, Instance},
};

/// While words come, they are reported at most this often: each report has all of the reply, and an answer
/// may come in tens of thousands of pieces.
const GROWTH: Duration = Duration::from_millis(60);

/// Rows of the program's standard error that are kept to explain its end.
const LAST_WORDS: usize = 6;

/// How long it may still come after everything has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// Longest row of it that is kept, in bytes; what is longer goes on in the next.
const LONGEST_ROW: u64 = 1000;

pub struct Actor {
    start: Arc<Start>,
    family: Family,
    account: Account,
    events: mpsc::UnboundedSender<SessionEvent>,
    status: Status,
    conversation: Option<Conversation>,
    turn: Option<Turn>,
    /// When what has come since the last report is reported.
    report_at: Option<Instant>,
    /// What the agent asks, the question that is shown first.
    questions: VecDeque<Question>,
    asked: u64,
    last_words: VecDeque<String>,
    refusal: Option<Refusal>,
    stopping: bool,
    router: Option<Instance>,
}

struct Question {
    attention: Attention,
    responder: Responder<RequestPermissionResponse>,
}

impl Actor {
    pub fn new(
        mut start: Start,
        family: Family,
        account: Account,
        events: mpsc::UnboundedSender<SessionEvent>,
    ) -> Self {
        let router = start.router.take();
        Self {
            start: Arc::new(start),
            family,
            account,
            events,
            status: Status::Starting,
            conversation: None,
            turn: None,
            report_at: None,
            questions: VecDeque::new(),
            asked: 0,
            last_words: VecDeque::new(),
            refusal: None,
            stopping: false,
            router,
        }
    }

    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>, process: Process) {
        let (sender, mut incoming) = mpsc::unbounded_channel();
        let ended = CancellationToken::new();
        let mut connecting = tokio::spawn(connection::connect(
            (process.input, process.output),
            Wish {
                folder: self.start.launch.cwd.clone(),
                mode: self.start.mode.clone(),
                resume: self.start.resume.clone(),
                instructions: self.start.instructions.clone(),
                mcp_servers: self.start.mcp_servers.clone(),
                meta: self.start.meta.clone(),
            },
            sender,
            ended.clone(),
        ));
        let (said, mut rows) = mpsc::channel(64);
        let reading = tokio::spawn(read_rows(process.errors, said));
        let mut exit = process.exit;
        let mut stop_sweep = None;
        let exit = loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Stop) | None => {
                        // Without a handle nobody could ever stop it.
                        self.stopping = true;
                        stop_sweep.get_or_insert_with(|| self.sweep());
                    }
                    Some(command) => self.command(command),
                },
                Some(message) = incoming.recv() => {
                    self.incoming(message);
                    if self.refusal.is_some() {
                        stop_sweep.get_or_insert_with(|| self.sweep());
                    }
                }
                Some(row) = rows.recv() => self.said_besides(&row),
                () = sleep_until(self.report_at), if self.report_at.is_some() => {
                    self.report_reply(false);
                }
                exit = &mut exit => break exit,
            }
        };
        if let Some(swept) = stop_sweep {
            // An error means that the sweep's task is gone, which is as good as finished.
            let _ = swept.await;
        }
        // After any earlier one: what a stop does not find, the end does.
        let _ = self.sweep().await;
        // What it said last is still on its way; nobody should have its output any more.
        if tokio::time::timeout(DRAIN, &mut connecting).await.is_err() {
            ended.cancel();
            connecting.abort();
        }
        while let Ok(message) = incoming.try_recv() {
            self.incoming(message);
        }
        // Nobody should have its standard error any more.
        let last_words = async {
            while let Some(row) = rows.recv().await {
                self.said_besides(&row);
            }
        };
        if tokio::time::timeout(DRAIN, last_words).await.is_err() {
            reading.abort();
        }
        self.finish(exit.unwrap_or(Exit {
            code: None,
            signal: None,
        }));
    }

    /// Ends everything that the program has started, in the background.
    fn sweep(&mut self) -> oneshot::Receiver<()> {
        let (done, swept) = oneshot::channel();
        let (reaper, family, grace) = (self.start.reaper.clone(), self.family, self.start.grace);
        let router = self.router.take();
        tokio::spawn(async move {
            router::stop(router).await;
            reaper.end(family, grace).await;
            // The session may be gone.
            let _ = done.send(());
        });
        swept
    }

    fn command(&mut self, command: Command) {
        match command {
            // Whoever asked may have gone; that holds for every answer here.
            Command::Input(_, answer) => drop(answer.send(Err(SessionError::NoTerminal))),
            Command::Send { content, taken } => self.send(content, taken),
            Command::Answer {
                attention,
                option,
                done,
            } => drop(done.send(self.answer(&attention, &option))),
            Command::Interrupt(done) => drop(done.send(self.interrupt())),
            Command::Resize(size) => self.resize(size),
            Command::Screen(answer) => drop(answer.send(self.account.screen())),
            Command::View(answer) => drop(answer.send(self.account.view())),
            // Heard by the loop.
            Command::Stop => {}
        }
    }

    fn send(&mut self, content: String, taken: oneshot::Sender<Result<Message, Problem>>) {
        let refusal = match &self.status {
            _ if self.stopping => Some(SessionError::Ended),
            Status::Waiting => None,
            Status::Starting => Some(SessionError::Starting),
            Status::NeedsAttention { .. } => Some(SessionError::NeedsAttention),
            _ => Some(SessionError::Busy),
        };
        let conversation = self.conversation.as_ref();
        let sent = match (refusal, conversation) {
            (Some(refusal), _) => Err(refusal),
            (None, None) => Err(SessionError::Starting),
            (None, Some(conversation)) => {
                conversation.send(&content).map_err(|_| SessionError::Ended)
            }
        };
        if let Err(error) = sent {
            // Whoever sent it may have gone.
            let _ = taken.send(Err(error.problem(self.start.id)));
            return;
        }
        self.turn = Some(Turn::default());
        self.rows(Look::Bold, &format!("> {content}"));
        self.report(SessionEvent::Taken {
            content,
            stored: taken,
        });
        self.set_status(Status::Running);
    }

    fn incoming(&mut self, message: Incoming) {
        match message {
            Incoming::Ready(conversation) => {
                self.report(SessionEvent::Conversation {
                    name: conversation.name(),
                    resumed: conversation.is_resumed(),
                });
                self.conversation = Some(conversation);
                self.set_status(Status::Waiting);
            }
            Incoming::Update(update) => self.update(*update),
            Incoming::Asks(request, responder) => self.ask(*request, responder),
            Incoming::Finished(result) => self.finished(result),
            Incoming::Failed(refusal) => {
                if self.status != Status::Starting {
                    self.rows(Look::Dim, "The connection to the agent is lost.");
                }
                // The first reason is the real one, but for this: with it everything else fails too.
                if refusal == Refusal::Endless {
                    self.refusal = Some(refusal);
                } else {
                    self.refusal.get_or_insert(refusal);
                }
            }
        }
    }

    fn update(&mut self, update: SessionUpdate) {
        // What comes between turns belongs to none: lists of commands, and what was said earlier.
        let Some(turn) = &mut self.turn else {
            return;
        };
        if self.start.is_noise(&update) {
            return;
        }
        let Some(written) = turn.take(update) else {
            return;
        };
        if let Some(written) = written {
            self.write(written);
        }
        self.report_at
            .get_or_insert_with(|| Instant::now() + GROWTH);
    }

    fn ask(
        &mut self,
        request: RequestPermissionRequest,
        responder: Responder<RequestPermissionResponse>,
    ) {
        let id = request.tool_call.tool_call_id.0.to_string();
        if let Some(turn) = &mut self.turn {
            // The question tells of the tool too, sometimes before anything else does.
            turn.take(SessionUpdate::ToolCallUpdate(request.tool_call.clone()));
        }
        self.asked += 1;
        let attention = Attention {
            id: format!("{}-{}", self.start.run, self.asked),
            question: self.question(&id),
            options: options(request.options),
            needs: None,
        };
        self.rows(Look::Bold, &format!("? {}", attention.question));
        self.questions.push_back(Question {
            attention,
            responder,
        });
        if self.turn.is_some() {
            // A question between turns belongs to no reply.
            self.report_reply(false);
        }
        self.look();
    }

    /// What the agent wants to do, as far as it says.
    fn question(&self, tool: &str) -> String {
        let parts = self.turn.iter().flat_map(|turn| &turn.parts);
        let call = parts.into_iter().rev().find_map(|part| match part {
            Part::Tool(call) if call.id == tool => Some(call),
            _ => None,
        });
        let Some(call) = call else {
            return "The agent asks for a permission.".to_owned();
        };
        let mut rows = vec![call.title.clone()];
        let said = |rows: &[String], text: &str| rows.iter().any(|row| row.contains(text));
        for path in &call.paths {
            let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
            if !said(&rows, name) {
                rows.push(path.clone());
            }
        }
        for output in &call.output {
            match output {
                ToolOutput::Text { text } if !said(&rows, text.trim()) => {
                    rows.push(text.trim().to_owned());
                }
                ToolOutput::Diff { path, .. } => {
                    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
                    if !said(&rows, name) {
                        rows.push(path.clone());
                    }
                }
                ToolOutput::Text { .. } => {}
            }
        }
        rows.retain(|row| !row.is_empty());
        rows.join("\n")
    }

    fn answer(&mut self, attention: &str, option: &str) -> Result<(), SessionError> {
        let gone = || SessionError::AttentionGone(attention.to_owned());
        let open = self.questions.front().ok_or_else(gone)?;
        if open.attention.id != attention {
            return Err(gone());
        }
        if !open
            .attention
            .options
            .iter()
            .any(|known| known.id == option)
        {
            return Err(SessionError::NoSuchOption(option.to_owned()));
        }
        let question = self.questions.pop_front().ok_or_else(gone)?;
        let chosen = SelectedPermissionOutcome::new(option.to_owned());
        let outcome = RequestPermissionOutcome::Selected(chosen);
        let answered = question
            .responder
            .respond(RequestPermissionResponse::new(outcome));
        self.look();
        answered.map_err(|_| SessionError::Ended)
    }

    /// Asks the agent to stop, and takes its questions back, as the protocol wants it (prompt turn,
    /// cancellation).
    fn interrupt(&mut self) -> Result<(), SessionError> {
        let (Some(_), Some(conversation)) = (&self.turn, &self.conversation) else {
            return Ok(());
        };
        let cancelled = conversation.cancel();
        self.take_questions_back();
        self.look();
        cancelled.map_err(|_| SessionError::Ended)
    }

    fn take_questions_back(&mut self) {
        for question in self.questions.drain(..) {
            let outcome = RequestPermissionOutcome::Cancelled;
            // The agent may have gone.
            let _ = question
                .responder
                .respond(RequestPermissionResponse::new(outcome));
        }
    }

    fn finished(&mut self, result: Result<StopReason, Error>) {
        let Some(turn) = &mut self.turn else {
            return;
        };
        turn.end_tools();
        let notice = match result {
            Ok(reason) => early_end(reason).map(str::to_owned),
            // Some have said it already.
            Err(error) => Some(connection::said(&error)).filter(|error| !turn.has_said(error)),
        };
        if let Some(notice) = notice {
            let written = turn.notice(notice);
            self.write(written);
        }
        self.take_questions_back();
        self.report_reply(true);
        self.turn = None;
        self.set_status(Status::Waiting);
    }

    /// Tells what the session is doing by what it has: a question, or a turn.
    fn look(&mut self) {
        let status = match (self.questions.front(), &self.turn) {
            (Some(question), _) => Status::NeedsAttention {
                attention: question.attention.clone(),
            },
            (None, Some(_)) => Status::Running,
            (None, None) if self.conversation.is_some() => Status::Waiting,
            (None, None) => return,
        };
        self.set_status(status);
    }

    fn resize(&mut self, size: Size) {
        let size = size.clamped();
        let (resized, stopped) = self.account.resize(size);
        self.recording_stopped(stopped);
        if resized {
            self.report(SessionEvent::Resized(size));
        }
    }

    /// Keeps what the program says on its standard error: adapters log there, so it is shown only when it
    /// may explain an end.
    fn said_besides(&mut self, row: &str) {
        if row.trim().is_empty() {
            return;
        }
        self.last_words.push_back(row.to_owned());
        if self.last_words.len() > LAST_WORDS {
            self.last_words.pop_front();
        }
    }

    fn write(&mut self, written: Written) {
        match written {
            Written::Words(look, text) => {
                let stopped = self.account.go_on(look, &text);
                self.recording_stopped(stopped);
            }
            Written::Row(text) => self.rows(Look::Dim, &text),
        }
    }

    fn rows(&mut self, look: Look, text: &str) {
        let stopped = self.account.rows(look, text);
        self.recording_stopped(stopped);
    }

    fn recording_stopped(&self, reason: Option<String>) {
        if let Some(reason) = reason {
            self.report(SessionEvent::RecordingStopped { reason });
        }
    }

    fn report_reply(&mut self, complete: bool) {
        self.report_at = None;
        let parts = self.turn.as_ref().map(|turn| turn.parts.clone());
        let parts = parts.unwrap_or_default();
        self.report(SessionEvent::Reply {
            content: content_of(&parts),
            parts,
            complete,
        });
    }

    fn set_status(&mut self, status: Status) {
        if status != self.status {
            self.status = status.clone();
            self.report(SessionEvent::Status(status));
        }
    }

    fn report(&self, event: SessionEvent) {
        if self.events.send(event).is_err() {
            tracing::debug!(session = %self.start.id, "nobody listens to the session any more");
        }
    }

    fn finish(mut self, exit: Exit) {
        if let Some(turn) = &mut self.turn {
            turn.end_tools();
            self.report_reply(true);
        }
        let early = self.status == Status::Starting && !self.stopping;
        if !self.stopping && exit.code != Some(0) {
            for row in std::mem::take(&mut self.last_words) {
                self.rows(Look::Dim, &row);
                self.last_words.push_back(row);
            }
        }
        let broke = self.refusal == Some(Refusal::Endless);
        let status = if early || (broke && !self.stopping) {
            Status::Failed {
                failure: refusal::failure(
                    &self.start,
                    self.refusal.as_ref(),
                    &self.last_words,
                    &exit,
                ),
            }
        } else {
            Status::Exited {
                code: exit.code,
                signal: exit.signal,
            }
        };
        let screen = self.account.screen().text;
        self.account.end(status.clone());
        self.report(SessionEvent::Ended { status, screen });
    }
}

/// The answers that an agent offers, in the same order for all agents: what allows least comes first.
fn options(mut options: Vec<PermissionOption>) -> Vec<AttentionOption> {
    options.sort_by_key(|option| match option.kind {
        PermissionOptionKind::AllowOnce => 0,
        PermissionOptionKind::AllowAlways => 1,
        PermissionOptionKind::RejectOnce => 2,
        PermissionOptionKind::RejectAlways => 3,
        _ => 4,
    });
    let options = options.into_iter().map(|option| {
        let label = match option.kind {
            // Some name their answers for programs.
            _ if !option.name.contains('_') => option.name,
            PermissionOptionKind::AllowOnce => "Allow once".to_owned(),
            PermissionOptionKind::AllowAlways => "Allow always".to_owned(),
            PermissionOptionKind::RejectOnce => "Reject".to_owned(),
            PermissionOptionKind::RejectAlways => "Reject always".to_owned(),
            _ => option.name,
        };
        AttentionOption {
            id: option.option_id.0.to_string(),
            label,
        }
    });
    options.collect()
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Hands over the rows that a program says besides.
async fn read_rows(errors: ChildStderr, rows: mpsc::Sender<String>) {
    let mut lines = BufReader::new(errors);
    let mut row = Vec::new();
    loop {
        row.clear();
        match (&mut lines)
            .take(LONGEST_ROW)
            .read_until(b'\n', &mut row)
            .await
        {
            Ok(1..) => {
                let text = String::from_utf8_lossy(&row).trim_end().to_owned();
                if rows.send(text).await.is_err() {
                    return;
                }
            }
            Ok(0) | Err(_) => return,
        }
    }
}
