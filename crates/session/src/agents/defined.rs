//! Agents that a user described: their definition made into the same data as those of `agent.toml`.

use std::{sync::Arc, time::Duration};

use berth_protocol::{
    AgentDefinition, AgentId, FieldProblem, InterruptKey, ModeDefinition, ScreenDefinition,
    tenant::Autonomy,
};
use regex::{Regex, RegexBuilder};

use super::{
    FOLDERS, ScreenRules, Spec,
    injection::{ConfigFormat, McpRules, PromptRules},
    read,
    spec::{AcpRules, LaunchRules, PermissionRule},
};

/// Largest compiled pattern, in bytes: each is matched against every row of a screen.
const PATTERN: usize = 256 * 1024;

/// A pause of output after which a screen counts as settled, with an input box and without.
const SETTLE_WITH_BOX: u64 = 200;
const SETTLE_WITHOUT: u64 = 800;

/// Makes the data of an agent.
///
/// # Errors
/// What is wrong with the definition, by field.
pub fn spec(id: &AgentId, definition: &AgentDefinition) -> Result<Spec, Vec<FieldProblem>> {
    let problems = definition.validate();
    if !problems.is_empty() {
        return Err(problems);
    }
    match &definition.like {
        Some(like) => variant(id, definition, like),
        None => own(id, definition),
    }
}

/// One that is started and read like an agent that Berth knows.
fn variant(
    id: &AgentId,
    definition: &AgentDefinition,
    like: &AgentId,
) -> Result<Spec, Vec<FieldProblem>> {
    let mut folders = FOLDERS.iter().filter_map(|text| read(text).ok());
    let known = folders
        .find(|known| known.id == *like && known.launch.is_some() && !known.programs.is_empty());
    let Some(mut spec) = known else {
        return Err(vec![problem(
            "like",
            format!("Berth knows no agent {like} that it can start."),
        )]);
    };
    spec.id = id.clone();
    spec.name.clone_from(&definition.name);
    if !definition.program.is_empty() {
        spec.programs = vec![definition.program.clone()];
        // What is known of the other's program says nothing of this one.
        spec.usual_folders = Vec::new();
        spec.package = None;
        spec.minimum_version = None;
        spec.install_hint = None;
        spec.runs = None;
    }
    if let Some(launch) = &mut spec.launch {
        launch.args.extend(definition.args.clone());
        launch.env.extend(definition.env.clone());
    }
    if let Some(acp) = &mut spec.acp {
        acp.env.extend(definition.env.clone());
    }
    Ok(spec)
}

fn own(id: &AgentId, definition: &AgentDefinition) -> Result<Spec, Vec<FieldProblem>> {
    let definition = definition.clone();
    let modes = definition.permission_modes.into_iter().map(mode);
    let permission_modes: Vec<PermissionRule> = modes.collect();
    let acp = definition.acp_args.map(|args| AcpRules {
        programs: Vec::new(),
        install_hint: None,
        args: with_mode(args),
        env: definition.env.clone(),
        meta: serde_json::Map::new(),
        instructions: None,
        loads: true,
        noise: Arc::default(),
    });
    Ok(Spec {
        id: id.clone(),
        name: definition.name,
        programs: vec![definition.program],
        usual_folders: Vec::new(),
        version_args: definition.version_args,
        install_hint: None,
        sign_in_hint: None,
        package: None,
        minimum_version: None,
        runs: None,
        needs_router: false,
        router: Vec::new(),
        launch: Some(LaunchRules {
            args: with_mode(definition.args),
            env: definition.env,
        }),
        conversation: None,
        instructions: definition.instructions.map(|rule| PromptRules {
            args: rule.args,
            env: rule.env,
            protocol: false,
            kept: false,
        }),
        config: definition.mcp.is_some().then_some(ConfigFormat::McpServers),
        mcp: definition.mcp.map(|rule| McpRules {
            args: rule.args,
            env: rule.env,
            each_stdio: rule.each_stdio,
            each_http: rule.each_http,
        }),
        permission_modes,
        acp,
        screen: Arc::new(screen(&definition.screen)?),
    })
}

fn mode(mode: ModeDefinition) -> PermissionRule {
    PermissionRule {
        // Arguments and variables say it there too.
        acp: Some(String::new()),
        id: mode.id,
        name: mode.name,
        description: mode.description,
        // What a user says of an agent binds nobody: it may do anything, as far as an organization is concerned.
        autonomy: Autonomy::Unchecked,
        unchecked: mode.unchecked,
        args: mode.args,
        env: mode.env,
    }
}

/// Puts the arguments of the permission mode behind the others, unless they are told where to stand.
fn with_mode(mut args: Vec<String>) -> Vec<String> {
    const PLACE: &str = "{permission_args}";
    if !args.iter().any(|arg| arg == PLACE) {
        args.push(PLACE.to_owned());
    }
    args
}

fn screen(given: &ScreenDefinition) -> Result<ScreenRules, Vec<FieldProblem>> {
    let mut problems = Vec::new();
    let mut one = |field: &str, text: Option<&String>, groups: usize| -> Option<Regex> {
        let compiled = pattern(text?, groups);
        let failed = |message| problems.push(problem(&format!("screen.{field}"), message));
        compiled.map_err(failed).ok()
    };
    let prompt = one("prompt", given.prompt.as_ref(), 1);
    let placeholder = one("placeholder", given.placeholder.as_ref(), 0);
    let echo = one("echo", given.echo.as_ref(), 1);
    let bullet = one("bullet", given.bullet.as_ref(), 0);
    let mut all = |field: &str, texts: &[String]| -> Vec<Regex> {
        let each = texts.iter().enumerate();
        each.filter_map(|(index, text)| one(&format!("{field}[{index}]"), Some(text), 0))
            .collect()
    };
    let (busy, noise) = (all("busy", &given.busy), all("noise", &given.noise));
    if !problems.is_empty() {
        return Err(problems);
    }
    let usual = if prompt.is_some() {
        SETTLE_WITH_BOX
    } else {
        SETTLE_WITHOUT
    };
    Ok(ScreenRules {
        settle: Duration::from_millis(given.settle_ms.map_or(usual, u64::from)),
        prompt,
        placeholder,
        busy,
        echo,
        bullet,
        noise,
        reads_lines: given.reads_lines,
        // Below the line that is being read such programs leave the rest of a fresh screen empty.
        prompt_within: if given.reads_lines { 40 } else { 8 },
        interrupt: match given.interrupt {
            None => Vec::new(),
            Some(InterruptKey::Escape) => vec!["\u{1b}".to_owned()],
            Some(InterruptKey::CtrlC) => vec!["\u{3}".to_owned()],
        },
        ..ScreenRules::default()
    })
}

fn pattern(text: &str, groups: usize) -> Result<Regex, String> {
    let compiled = RegexBuilder::new(text).size_limit(PATTERN).build();
    let compiled = compiled.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "The pattern is too large.".to_owned(),
        // The last row says what is wrong; those above show where, in a font of one width.
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!(
                "This is no pattern: {}.",
                last.trim_start_matches("error: ")
            )
        }
    })?;
    if compiled.captures_len() <= groups {
        return Err("Put the text into group 1, as in ^> (.*)$.".to_owned());
    }
    Ok(compiled)
}

fn problem(field: &str, message: impl Into<String>) -> FieldProblem {
    FieldProblem {
        field: field.to_owned(),
        message: message.into(),
    }
}

#[cfg(test)]
#[path = "defined_tests.rs"]
mod tests;
