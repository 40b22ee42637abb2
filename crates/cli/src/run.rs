//! `berth run`: one message to an agent, its answer on the standard output, and an exit code.

mod end;
mod follow;
mod given;
mod json;
mod modes;
mod progress;
mod start;
mod text;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use berth_protocol::{
    AgentId, Attention, CreateSession, Event, Message, MessagePage, Role, Session, Transport,
    WorkspaceRequest,
};
use clap::Args;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use self::{
    end::End,
    follow::{FollowError, Follower},
    json::Line,
    modes::{known_agent, modes},
    progress::{Outcome, Progress},
    start::{StartError, explained, project, prompt, router},
    text::Text,
};
use crate::{
    api::{Api, ApiError},
    client, signals,
};

/// Exit code of a command that was not used as it is meant to be; clap has the same.
const USAGE: u8 = 2;

/// How long an agent that waits may leave the message untaken: the engine gives up after 15 s, and
/// tells nobody.
const RELUCTANCE: Duration = Duration::from_secs(20);

/// What stands under the options in the help.
pub const AFTER_HELP: &str = "\
Exit codes:
  0    the agent has finished and waits, or its program has ended without an error
  1    the session failed, the agent ended with an error, or the engine was lost
  2    the command is not usable as it was given
  3    the agent asks a question, which nobody can answer here
  124  the time of --timeout is up
  130  Ctrl-C: the agent was interrupted; a second one ends the command at once

At the end the session is stopped unless --keep is given. Its workspace, transcript and recording
stay; the standard error names them.

With --json each line is an object with a field `type`:
  session    id, agent, title, project, workspace, branch, permission_mode: the session has started
  message    id, role (user or agent), content, partial, at: a message was added, grew or was
             completed; it always has the whole content, and the same id while it is partial
  status     status: starting, running, waiting, needs_attention, exited or failed
  attention  id, question, options ({id, label}): what the agent asks
  result     result (finished, asked, exited, failed, not_taken, timed_out, interrupted or lost),
             exit_code, session, workspace, branch, reply (the agent's last complete message),
             detail: always the last line";

#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub struct Options {
    /// The agent, such as claude, codex or shell
    #[arg(long, short, value_name = "NAME")]
    agent: AgentId,
    /// Folder to work on; it becomes a project if it is none [default: the current one]
    #[arg(long, short, value_name = "FOLDER")]
    project: Option<PathBuf>,
    /// How much the agent may do without asking [default: the agent's own, with its checks on]
    #[arg(long, value_name = "MODE")]
    permission_mode: Option<String>,
    /// How the agent is spoken to: pty reads its terminal, acp uses the Agent Client Protocol
    #[arg(long, value_name = "TRANSPORT", default_value = "pty", value_parser = ["pty", "acp"])]
    transport: String,
    /// Work in the project's folder itself [default: in a git worktree of its own where that can be]
    #[arg(long)]
    in_place: bool,
    /// Name of the session [default: the beginning of the prompt]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// File with instructions that are added to the agent's own system prompt
    #[arg(long, value_name = "FILE")]
    instructions: Option<PathBuf>,
    /// File with MCP servers for the agent, as JSON with an object mcpServers
    #[arg(long, value_name = "FILE")]
    mcp_config: Option<PathBuf>,
    /// Router that the agent's requests go through, by its name or identifier
    #[arg(long, value_name = "ROUTER")]
    router: Option<String>,
    /// Print events as JSON, one a line
    #[arg(long)]
    json: bool,
    /// Leave the session running at the end
    #[arg(long)]
    keep: bool,
    /// Give up after this time
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    timeout: Option<u64>,
    /// The message to the agent; read from the standard input when it is - or absent
    #[arg(value_name = "PROMPT")]
    prompt: Option<String>,
    /// Program and arguments of the agent custom
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
}

pub async fn run(data_dir: PathBuf, options: Options) -> ExitCode {
    let since = Instant::now();
    let deadline = options
        .timeout
        .map(|seconds| (since + Duration::from_secs(seconds), seconds));
    let prompt = match prompt(options.prompt.clone()).await {
        Ok(prompt) => prompt,
        Err(error) => return refused(&error),
    };
    let mut asked = signals::requests();
    let mut run = match Run::start(data_dir, &options, prompt).await {
        Ok(run) => run,
        Err(error) => return refused(&error),
    };
    let end = run.until_end(deadline, &mut asked).await;
    run.finish(end, options.keep).await.into()
}

