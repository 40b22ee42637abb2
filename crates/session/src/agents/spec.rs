//! The data of one agent, as it stands in its `agent.toml`.

use std::{sync::Arc, time::Duration};

use berth_protocol::{AgentId, RouterKind, tenant::Autonomy};
use regex::Regex;
use semver::Version;
use serde::{Deserialize, Deserializer};

use super::{
    RouterRules,
    conversation::ConversationRules,
    injection::{ConfigFormat, McpRules, PromptRules},
};

/// What Berth knows of one agent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Name in requests.
    pub id: AgentId,
    /// Name for people.
    pub name: String,
    /// Names of its program, the usual one first. Empty when it has no program of its own.
    pub programs: Vec<String>,
    /// Folders where its installer puts it, besides those of all agents; `~` is the home.
    #[serde(default)]
    pub usual_folders: Vec<String>,
    /// Arguments that make it print its version.
    #[serde(default = "version_args")]
    pub version_args: Vec<String>,
    /// The oldest version that knows everything that Berth starts it with. Set only where it was looked up
    /// or tried; an older one is refused.
    #[serde(default, deserialize_with = "version")]
    pub minimum_version: Option<Version>,
    /// How to install it.
    #[serde(default)]
    pub install_hint: Option<String>,
    /// How to sign in.
    #[serde(default)]
    pub sign_in_hint: Option<String>,
    /// Its package on npm, when its version stands there and asking the program for it does harm.
    #[serde(default)]
    pub package: Option<String>,
    /// The agent that is run in its place: how to start and read that one is not said again here.
    #[serde(default)]
    pub runs: Option<AgentId>,
    /// It cannot be run without a router.
    #[serde(default)]
    pub needs_router: bool,
    /// How it is sent through routers.
    #[serde(default)]
    pub router: Vec<RouterRules>,
    /// How to start it; absent while there is no adapter.
    #[serde(default)]
    pub launch: Option<LaunchRules>,
    /// How it begins, keeps and resumes conversations; absent when it cannot resume one.
    #[serde(default)]
    pub conversation: Option<ConversationRules>,
    /// How it is given instructions on a terminal; absent when it takes none.
    #[serde(default)]
    pub instructions: Option<PromptRules>,
    /// How it is given MCP servers on a terminal; absent when it takes none.
    #[serde(default)]
    pub mcp: Option<McpRules>,
    /// Settings in which both may go in.
    #[serde(default)]
    pub config: Option<ConfigFormat>,
    /// Its permission modes, the default first.
    #[serde(default)]
    pub permission_modes: Vec<PermissionRule>,
    /// How to start it for the Agent Client Protocol; absent when it does not speak it.
    #[serde(default)]
    pub acp: Option<AcpRules>,
    /// How to read its screen.
    #[serde(default, deserialize_with = "shared")]
    pub screen: Arc<ScreenRules>,
}

/// How to start an agent for the Agent Client Protocol.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcpRules {
    /// Names of the program that speaks it, when that is not the agent's own.
    #[serde(default)]
    pub programs: Vec<String>,
    /// How to install that program.
    #[serde(default)]
    pub install_hint: Option<String>,
    /// Arguments, as in [`LaunchRules`].
    #[serde(default)]
    pub args: Vec<String>,
    /// Variables added to the environment. `{program}` is replaced by the path of the agent's own
    /// program; without one the variable is left out.
    #[serde(default)]
    pub env: std::collections::BTreeMap<String, String>,
    /// What a conversation is begun or loaded with besides, as `_meta` of the request.
    #[serde(default)]
    pub meta: serde_json::Map<String, serde_json::Value>,
    /// How it is given instructions; absent when it takes none there. MCP servers go in by the protocol.
    #[serde(default)]
    pub instructions: Option<PromptRules>,
    /// It goes on with a conversation of another run when that is loaded; so they all say of themselves.
    #[serde(default = "yes")]
    pub loads: bool,
    /// Words that it says for programs and not for its user.
    #[serde(default, deserialize_with = "shared_patterns")]
    pub noise: Arc<[Regex]>,
}

/// How to start an agent on a terminal. What [`ConversationRules`] and [`PromptRules`] add stands behind its
/// arguments unless `{conversation_args}` says otherwise.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchRules {
    /// Arguments. `{permission_mode}` is replaced inside an argument; `{permission_args}` alone by the mode's
    /// own arguments, and `{conversation_args}` alone by those that begin or resume a conversation.
    #[serde(default)]
    pub args: Vec<String>,
    /// Variables added to the environment.
    #[serde(default)]
    pub env: std::collections::BTreeMap<String, String>,
}

