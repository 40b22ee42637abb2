//! The organizations of whoever is signed in: which is active, and how the sync of each stands.

mod card;

use crate::view::prelude::*;
use berth_protocol::OrganizationId;
use berth_protocol::tenant::SetActiveOrg;

use crate::components::button::Button;
use crate::components::icon::icon_name;
use crate::components::notice::Empty;
use crate::components::org_form::{failed, keep_focus, keep_focus_on, move_focus};
use crate::components::org_settings::OrgSettingsPanel;
use crate::state::{App, Org, app, memo, run};
use crate::strings::{fill, org};
use crate::web::{clock, dom, error::ApiError, task::spawn_local};
use card::OrgCard;

/// What the cards share.
#[derive(Clone, Copy)]
struct Switch {
    app: App,
    known: Org,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
    /// The organization whose settings are shown.
    opened: RwSignal<Option<OrganizationId>>,
}

impl Switch {
    /// Shows the settings of an organization, or shows them no more.
    fn open(self, id: OrganizationId) {
        if self.opened.get_untracked() == Some(id) {
            return self.opened.set(None);
        }
        self.opened.set(Some(id));
        move_focus("#org-settings-title");
    }

    /// Shows no settings any more. What had the focus is gone; it goes on where they were opened.
    fn close(self, id: OrganizationId) {
        self.opened.set(None);
        spawn_local(async move {
            clock::next_frame().await;
            dom::focus(&format!(
                "[data-org='{id}'] [data-testid=open-org-settings]"
            ));
        });
    }

    /// The active organization, which is followed.
    fn active(self) -> Option<OrganizationId> {
        self.known.state().and_then(|state| state.active)
    }

    /// Makes an organization the active one, or none.
    fn to(self, wanted: Option<OrganizationId>) {
        let Self { app, known, .. } = self;
        let name = leptos::prelude::untrack(|| known.entry(wanted?)).map(|entry| entry.name);
        self.failure.set(None);
        run(self.busy, async move {
            let wanted = SetActiveOrg {
                organization: wanted,
            };
            match app.api().set_active_org(&wanted).await {
                Ok(_) => {
                    app.ui.say(match name {
                        Some(name) => fill(org().switched, &[&name]),
                        None => org().now_alone.to_owned(),
                    });
                    app.renew_org();
                }
                Err(error) => self.failure.set(Some(error)),
            }
            // The button that had the focus goes with what it did.
            let card = match wanted.organization {
                Some(id) => format!("[data-org='{id}'] h3"),
                None => "[data-testid=org-none] h3".to_owned(),
            };
            keep_focus(card);
        });
    }
}

#[component]
pub fn OrgList(known: Org) -> impl IntoView {
    let app = app();
    let switch = Switch {
        app,
        known,
        busy: RwSignal::new(false),
        failure: RwSignal::new(None),
        opened: RwSignal::new(None),
    };
    let looking = RwSignal::new(false);
    let ids = memo(move || {
        let state = known.state();
        let all = state.as_ref().map(|state| state.organizations.as_slice());
        let ids = all.unwrap_or_default().iter().map(|entry| entry.id);
        ids.collect::<Vec<OrganizationId>>()
    });
    // What was left has no settings any more.
    let opened = memo(move || {
        let opened = switch.opened.get()?;
        ids.with(|ids| ids.contains(&opened)).then_some(opened)
    });
    let look = Callback::new(move |()| {
        switch.failure.set(None);
        run(looking, async move {
            match app.api().look_for_orgs().await {
                Ok(()) => app.renew_org(),
                Err(error) => switch.failure.set(Some(error)),
            }
            keep_focus_on("look-for-orgs");
        });
    });
    let label = Signal::derive(move || match looking.get() {
        true => org().looking.to_owned(),
        false => org().look_again.to_owned(),
    });
    view! {
        <section class="org-part" aria-labelledby="org-list-title">
            <header>
                <div>
                    <h2 id="org-list-title" tabindex="-1">{org().organizations}</h2>
                    <p>{org().organizations_text}</p>
                </div>
                <Button
                    label=label
                    icon_name=icon_name!("refresh-cw")
                    busy=looking
                    testid="look-for-orgs"
                    on_click=look
                />
            </header>
            {failed(switch.failure)}
            {move || match ids.with(Vec::is_empty) {
                true => {
                    view! {
                        <div class="org-empty" data-testid="org-empty">
                            <Empty name=icon_name!("building-2") title=org().empty text=org().empty_text/>
                        </div>
                    }
                        .into_any()
                }
                false => cards(switch, ids),
            }}
        </section>
        {move || opened.get().map(|id| leptos::prelude::untrack(|| settings(switch, id)))}
    }
    .into_any()
}

fn settings(switch: Switch, id: OrganizationId) -> AnyView {
    let close = Callback::new(move |()| switch.close(id));
    view! { <OrgSettingsPanel known=switch.known id=id on_close=close/> }
}

fn cards(switch: Switch, ids: Memo<Vec<OrganizationId>>) -> AnyView {
    view! {
        <ul class="org-cards">
            // Cards stay while they change, so that the focus is where it was.
            <For each=move || ids.get() key=|id| *id let:id>
                <li><OrgCard id=id switch=switch/></li>
            </For>
            <li>{none(switch)}</li>
        </ul>
    }
    .into_any()
}

/// The card of those who are in none.
fn none(switch: Switch) -> AnyView {
    let is_alone = memo(move || switch.active().is_none());
    view! {
        <article
            class="org-card"
            aria-labelledby="org-none-title"
            class:is-active=is_alone
            data-testid="org-none"
        >
            <header class="org-head"><h3 id="org-none-title" tabindex="-1">{org().none}</h3></header>
            <p class="org-note">{org().none_text}</p>
            {choice(switch, is_alone, None, org().alone)}
        </article>
    }
    .into_any()
}

/// A card's button, or that it is the active one.
fn choice(
    switch: Switch,
    is_active: Memo<bool>,
    of: Option<OrganizationId>,
    label: &'static str,
) -> AnyView {
    view! {
        <div class="org-actions">
            {move || match is_active.get() {
                true => {
                    view! { <span class="chip tone-running" data-testid="org-active">{org().active}</span> }.into_any()
                }
                false => {
                    view! {
                        <Button
                            label=label
                            busy=switch.busy
                            testid="switch-org"
                            on_click=Callback::new(move |()| switch.to(of))
                        />
                    }
                }
            }}
        </div>
    }
    .into_any()
}