fn refused(error: &StartError) -> ExitCode {
    client::fail(error, error.hint());
    if let StartError::Choice(wrong) | StartError::Bound(wrong) = error {
        for choice in &wrong.choices {
            eprintln!("    {choice}");
        }
    }
    error.exit().into()
}

/// A session that runs for this command.
struct Run {
    follower: Follower,
    session: Session,
    progress: Progress,
    text: Text,
    json: bool,
    /// The agent's last complete message.
    reply: Option<Message>,
}

impl Run {
    async fn start(
        data_dir: PathBuf,
        options: &Options,
        prompt: String,
    ) -> Result<Self, StartError> {
        let folder = match &options.project {
            Some(folder) => std::path::absolute(folder),
            None => std::env::current_dir(),
        };
        let folder = folder.map_err(StartError::CurrentFolder)?;
        let instructions = options.instructions.as_deref().map(given::text);
        let instructions = instructions.transpose()?;
        let mcp_servers = options.mcp_config.as_deref().map(given::mcp_servers);
        let mcp_servers = mcp_servers.transpose()?.unwrap_or_default();
        let api = Api::start(data_dir.clone()).await?;
        let project = project(&api, folder).await?;
        let router = match &options.router {
            Some(wanted) => Some(router(&api, wanted).await?),
            None => None,
        };
        let follower = Follower::open(api, data_dir).await?;
        let request = CreateSession {
            project_id: project.id,
            agent: options.agent.clone(),
            message: Some(prompt),
            title: options.title.clone(),
            workspace: options.in_place.then_some(WorkspaceRequest::InPlace),
            transport: (options.transport == "acp").then_some(Transport::Acp),
            permission_mode: options.permission_mode.clone(),
            command: (!options.command.is_empty()).then(|| options.command.clone()),
            router,
            size: None,
            instructions,
            mcp_servers,
        };
        let created: Result<Session, _> = follower.api.post("/sessions", &request).await;
        let session = match created {
            Ok(session) => session,
            Err(error) => {
                let mode = options.permission_mode.as_deref();
                return Err(explained(&follower.api, error, &options.agent, mode).await);
            }
        };
        let run = Self {
            follower,
            session,
            progress: Progress::default(),
            text: Text::default(),
            json: options.json,
            reply: None,
        };
        eprintln!(
            "berth: session {} works in {}",
            run.session.id, run.session.workspace.path
        );
        if run.json {
            // Whoever does not read is noticed at the next line.
            let _ = print(&Line::session(&run.session, &project.path).text());
        }
        Ok(run)
    }

