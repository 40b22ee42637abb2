//! What the organization's catalog says of a server, and what its admins and its users make of that.

use crate::view::prelude::*;
use berth_protocol::tenant::Catalog;
use berth_protocol::{
    McpCatalogEdit, McpConfiguration, McpConfigurationId, McpScope, McpShare, McpTake,
};

use super::keep_focus;
use crate::components::button::{Button, Look};
use crate::state::{App, memo, run};
use crate::strings::{fill, mcp};

const ALL: [Catalog; 3] = [Catalog::Installed, Catalog::Available, Catalog::Blocked];

/// What can be done about a server's place in the catalog.
#[derive(Clone, Copy, PartialEq)]
enum Choice {
    /// A user takes what is offered, or leaves it.
    Take(bool),
    /// An admin says something else of it.
    Say(Catalog),
    /// An admin offers a server of their own to all.
    Share,
}

impl Choice {
    fn label(self) -> &'static str {
        match self {
            Self::Take(true) => mcp().catalog_take,
            Self::Take(false) => mcp().catalog_leave,
            Self::Say(Catalog::Installed) => mcp().catalog_install,
            Self::Say(Catalog::Available) => mcp().catalog_offer,
            Self::Say(Catalog::Blocked) => mcp().catalog_block,
            Self::Share => mcp().catalog_share,
        }
    }

    fn testid(self) -> &'static str {
        match self {
            Self::Take(_) => "take-mcp",
            Self::Say(Catalog::Installed) => "install-mcp",
            Self::Say(Catalog::Available) => "offer-mcp",
            Self::Say(Catalog::Blocked) => "block-mcp",
            Self::Share => "share-mcp",
        }
    }
}

/// The word of the catalog; nothing for a server of the user's own.
pub fn badge(server: Memo<Option<McpConfiguration>>) -> AnyView {
    let catalog = memo(move || server.with(|server| server.as_ref().and_then(|it| it.catalog)));
    view! {
        {move || {
            catalog
                .get()
                .map(|catalog| {
                    let (name, word) = word(catalog);
                    view! { <span class="badge" data-testid="mcp-catalog" data-catalog=name>{word}</span> }
                })
        }}
    }
    .into_any()
}

fn word(catalog: Catalog) -> (&'static str, &'static str) {
    match catalog {
        Catalog::Installed => ("installed", mcp().catalog_installed),
        Catalog::Available => ("available", mcp().catalog_available),
        Catalog::Blocked => ("blocked", mcp().catalog_blocked),
    }
}

/// What this user can do about it.
fn choices(server: &McpConfiguration, is_admin: bool) -> Vec<Choice> {
    let Some(now) = server.catalog else {
        return if is_admin {
            vec![Choice::Share]
        } else {
            Vec::new()
        };
    };
    let mut choices = Vec::new();
    if now == Catalog::Available {
        choices.push(Choice::Take(!server.taken));
    }
    if is_admin {
        let others = ALL.into_iter().filter(|catalog| *catalog != now);
        choices.extend(others.map(Choice::Say));
    }
    choices
}

/// The buttons for that.
pub fn actions(
    app: App,
    id: McpConfigurationId,
    server: Memo<Option<McpConfiguration>>,
) -> AnyView {
    let choices = memo(move || {
        let servers = app.model.mcp();
        let is_admin = servers.with(|servers| servers.may_write(McpScope::Organization));
        server.with(|server| {
            let server = server.as_ref();
            server.map_or_else(Vec::new, |server| choices(server, is_admin))
        })
    });
    let busy = RwSignal::new(false);
    let button = move |choice: Choice| {
        let act = Callback::new(move |()| act(app, id, choice, busy));
        view! {
            <Button label=choice.label() look=Look::Quiet testid=choice.testid() on_click=act/>
        }
    };
    view! { {move || choices.get().into_iter().map(button).collect_view()} }.into_any()
}

fn act(app: App, id: McpConfigurationId, choice: Choice, busy: RwSignal<bool>) {
    let Some(server) = app.mcp_now(id) else {
        return;
    };
    run(busy, async move {
        let api = app.api();
        let answer = match choice {
            Choice::Take(taken) => api.take_offered_mcp(id, McpTake { taken }).await,
            Choice::Say(catalog) => {
                let version = server.version;
                api.set_mcp_catalog(id, McpCatalogEdit { version, catalog })
                    .await
            }
            Choice::Share => {
                let share = McpShare {
                    configuration: server.draft,
                    catalog: Catalog::Available,
                };
                api.share_mcp(&share).await
            }
        };
        match answer {
            Ok(server) => {
                if choice == Choice::Share {
                    app.ui
                        .say(fill(mcp().catalog_shared, &[&server.draft.name]));
                }
                app.take_mcp(server);
            }
            Err(error) => {
                app.complain(&error);
                app.fetch_mcp();
            }
        }
        keep_focus(id);
    });
}
