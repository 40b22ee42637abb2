//! The card of a server: what it is, how it stands, and what can be done with it.

mod catalog;
mod sign_in;
mod standing;

use crate::view::prelude::*;
use berth_protocol::{
    Code, McpConfiguration, McpConfigurationId, McpDraft, McpEdit, McpState, PromptTarget,
};

use crate::components::button::{Button, Look};
use crate::components::icon::icon_name;
use crate::components::mcp_command::command_line;
use crate::components::prompt_list::target;
use crate::components::when::When;
use crate::state::{App, DialogKind, McpChange, McpThen, ToastKind, app, memo, run};
use crate::strings::{fill, form_parts, mcp, t};
use crate::web::{clock, dom, task::spawn_local};

#[component]
pub fn McpCard(id: McpConfigurationId) -> impl IntoView {
    let app = app();
    let server = memo(move || {
        let servers = app.model.mcp().get();
        servers.find(id).cloned()
    });
    let trial = memo(move || app.model.mcp_trials().with(|all| all.get(&id).cloned()));
    let command = memo(move || server.get().map(|server| server.draft.server));
    let name = move || server.get().map(|server| server.draft.name);
    let kind = move || {
        let kind = command.get().map(|server| server.kind());
        kind.map(|kind| view! { <span class="badge">{kind}</span> })
    };
    let heading = format!("mcp-{id}");
    view! {
        <article
            class="mcp-card"
            aria-labelledby=heading.clone()
            class:is-off=move || server.with(|server| server.as_ref().is_some_and(|it| !it.draft.enabled))
            data-testid="mcp-card"
            data-mcp=id.to_string()
            data-name=name
        >
            <header class="mcp-head">
                <h3 id=heading>{name}</h3>
                {kind}
                {catalog::badge(server)}
                <span class="grow"></span>
                {standing::chip(server, trial)}
            </header>
            {move || command.get().map(|server| command_line(&server))}
            <p class="mcp-facts">{move || server.get().map(|server| facts(app, &server))}</p>
            {standing::told(app, server, trial)}
            {actions(app, id, server)}
        </article>
    }
    .into_any()
}

fn facts(app: App, server: &McpConfiguration) -> AnyView {
    let for_whom = match server.draft.target == PromptTarget::default() {
        true => form_parts().prompt_for_all.to_owned(),
        false => target(app, &server.draft.target),
    };
    let tried = match server.state {
        McpState::Untried => None,
        McpState::Connected { at, .. }
        | McpState::NeedsSignIn { at }
        | McpState::Expired { at }
        | McpState::Failed { at, .. }
        | McpState::Quarantined { at, .. } => Some(at),
    };
    let tried = tried.map(|at| view! { <span>{mcp().tried}" "<When at=at long=true/></span> });
    view! { <span>{for_whom}</span>{tried} }
}

fn actions(app: App, id: McpConfigurationId, server: Memo<Option<McpConfiguration>>) -> AnyView {
    let is = move |what: fn(&McpConfiguration) -> bool| {
        memo(move || server.with(|server| server.as_ref().is_some_and(what)))
    };
    let consented = is(|server| server.consented);
    let enabled = is(|server| server.draft.enabled);
    let signed_in = is(McpConfiguration::is_signed_in);
    let keeps = is(|server| !server.kept_secrets.is_empty() || server.state != McpState::Untried);
    let writable = memo(move || {
        let scope = server.with(|server| server.as_ref().map(|server| server.scope));
        let servers = app.model.mcp();
        scope.is_some_and(|scope| servers.with(|servers| servers.may_write(scope)))
    });
    let switching = RwSignal::new(false);
    let open = move |dialog: DialogKind| Callback::new(move |()| app.ui.open(dialog.clone()));
    let test = Callback::new(move |()| {
        if consented.get_untracked() {
            app.test_mcp(id);
        } else {
            ask(app, id, McpThen::Test);
        }
    });
    let switch = Callback::new(move |()| {
        let Some(server) = server.get_untracked() else {
            return;
        };
        if !server.draft.enabled && !server.consented {
            return ask(app, id, McpThen::Enable);
        }
        run(switching, async move {
            let enabled = !server.draft.enabled;
            if let Err(error) = enable(app, &server, enabled).await {
                if error.code() == Some(Code::McpConflict) {
                    let text = fill(form_parts().prompt_changed_meanwhile, &[&server.draft.name]);
                    app.ui.toast(ToastKind::Error, text, None);
                } else {
                    app.complain(&error);
                }
                app.fetch_mcp();
            }
        });
    });
    let switch_label = Signal::derive(move || match enabled.get() {
        true => mcp().disable.to_owned(),
        false => mcp().enable.to_owned(),
    });
    // A button that is busy loses the focus, so these only pay no heed meanwhile, and all of them together say so.
    view! {
        <div class="mcp-actions" aria-busy=move || switching.get().then_some("true")>
            <Button label=mcp().test icon_name=icon_name!("activity") testid="test-mcp" on_click=test/>
            <Show when=move || consented.get()>
                <Button
                    label=mcp().tools
                    icon_name=icon_name!("braces")
                    testid="open-mcp-tools"
                    on_click=open(DialogKind::McpTools(id))
                />
            </Show>
            <Show when=move || signed_in.get()>{sign_in::out(app, id)}</Show>
            <span class="grow"></span>
            {catalog::actions(app, id, server)}
            <Show when=move || keeps.get()>
                <Button
                    label=t().mcp_clear
                    look=Look::Quiet
                    testid="clear-mcp"
                    on_click=open(DialogKind::ClearMcp(id))
                />
            </Show>
            <Show when=move || writable.get()>
                <Button
                    label=switch_label
                    look=Look::Quiet
                    testid="switch-mcp"
                    on_click=switch
                />
                <Button
                    label=t().edit
                    look=Look::Quiet
                    testid="edit-mcp"
                    on_click=open(DialogKind::EditMcp(McpChange::Of(id)))
                />
                <Button
                    label=t().remove
                    look=Look::Quiet
                    testid="remove-mcp"
                    on_click=open(DialogKind::RemoveMcp(id))
                />
            </Show>
        </div>
    }
    .into_any()
}

/// Shows the whole command or address, and asks whether the user agrees.
fn ask(app: App, id: McpConfigurationId, then: McpThen) {
    app.ui.open(DialogKind::McpConsent { id, then });
}

/// Puts the focus back into the card, if what had it is gone with what it asked for.
pub fn keep_focus(id: McpConfigurationId) {
    spawn_local(async move {
        // A dialog gives the focus back first, where it can.
        clock::next_frame().await;
        clock::next_frame().await;
        if dom::focused().is_none_or(|focused| focused.tag_name() == "BODY") {
            dom::focus(&format!("[data-mcp='{id}'] [data-testid=test-mcp]"));
        }
    });
}

/// Gives a server to sessions, or no longer.
pub async fn enable(
    app: App,
    server: &McpConfiguration,
    enabled: bool,
) -> Result<(), crate::web::error::ApiError> {
    let edit = McpEdit {
        version: server.version,
        configuration: McpDraft {
            enabled,
            ..server.draft.clone()
        },
    };
    let changed = app.api().update_mcp(server.id, &edit).await?;
    app.take_mcp(changed);
    Ok(())
}
