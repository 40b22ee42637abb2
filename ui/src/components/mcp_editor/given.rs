//! What each agent will get of a server, before it is saved.

use crate::view::prelude::*;
use berth_protocol::{AgentId, McpGiven};

use super::draft::Draft;
use crate::components::field::SelectField;
use crate::state::{App, effect, memo};
use crate::strings::{fill, mcp, t};
use crate::web::error::ApiError;
use crate::web::task::spawn_local;

/// The agents to choose from, and what the chosen one gets.
pub fn given(app: App, draft: Draft) -> AnyView {
    let agents = memo(move || {
        let all = app.model.agents().get();
        let options = all
            .iter()
            .map(|agent| (agent.id.to_string(), agent.name.clone()));
        options.collect::<Vec<_>>()
    });
    let first = agents.with_untracked(|all| all.first().map(|(id, _)| id.clone()));
    let chosen = RwSignal::new(first.unwrap_or_default());
    let known = RwSignal::new(None::<Result<McpGiven, ApiError>>);
    let asked = StoredValue::new(0_u32);
    let name = memo(move || draft.name.get().trim().to_owned());
    effect(move || {
        let (agent, name) = (chosen.get(), name.get());
        let Ok(agent) = agent.parse::<AgentId>() else {
            return;
        };
        let this = asked.get_value() + 1;
        asked.set_value(this);
        spawn_local(async move {
            let answer = app.api().mcp_given(&agent, &name).await;
            // The editor may be closed, or have asked again.
            if asked.try_get_value() == Some(this) {
                known.try_set(Some(answer));
            }
        });
    });
    let agent_name = move || {
        let chosen = chosen.get();
        agents.with(|all| {
            let found = all.iter().find(|(id, _)| *id == chosen);
            found.map(|(_, name)| name.clone()).unwrap_or_default()
        })
    };
    let for_others = memo(move || {
        let meant = draft.agents.get();
        let chosen = chosen.get();
        !meant.is_empty() && !meant.iter().any(|agent| agent.as_str() == chosen)
    });
    view! {
        <section class="form-part" aria-labelledby="mcp-given-title">
            <h3 id="mcp-given-title">{mcp().given}</h3>
            <div class="fields">
                <SelectField
                    label=t().agent
                    value=chosen
                    options=agents
                    on_select=Callback::new(move |id: String| chosen.set(id))
                    hint=mcp().given_hint
                    wide=true
                    testid="mcp-given-agent"
                />
            </div>
            <div role="status" aria-live="polite" data-testid="mcp-given">
                {move || match known.get() {
                    _ if for_others.get() => {
                        let text = fill(mcp().given_to_others, &[&agent_name()]);
                        view! { <p class="mcp-note">{text}</p> }.into_any()
                    }
                    None => ().into_any(),
                    Some(Err(error)) => view! { <p class="mcp-note">{error.text()}</p> }.into_any(),
                    Some(Ok(given)) => told(&agent_name(), given),
                }}
            </div>
        </section>
    }
    .into_any()
}

fn told(agent: &str, given: McpGiven) -> AnyView {
    let over_protocol = given
        .protocol
        .then(|| view! { <p class="mcp-note">{fill(mcp().given_over_acp, &[agent])}</p> });
    let Some(terminal) = given.terminal else {
        return view! {
            <p class="mcp-note">{fill(mcp().given_nothing, &[agent])}</p>
            {over_protocol}
        }
        .into_any();
    };
    let mut text = String::new();
    for arg in &terminal.args {
        text.push_str(arg);
        text.push('\n');
    }
    for (name, value) in &terminal.env {
        text.push_str(&format!("{name}={value}\n"));
    }
    for file in &terminal.files {
        text.push_str(&format!("\n{}:\n{}\n", file.path, file.content));
    }
    view! {
        <pre class="mcp-given-text" tabindex="0" aria-label=mcp().given>{text.trim().to_owned()}</pre>
        {over_protocol}
    }
    .into_any()
}
