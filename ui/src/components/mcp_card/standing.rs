//! How a server stands: in a word, and in what follows from it.

use crate::view::prelude::*;
use berth_protocol::{Code, McpAuth, McpConfiguration, McpConfigurationId, McpState};

use super::{ask, keep_focus, sign_in};
use crate::components::button::Button;
use crate::components::icon::{icon, icon_name};
use crate::components::mcp_command::shown;
use crate::logic::mcp::{Standing, reach, standing};
use crate::state::{App, DialogKind, McpChange, McpThen, McpTrial, memo, run};
use crate::strings::{count, fill, mcp, t};

/// The word for it, with a sign beside it.
pub fn chip(server: Memo<Option<McpConfiguration>>, trial: Memo<Option<McpTrial>>) -> AnyView {
    let now = memo(move || {
        let running = trial.with(|trial| *trial == Some(McpTrial::Running));
        server.with(|server| match server {
            _ if running => ("tone-running", mcp().testing, "testing"),
            Some(server) if server.signing_in.is_some() => {
                ("tone-running", mcp().signing_in, "signing-in")
            }
            Some(server) => word(&standing(server)),
            None => ("tone-ended", "", ""),
        })
    });
    view! {
        {move || {
            let (tone, text, name) = now.get();
            view! {
                <span class=format!("chip {tone}") data-testid="mcp-standing" data-standing=name>
                    <span class=format!("dot {tone}") aria-hidden="true"></span>
                    {text}
                </span>
            }
        }}
    }
    .into_any()
}

fn word(standing: &Standing) -> (&'static str, &'static str, &'static str) {
    let (attention, neutral) = ("tone-attention", "tone-ended");
    match standing {
        Standing::Blocked => ("tone-failed", mcp().catalog_blocked, "blocked"),
        Standing::Offered => (neutral, mcp().catalog_available, "offered"),
        Standing::Disabled => (neutral, mcp().is_disabled, "disabled"),
        Standing::NeedsConsent => (attention, mcp().needs_consent, "needs-consent"),
        Standing::SecretsMissing(_) => (attention, mcp().secret_missing, "secret-missing"),
        Standing::Untried => (neutral, mcp().untried, "untried"),
        Standing::Connected => ("tone-waiting", mcp().connected, "connected"),
        Standing::NeedsSignIn => (attention, mcp().needs_sign_in, "needs-sign-in"),
        Standing::Expired => (attention, mcp().expired, "expired"),
        Standing::Failed => ("tone-failed", mcp().is_failed, "failed"),
        Standing::Quarantined(_) => (attention, mcp().quarantined, "quarantined"),
    }
}

/// What follows from it. It is read out when it changes.
pub fn told(
    app: App,
    server: Memo<Option<McpConfiguration>>,
    trial: Memo<Option<McpTrial>>,
) -> AnyView {
    let accepting = RwSignal::new(false);
    view! {
        <div class="mcp-told" role="status" data-testid="mcp-told">
            {move || {
                let server = server.get()?;
                let trial = trial.get();
                let off = match standing(&server) {
                    Standing::Offered => Some(mcp().offered_text),
                    Standing::Disabled => Some(mcp().disabled_text),
                    _ => None,
                };
                let off = off.map(|text| view! { <p class="mcp-note">{text}</p> });
                let rest = match &server.signing_in {
                    Some(waits) => sign_in::waits(app, server.id, waits),
                    None => of_trial(&server, trial.as_ref())
                        .unwrap_or_else(|| of_state(app, &server, accepting)),
                };
                Some(view! { {off}{rest} })
            }}
        </div>
    }
    .into_any()
}

/// What came of trying this version of it here, as long as nothing newer is known of it.
fn of_trial(server: &McpConfiguration, trial: Option<&McpTrial>) -> Option<AnyView> {
    match trial? {
        McpTrial::Running => {
            Some(view! { <p class="mcp-note">{mcp().testing_text}</p> }.into_any())
        }
        McpTrial::Answered(version, said)
            if *version == server.version
                && server.consented
                && matches!(server.state, McpState::Connected { .. }) =>
        {
            let tools = u64::try_from(said.tools).unwrap_or(u64::MAX);
            let mut facts = answered(
                said.name.as_deref(),
                said.version.as_deref(),
                &said.protocol,
                tools,
                said.connect_ms,
            );
            facts.push(fill(mcp().listed_in, &[&said.list_ms.to_string()]));
            Some(facts_view(facts))
        }
        McpTrial::Failed {
            version,
            updated_at,
            error,
        } if *version == server.version
            && match server.state {
                McpState::Failed { .. } => true,
                // The engine has noted nothing of it; a secret may have changed since.
                McpState::Untried => *updated_at == server.updated_at,
                _ => false,
            } =>
        {
            Some(problem(error.text(), error.hint()))
        }
        McpTrial::Answered(..) | McpTrial::Failed { .. } => None,
    }
}

