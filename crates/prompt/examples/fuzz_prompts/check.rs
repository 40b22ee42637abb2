//! The rules that hold for whatever stands in a prompt.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant},
};

use berth_prompt::{
    Composer, Context, MAX_CONTENT_BYTES, Policy, check_template, compose, inspect,
};
use berth_protocol::{
    PromptFormat, PromptId, PromptScope, PromptTarget, SanitizePolicy, SystemPrompt, Timestamp,
};

use crate::case::Case;

/// Longest time that a case may take. It is far more than any needs, since other programs run too.
const TIME: Duration = Duration::from_secs(10);

/// How long making a case smaller may take.
const SMALLER: Duration = Duration::from_secs(20);

thread_local! {
    /// The panic of the case that runs on this thread; nothing while none runs.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps a case's panic for the end: it happens again with each try of making the case smaller.
pub fn keep_panics_quiet() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let kept = PANIC.with_borrow_mut(|kept| kept.as_mut().map(|kept| *kept = info.to_string()));
        if kept.is_none() {
            usual(info);
        }
    }));
}

/// Runs a case; an error says which rule it breaks.
pub fn check(case: &Case) -> Result<(), String> {
    PANIC.set(Some(String::new()));
    let started = Instant::now();
    let result = panic::catch_unwind(AssertUnwindSafe(|| run(case)));
    let panic = PANIC.take().unwrap_or_default();
    result.unwrap_or(Err(panic))?;
    if started.elapsed() > TIME {
        return Err(format!("it takes {} s", started.elapsed().as_secs()));
    }
    Ok(())
}

/// The smallest case found that still breaks a rule, and what it breaks.
pub fn smaller(mut case: Case, mut why: String) -> (Case, String) {
    let until = Instant::now() + SMALLER;
    let mut part = case.text.chars().count().next_power_of_two();
    while part > 0 {
        let mut at = 0;
        while at < case.text.chars().count() && Instant::now() < until {
            let kept = |place: usize| place < at || place >= at + part;
            let chars = case.text.chars().enumerate();
            let less = Case {
                text: chars
                    .filter(|(place, _)| kept(*place))
                    .map(|(_, c)| c)
                    .collect(),
                value: case.value.clone(),
            };
            match check(&less) {
                Err(still) => (case, why) = (less, still),
                Ok(()) => at += part,
            }
        }
        part /= 2;
    }
    (case, why)
}

fn run(case: &Case) -> Result<(), String> {
    let found = inspect(&case.text);
    for finding in &found {
        if case
            .text
            .get(finding.range.clone())
            .is_none_or(str::is_empty)
        {
            return Err(format!("a finding is nowhere: {finding:?}"));
        }
    }
    let saved = check_template(&case.text);
    let mut composer = Composer::new();
    for format in [PromptFormat::Text, PromptFormat::Template] {
        for scope in [PromptScope::Organization, PromptScope::User] {
            for sanitize in [
                SanitizePolicy::Warn,
                SanitizePolicy::Redact,
                SanitizePolicy::Reject,
            ] {
                composed(case, &mut composer, (format, scope, sanitize))?;
            }
        }
    }
    if let Err(error) = saved {
        let lines = case.text.matches('\n').count() + 1;
        if error.line as usize > lines.max(1) || error.column == 0 {
            return Err(format!("an error is nowhere: {error}"));
        }
    }
    Ok(())
}

fn composed(
    case: &Case,
    composer: &mut Composer,
    (format, scope, sanitize): (PromptFormat, PromptScope, SanitizePolicy),
) -> Result<(), String> {
    let prompt = SystemPrompt {
        id: PromptId(uuid::Uuid::from_u128(1)),
        scope,
        name: case.value.clone(),
        format,
        content: case.text.clone(),
        priority: 0,
        enabled: true,
        locked: false,
        target: PromptTarget::default(),
        version: 1,
        author: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    };
    let Ok(agent) = "claude".parse() else {
        return Err("no agent".to_owned());
    };
    let mut context = Context::new(agent, today());
    context.branch.clone_from(&case.value);
    let policy = Policy {
        sanitize,
        ..Policy::default()
    };
    let prompts = [prompt];
    let fresh = compose(&prompts, &context, &policy);
    for _ in 0..2 {
        if composer.compose(&prompts, &context, &policy) != fresh {
            return Err(format!(
                "what is remembered changes the result: {format:?} {scope:?} {sanitize:?}"
            ));
        }
    }
    let Ok(effective) = fresh else {
        return Ok(());
    };
    let Some(part) = effective.parts.first() else {
        return Ok(());
    };
    let Some(words) = effective.text.get(part.start as usize..part.end as usize) else {
        return Err("a part is nowhere".to_owned());
    };
    if words.len() > MAX_CONTENT_BYTES {
        return Err(format!("a part has {} bytes", words.len()));
    }
    let left = || {
        inspect(words)
            .into_iter()
            .find(|finding| finding.is_attempt())
    };
    if scope == PromptScope::User
        && sanitize != SanitizePolicy::Warn
        && let Some(left) = left()
    {
        return Err(format!("{sanitize:?} leaves {left:?}"));
    }
    let verbatim = format == PromptFormat::Text && inspect(&case.text).is_empty();
    if verbatim && words != case.text {
        return Err("a text without findings is not as it was".to_owned());
    }
    Ok(())
}

fn today() -> jiff::civil::Date {
    jiff::civil::date(2026, 11, 25)
}
