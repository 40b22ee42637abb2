//! The MCP servers by scope, a card for each.

use crate::view::prelude::*;
use berth_protocol::{McpConfigurationId, McpScope, McpUnreadable};

use crate::components::button::{Button, Look};
use crate::components::icon::icon_name;
use crate::components::mcp_card::McpCard;
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::logic::mcp::SCOPES;
use crate::state::{App, DialogKind, McpChange, app, memo, unreadable_name};
use crate::strings::{fill, mcp, t};
use crate::web::error::ApiError;

/// A button that opens the editor.
#[component]
pub fn AddMcp() -> impl IntoView {
    let app = app();
    view! {
        <Button
            label=t().mcp_add
            look=Look::Primary
            icon_name=icon_name!("plus")
            testid="add-mcp"
            on_click=add(app)
        />
    }
    .into_any()
}

fn add(app: App) -> Callback<()> {
    Callback::new(move |()| app.ui.open(DialogKind::EditMcp(McpChange::New)))
}

/// What the list looks like.
#[derive(Clone, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    Empty,
    Cards,
}

#[component]
pub fn McpList() -> impl IntoView {
    let app = app();
    let face = memo(move || {
        let servers = app.model.mcp().get();
        match (&servers.list, servers.failure) {
            (Some(list), _) if list.configurations.is_empty() && list.unreadable.is_empty() => {
                Face::Empty
            }
            (Some(_), _) => Face::Cards,
            (None, Some(error)) => Face::Failed(error),
            (None, None) => Face::Loading,
        }
    });
    view! {
        {move || match face.get() {
            Face::Cards => {
                let scopes = SCOPES.map(|scope| section(app, scope)).collect_view();
                view! { {scopes}{unreadable(app)} }.into_any()
            }
            Face::Empty => {
                view! {
                    <div class="mcp-none">
                        <Empty name=icon_name!("plug") title=mcp().none text=mcp().none_text>
                            <Button label=t().mcp_add icon_name=icon_name!("plus") on_click=add(app)/>
                        </Empty>
                    </div>
                }
                    .into_any()
            }
            Face::Failed(error) => {
                view! {
                    <Failure
                        title=mcp().failed
                        text=error.text()
                        hint=error.hint().unwrap_or_default()
                        on_retry=Callback::new(move |()| app.fetch_mcp())
                    />
                }
                    .into_any()
            }
            Face::Loading => view! { <Skeleton rows=5/> }.into_any(),
        }}
    }
    .into_any()
}

fn section(app: App, scope: McpScope) -> AnyView {
    let (name, title, text) = match scope {
        McpScope::Organization => (
            "mcp-organization",
            t().scope_organization,
            mcp().organization_text,
        ),
        McpScope::User => ("mcp-user", mcp().user_title, mcp().user_text),
    };
    let ids = memo(move || {
        let servers = app.model.mcp().get();
        let of_scope = servers.all().iter().filter(|server| server.scope == scope);
        of_scope
            .map(|server| server.id)
            .collect::<Vec<McpConfigurationId>>()
    });
    view! {
        <Show when=move || !ids.with(Vec::is_empty)>
            <section class="mcp-scope" aria-labelledby=name>
                <header><h2 id=name>{title}</h2><p>{text}</p></header>
                <ul class="mcp-cards">
                    // Cards stay while they change, so that the focus is where it was.
                    <For each=move || ids.get() key=|id| *id let:id>
                        <li><McpCard id=id/></li>
                    </For>
                </ul>
            </section>
        </Show>
    }
    .into_any()
}

/// Those that cannot be read, so that they are no riddle and can go.
fn unreadable(app: App) -> AnyView {
    let all = memo(move || {
        let servers = app.model.mcp().get();
        servers.unreadable().to_vec()
    });
    view! {
        <Show when=move || !all.with(Vec::is_empty)>
            <section class="mcp-scope" aria-labelledby="mcp-unreadable">
                <header><h2 id="mcp-unreadable">{mcp().unreadable_title}</h2><p>{mcp().unreadable_text}</p></header>
                <ul class="mcp-cards">
                    <For each=move || all.get() key=|server| server.id let:server>
                        <li>{unreadable_card(app, server)}</li>
                    </For>
                </ul>
            </section>
        </Show>
    }
    .into_any()
}

fn unreadable_card(app: App, server: McpUnreadable) -> AnyView {
    let id = server.id;
    let heading = format!("mcp-{id}");
    let why = match server.parts.is_empty() {
        true => mcp().unreadable_whole.to_owned(),
        false => fill(mcp().unreadable_parts, &[&server.parts.join(", ")]),
    };
    let remove = Callback::new(move |()| app.ui.open(DialogKind::RemoveMcp(id)));
    view! {
        <article
            class="mcp-card is-off"
            aria-labelledby=heading.clone()
            data-testid="mcp-unreadable"
            data-mcp=id.to_string()
        >
            <header class="mcp-head">
                <h3 id=heading>{unreadable_name(&server)}</h3>
                <span class="grow"></span>
                <span class="chip tone-failed">
                    <span class="dot tone-failed" aria-hidden="true"></span>
                    {mcp().unreadable_word}
                </span>
            </header>
            <p class="mcp-note">{why}</p>
            <div class="mcp-actions">
                <span class="grow"></span>
                <Button label=t().remove look=Look::Quiet testid="remove-mcp" on_click=remove/>
            </div>
        </article>
    }
    .into_any()
}
