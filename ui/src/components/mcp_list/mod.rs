//! The MCP servers by scope, a card for each.

use crate::view::prelude::*;
use berth_protocol::{McpConfigurationId, McpScope};

use crate::components::button::{Button, Look};
use crate::components::icon::icon_name;
use crate::components::mcp_card::McpCard;
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::logic::mcp::SCOPES;
use crate::state::{App, DialogKind, McpChange, app, memo};
use crate::strings::{mcp, t};
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
            (Some(list), _) if list.configurations.is_empty() => Face::Empty,
            (Some(_), _) => Face::Cards,
            (None, Some(error)) => Face::Failed(error),
            (None, None) => Face::Loading,
        }
    });
    view! {
        {move || match face.get() {
            Face::Cards => SCOPES.map(|scope| section(app, scope)).collect_view(),
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