fn of_state(app: App, server: &McpConfiguration, accepting: RwSignal<bool>) -> AnyView {
    let id = server.id;
    let note = |text: String| view! { <p class="mcp-note">{text}</p> }.into_any();
    match reach(server) {
        Standing::Untried if server.draft.is_oauth() && !server.is_signed_in() => view! {
            <p class="mcp-note">{mcp().not_signed_in_text}</p>
            {sign_in::button(app, server)}
        }
        .into_any(),
        Standing::Blocked => note(mcp().blocked_text.to_owned()),
        Standing::Disabled | Standing::Offered | Standing::Untried => {
            note(mcp().untried_text.to_owned())
        }
        Standing::NeedsConsent => {
            let review = Callback::new(move |()| ask(app, id, McpThen::Nothing));
            view! {
                <p class="mcp-note">{mcp().needs_consent_text}</p>
                <Button
                    label=mcp().review
                    icon_name=icon_name!("shield-check")
                    testid="review-mcp"
                    on_click=review
                />
            }
        }
        Standing::SecretsMissing(names) => {
            let text = fill(
                &app.kept_in(mcp().secret_missing_text),
                &[&names.join(", ")],
            );
            let add = Callback::new(move |()| app.ui.open(DialogKind::EditMcp(McpChange::Of(id))));
            view! {
                <p class="mcp-note">{text}</p>
                <Button
                    label=t().enter_secret
                    icon_name=icon_name!("lock")
                    testid="enter-mcp-secret"
                    on_click=add
                />
            }
        }
        Standing::NeedsSignIn | Standing::Expired => {
            let is_expired = matches!(server.state, McpState::Expired { .. });
            let text = match (is_expired, &server.draft.auth) {
                (true, _) => mcp().expired_text,
                (false, McpAuth::Bearer) => mcp().refuses_token_text,
                (false, _) => mcp().needs_sign_in_text,
            };
            view! {
                <p class="mcp-note">{text}</p>
                {sign_in::button(app, server)}
            }
            .into_any()
        }
        Standing::Quarantined(tools) => {
            let names = tools
                .iter()
                .map(|name| view! { <li><code>{shown(name)}</code></li> });
            let names = names.collect_view();
            // What is accepted is what is named here, and no more.
            let accept = Callback::new(move |()| accept(app, id, tools.clone(), accepting));
            view! {
                <p class="mcp-note">{mcp().quarantined_text}</p>
                <ul class="mcp-changed" data-testid="mcp-changed-tools">{names}</ul>
                <p class="mcp-note">{mcp().quarantined_look}</p>
                <Button
                    label=mcp().accept
                    icon_name=icon_name!("shield-check")
                    testid="accept-mcp"
                    on_click=accept
                />
            }
        }
        Standing::Connected | Standing::Failed => match &server.state {
            McpState::Connected {
                name,
                version,
                protocol,
                tools,
                connect_ms,
                ..
            } => facts_view(answered(
                name.as_deref(),
                version.as_deref(),
                protocol,
                u64::from(*tools),
                *connect_ms,
            )),
            McpState::Failed { problem: why, .. } => {
                let is_about_it = matches!(why.code, Code::McpSignInFailed | Code::McpSignedOut);
                let is_sign_in = server.draft.is_oauth() && (is_about_it || !server.is_signed_in());
                let again = is_sign_in.then(|| sign_in::button(app, server)).flatten();
                view! { {problem(why.detail.clone(), why.hint.clone())}{again} }.into_any()
            }
            _ => ().into_any(),
        },
    }
}

/// Accepts these tools as they are now.
fn accept(app: App, id: McpConfigurationId, tools: Vec<String>, busy: RwSignal<bool>) {
    run(busy, async move {
        match app.api().accept_mcp(id, tools).await {
            Ok(server) => {
                app.take_mcp(server);
                keep_focus(id);
            }
            Err(error) => {
                app.complain(&error);
                app.fetch_mcp();
            }
        }
    });
}

/// What a server said, fact by fact.
fn answered(
    name: Option<&str>,
    version: Option<&str>,
    protocol: &str,
    tools: u64,
    connect_ms: u32,
) -> Vec<String> {
    let said = [name, version].into_iter().flatten();
    let said = said.collect::<Vec<_>>().join(" ");
    let mut facts = vec![
        said,
        fill(mcp().protocol, &[protocol]),
        count(tools, mcp().one_tool, mcp().many_tools),
        fill(mcp().answered_in, &[&connect_ms.to_string()]),
    ];
    facts.retain(|fact| !fact.is_empty());
    facts
}

fn facts_view(facts: Vec<String>) -> AnyView {
    let facts = facts
        .into_iter()
        .map(|fact| view! { <li>{fact}</li> })
        .collect_view();
    view! { <ul class="mcp-said" data-testid="mcp-said">{facts}</ul> }.into_any()
}

fn problem(text: String, hint: Option<String>) -> AnyView {
    view! {
        <div class="inline-failure" data-testid="mcp-problem">
            {icon(icon_name!("circle-alert"))}
            <div>
                <p class="mcp-problem">{text}</p>
                {hint.map(|hint| view! { <p class="inline-failure-hint">{hint}</p> })}
            </div>
        </div>
    }
    .into_any()
}