    async fn until_end(
        &mut self,
        deadline: Option<(Instant, u64)>,
        asked: &mut mpsc::Receiver<u8>,
    ) -> End {
        let time_is_up = async {
            match deadline {
                Some((at, seconds)) => {
                    sleep_until(at).await;
                    seconds
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(code) = asked.recv() => End::Interrupted(code),
            seconds = time_is_up => End::TimedOut(seconds),
            end = self.follow() => end,
        }
    }

    /// Prints what happens until there is a result.
    async fn follow(&mut self) -> End {
        let mut give_up = None;
        loop {
            let not_taken = async {
                match give_up {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                event = self.follower.next(self.session.id) => event,
                () = not_taken => return End::NotTaken,
            };
            let end = match event {
                Ok(event) => self.heard(event).await,
                Err(error) => return End::Lost(error),
            };
            match end {
                Ok(Some(end)) => return end,
                Ok(None) => {}
                Err(error) => return End::Unread(error),
            }
            give_up = match give_up {
                _ if !self.progress.reluctant => None,
                Some(at) => Some(at),
                None => Some(Instant::now() + RELUCTANCE),
            };
        }
    }

    async fn heard(&mut self, event: Event) -> io::Result<Option<End>> {
        let id = self.session.id;
        match event {
            Event::MessageChanged { message } if message.session_id == id => {
                self.said(message)?;
                Ok(None)
            }
            Event::SessionChanged { session } if session.id == id => {
                let step = self.progress.take(&session);
                self.session = *session;
                self.stepped(step)
            }
            Event::SessionRemoved { id: removed } if removed == id => Ok(Some(End::Removed)),
            Event::Reset => self.fetch().await,
            _ => Ok(None),
        }
    }

    /// Some events were missed: everything is fetched anew.
    async fn fetch(&mut self) -> io::Result<Option<End>> {
        let id = self.session.id;
        let path = format!("/sessions/{id}");
        let messages = format!("{path}/messages?limit=1000");
        let fetched = async {
            let session: Session = self.follower.api.get(&path).await?;
            let page: MessagePage = self.follower.api.get(&messages).await?;
            Ok::<_, ApiError>((session, page))
        };
        let (session, page) = match fetched.await {
            Ok(fetched) => fetched,
            Err(error) => return Ok(Some(End::Lost(FollowError::Lost(error)))),
        };
        for message in page.messages {
            self.said(message)?;
        }
        let step = self.progress.take_after_gap(&session);
        self.session = session;
        self.stepped(step)
    }

    fn stepped(&mut self, step: progress::Step) -> io::Result<Option<End>> {
        if self.json {
            if let Some(status) = step.status {
                print(&Line::Status { status }.text())?;
            }
            if let Some(Outcome::Asked { attention, .. }) = &step.outcome {
                let line = Line::Attention {
                    id: &attention.id,
                    question: &attention.question,
                    options: &attention.options,
                };
                print(&line.text())?;
            }
        }
        Ok(step.outcome.map(End::Outcome))
    }

    fn said(&mut self, message: Message) -> io::Result<()> {
        if self.json {
            print(&Line::message(&message).text())?;
        } else {
            print(&self.text.message(&message))?;
        }
        if message.role == Role::Agent && !message.partial {
            self.reply = Some(message);
        }
        Ok(())
    }

    /// Says how it ended, ends the session, and returns the exit code.
    async fn finish(mut self, end: End, keep: bool) -> u8 {
        if !self.json {
            // It is the end, read or not.
            let _ = print(&self.text.close());
        }
        let detail = end.detail(&self.session.agent);
        match &end {
            End::Outcome(Outcome::Asked { attention, taken }) => {
                self.tell_question(attention, *taken).await;
            }
            End::Unread(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            _ => {
                if let Some(detail) = &detail {
                    eprintln!("berth: {detail}");
                }
            }
        }
        self.leave(&end, keep).await;
        let exit = end.exit();
        if self.json {
            let workspace = &self.session.workspace;
            let line = Line::Result {
                result: end.word(),
                exit_code: exit,
                session: self.session.id.to_string(),
                workspace: &workspace.path,
                branch: workspace.branch.as_deref(),
                reply: self.reply.as_ref().map(|reply| reply.content.as_str()),
                detail: detail.as_deref(),
            };
            let _ = print(&line.text());
        }
        exit
    }

    async fn leave(&self, end: &End, keep: bool) {
        let api = &self.follower.api;
        let id = self.session.id;
        let path = &self.session.workspace.path;
        let gone = matches!(end, End::Lost(_) | End::Removed);
        let ended = !self.session.status.is_live();
        if matches!(end, End::Interrupted(_)) && !ended {
            // It may have ended or finished meanwhile.
            let _ = api.interrupt(id).await;
        }
        if gone {
            eprintln!("berth: the work of session {id} is in {path}");
        } else if keep && !ended {
            eprintln!("berth: session {id} goes on in {path}; look at it with: berth attach {id}");
        } else {
            match api.stop(id).await {
                Ok(_) => eprintln!("berth: session {id} has ended; its work is in {path}"),
                Err(error) => {
                    eprintln!("berth: session {id} was not stopped; its work is in {path}");
                    client::fail(&error, error.hint());
                }
            }
        }
    }

    /// Says what is asked and how it could have been avoided.
    async fn tell_question(&self, attention: &Attention, taken: bool) {
        let agent = &self.session.agent;
        eprintln!("berth: {agent} asks, and nobody can answer here:");
        for line in attention.question.lines() {
            eprintln!("  {line}");
        }
        for option in &attention.options {
            eprintln!("  - {}", option.label);
        }
        if !taken {
            eprintln!(
                "  It asks this before it takes a message, in any permission mode: answer it once, with \
                 --keep and `berth attach`, or by starting {agent} yourself."
            );
            return;
        }
        let current = self.session.permission_mode.as_deref();
        if let Some(known) = known_agent(&self.follower.api, agent).await {
            let modes = modes(&known, current);
            if !modes.is_empty() {
                eprintln!("  Another permission mode may avoid the question:");
                for mode in modes {
                    eprintln!("    {mode}");
                }
            }
        }
        eprintln!("  To answer it yourself, run with --keep and use `berth attach`.");
    }
}

/// Prints at once what is not empty.
fn print(text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