/// A permission mode and how to ask for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermissionRule {
    /// Name in requests.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// What it allows, in one sentence.
    pub description: String,
    /// How much the agent does in it without asking, at the most.
    pub autonomy: Autonomy,
    /// The agent's own checks are off.
    #[serde(default)]
    pub unchecked: bool,
    /// Arguments that stand for it.
    #[serde(default)]
    pub args: Vec<String>,
    /// Variables that stand for it.
    #[serde(default)]
    pub env: std::collections::BTreeMap<String, String>,
    /// The agent's name for it over its protocol; empty when arguments or variables say it there too.
    /// Absent when it is not to be had there.
    #[serde(default)]
    pub acp: Option<String>,
}

/// How to read an agent's screen. Patterns are matched against single rows without blanks at
/// their end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScreenRules {
    /// How long output must pause before the screen counts as settled, in milliseconds.
    #[serde(rename = "settle_ms", deserialize_with = "milliseconds")]
    pub settle: Duration,
    /// How long it must pause while the program starts before its input box counts, in milliseconds: a terminal
    /// program that is still asking its terminal what it can do takes typed text for the answer, and one that loads
    /// a conversation may throw it away.
    #[serde(rename = "start_settle_ms", deserialize_with = "milliseconds")]
    pub start_settle: Duration,
    /// How long output must pause once `finished` matches, in milliseconds, at most: a program may say that it has
    /// finished before it has drawn the end of its answer, which another thread of it prepares. One that has drawn
    /// promptly need not pause as long; below 150 this is the time itself.
    #[serde(rename = "finished_settle_ms", deserialize_with = "milliseconds")]
    pub finished_settle: Duration,
    /// First row of the input box; group 1 is what is typed in it. Absent for programs without
    /// one, which count as ready whenever they are quiet.
    #[serde(deserialize_with = "pattern")]
    pub prompt: Option<Regex>,
    /// Row directly above the input box, where it has one.
    #[serde(deserialize_with = "pattern")]
    pub border: Option<Regex>,
    /// Every row of the input box looks like its first; which is first is told by the border.
    pub framed: bool,
    /// Most rows with text that may stand from the input box to the end of the screen.
    pub prompt_within: usize,
    /// What the input box shows while nothing is typed.
    #[serde(deserialize_with = "pattern")]
    pub placeholder: Option<Regex>,
    /// What the input box shows in place of a long pasted text, and of the path of an image.
    #[serde(deserialize_with = "pattern")]
    pub pasted: Option<Regex>,
    /// How long Enter is held back once a pasted text stands in the box, in milliseconds: some programs
    /// take one that comes sooner for a line break of the text.
    #[serde(rename = "enter_after_ms", deserialize_with = "milliseconds")]
    pub enter_after: Duration,
    /// Rows that stand on the screen only until the program has started, below a box that it draws
    /// before that: a question may still take the place of the box. They count until the program says
    /// something of itself, and for 20 seconds at most.
    #[serde(deserialize_with = "patterns")]
    pub starting: Vec<Regex>,
    /// Rows that stand on the screen only while the agent works.
    #[serde(deserialize_with = "patterns")]
    pub busy: Vec<Regex>,
    /// First row of the user's message as the agent repeats it; group 1 is its text.
    #[serde(deserialize_with = "pattern")]
    pub echo: Option<Regex>,
    /// Row that stands above the user's messages and nothing else, with no blank row between. Without
    /// it a row of the answer that looks like a message would be taken for one.
    #[serde(deserialize_with = "pattern")]
    pub echo_border: Option<Regex>,
    /// The user's messages stand on a background of their own, from the first column on.
    pub echo_filled: bool,
    /// The row that is found for the input box stands below it, with a blank row between.
    pub input_above: bool,
    /// The program reads lines: only while it does, it has bracketed paste (DEC mode 2004) switched on.
    pub reads_lines: bool,
    /// The keys that make the program stop what it does, one after the other. Escape for agents with an
    /// input box and Ctrl-C for others when absent.
    pub interrupt: Vec<String>,
    /// Row right above the input box that says that the answer is complete, for agents that have
    /// one: nothing more needs to be waited for then.
    #[serde(deserialize_with = "pattern")]
    pub finished: Option<Regex>,
    /// Rows of a reply that are the agent's furniture, not its words.
    #[serde(deserialize_with = "patterns")]
    pub noise: Vec<Regex>,
    /// Mark before each paragraph of the agent's words; the rest of it is indented as deep.
    #[serde(deserialize_with = "pattern")]
    pub bullet: Option<Regex>,
    /// First row of what the agent reports of a tool, behind its mark.
    #[serde(deserialize_with = "pattern")]
    pub tool: Option<Regex>,
    /// The program runs jobs in the foreground of its terminal, as shells do: it is ready when it
    /// owns the terminal itself.
    pub foreground: bool,
}

