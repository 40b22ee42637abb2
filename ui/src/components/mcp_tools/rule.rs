//! What happens when an agent calls a tool: chosen where the tool is looked at.

use crate::view::prelude::*;
use berth_protocol::{Code, McpConfigurationId, McpDraft, McpEdit, ToolRule};

use crate::components::field::SelectField;
use crate::state::{App, ToastKind, memo, run};
use crate::strings::{fill, form_parts, mcp};
use crate::wire::rule_word;

const RULES: [ToolRule; 3] = [ToolRule::Allow, ToolRule::Ask, ToolRule::Deny];

fn shown(rule: ToolRule) -> &'static str {
    match rule {
        ToolRule::Allow => mcp().rule_allow,
        ToolRule::Ask => mcp().rule_ask,
        ToolRule::Deny => mcp().rule_deny,
    }
}

/// The rule of a tool, to choose: those of an organization's server are each user's own, too.
pub fn rule(app: App, id: McpConfigurationId, tool: String) -> AnyView {
    let of = tool.clone();
    let now = memo(move || {
        let servers = app.model.mcp();
        servers.with(|servers| Some(servers.find(id)?.draft.rules.of(&of)))
    });
    let known = memo(move || now.get().is_some());
    let busy = RwSignal::new(false);
    // Shown anew when a choice was not kept: what is selected then is not what holds.
    let attempts = RwSignal::new(0_u32);
    let wanted = StoredValue::new(None::<ToolRule>);
    let choose = Callback::new(move |word: String| {
        let rule = RULES.into_iter().find(|rule| rule_word(*rule) == word);
        let tool = tool.clone();
        // Chosen while another choice is on its way, it comes after it.
        wanted.set_value(rule);
        run(busy, async move {
            while let Some(rule) = wanted.try_get_value().flatten() {
                wanted.set_value(None);
                if !keep(app, id, tool.clone(), rule).await {
                    attempts.try_update(|attempts| *attempts += 1);
                }
            }
        });
    });
    let options = RULES.map(|rule| (rule_word(rule).to_owned(), shown(rule).to_owned()));
    view! {
        <div class="mcp-rule" aria-busy=move || busy.get().then_some("true")>
            {move || match (known.get(), attempts.get()) {
                (false, _) => ().into_any(),
                (true, _) => {
                    view! {
                        <SelectField
                            label=mcp().rule
                            value=Signal::derive(move || {
                                now.get().map(rule_word).unwrap_or_default().to_owned()
                            })
                            options=Signal::stored(options.to_vec())
                            hint=mcp().rule_hint
                            on_select=choose
                            testid="mcp-rule"
                        />
                    }
                        .into_any()
                }
            }}
        </div>
    }
    .into_any()
}

/// Says whether it was kept.
async fn keep(app: App, id: McpConfigurationId, tool: String, rule: ToolRule) -> bool {
    let Some(server) = app.mcp_now(id) else {
        return false;
    };
    let mut rules = server.draft.rules.clone();
    if rule == rules.default {
        rules.tools.remove(&tool);
    } else {
        rules.tools.insert(tool, rule);
    }
    let edit = McpEdit {
        version: server.version,
        configuration: McpDraft {
            rules,
            ..server.draft.clone()
        },
    };
    match app.api().update_mcp(id, &edit).await {
        Ok(server) => {
            app.take_mcp(server);
            true
        }
        Err(error) => {
            if error.code() == Some(Code::McpConflict) {
                let text = fill(form_parts().prompt_changed_meanwhile, &[&server.draft.name]);
                app.ui.toast(ToastKind::Error, text, None);
            } else {
                app.complain(&error);
            }
            app.fetch_mcp();
            false
        }
    }
}