impl Default for ScreenRules {
    fn default() -> Self {
        Self {
            settle: Duration::from_millis(200),
            start_settle: Duration::from_millis(500),
            finished_settle: Duration::from_millis(20),
            prompt: None,
            border: None,
            framed: false,
            prompt_within: 8,
            placeholder: None,
            pasted: None,
            enter_after: Duration::ZERO,
            starting: Vec::new(),
            busy: Vec::new(),
            echo: None,
            echo_border: None,
            echo_filled: false,
            input_above: false,
            reads_lines: false,
            interrupt: Vec::new(),
            finished: None,
            noise: Vec::new(),
            bullet: None,
            tool: None,
            foreground: false,
        }
    }
}

impl ScreenRules {
    /// The keys that make the program stop what it does, each to be pressed by itself.
    pub fn interrupt_keys(&self) -> Vec<Vec<u8>> {
        if !self.interrupt.is_empty() {
            let keys = self.interrupt.iter();
            return keys.map(|keys| keys.clone().into_bytes()).collect();
        }
        vec![if self.prompt.is_some() {
            b"\x1b".to_vec()
        } else {
            b"\x03".to_vec()
        }]
    }
}

impl Spec {
    /// Reads an `agent.toml`.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Takes over how the agent that is run in its place is started and read.
    pub(super) fn run_as(&mut self, runner: Self) {
        self.launch = runner.launch;
        self.conversation = runner.conversation;
        self.instructions = runner.instructions;
        self.mcp = runner.mcp;
        self.config = runner.config;
        self.permission_modes = runner.permission_modes;
        self.acp = runner.acp;
        self.screen = runner.screen;
        self.router = runner.router;
    }

    /// How to install what speaks the Agent Client Protocol for this agent.
    pub fn acp_install_hint(&self) -> Option<&str> {
        let acp = self.acp.as_ref()?;
        let own = acp
            .programs
            .is_empty()
            .then_some(self.install_hint.as_deref());
        own.unwrap_or(acp.install_hint.as_deref())
    }

    /// The permission modes that can be had over the protocol.
    pub fn acp_modes(&self) -> impl Iterator<Item = &str> {
        let modes = self.permission_modes.iter();
        modes
            .filter(|mode| mode.acp.is_some())
            .map(|mode| mode.id.as_str())
    }
}

impl Spec {
    /// It can go on with a conversation of an earlier run.
    pub fn resumes(&self) -> bool {
        let rules = self.conversation.as_ref();
        rules.is_some_and(|rules| !rules.resume.is_empty())
    }

    /// A terminal shows the messages of a conversation that it goes on with.
    pub fn shows_earlier(&self) -> bool {
        self.conversation.as_ref().is_some_and(|rules| rules.shown)
    }

    /// The kinds of router that its requests can go through.
    pub fn routers(&self) -> impl Iterator<Item = RouterKind> {
        self.router
            .iter()
            .flat_map(|rules| rules.kinds.iter().copied())
    }
}

fn yes() -> bool {
    true
}

fn version_args() -> Vec<String> {
    vec!["--version".to_owned()]
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Version>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Regex::new(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

/// A pattern that must be there.
pub(super) fn patterns_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    let text = String::deserialize(deserializer)?;
    Regex::new(&text).map_err(serde::de::Error::custom)
}

fn shared<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<T>, D::Error> {
    T::deserialize(deserializer).map(Arc::new)
}

fn shared_patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[Regex]>, D::Error> {
    patterns(deserializer).map(Arc::from)
}

fn patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Regex>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts
        .iter()
        .map(|text| Regex::new(text).map_err(serde::de::Error::custom))
        .collect()
}
