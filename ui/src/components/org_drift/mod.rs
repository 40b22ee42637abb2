//! In what this machine differs from what the active organization wants, with a way to where each difference is mended.

use crate::view::prelude::*;
use berth_protocol::OrganizationId;
use berth_protocol::tenant::DriftAbout;

use crate::components::button::Button;
use crate::components::icon::icon_name;
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::logic::route::{Route, Tab};
use crate::state::{App, Org, app, effect, memo};
use crate::strings::{fill, org};
use crate::web::{dom, error::ApiError, task::spawn_local};
use crate::wire::{Difference, Differences};

/// What was found: nothing yet, the differences, or why they are not known.
type Found = Option<Result<Differences, ApiError>>;

#[component]
pub fn OrgDrift(known: Org) -> impl IntoView {
    let app = app();
    let active = memo(move || {
        let state = known.state()?;
        let id = state.active?;
        let entry = state.organizations.iter().find(|entry| entry.id == id);
        Some((
            id,
            entry.map(|entry| entry.name.clone()).unwrap_or_default(),
        ))
    });
    view! {
        {move || active.get().map(|(id, name)| part(app, known, id, name))}
    }
    .into_any()
}

fn part(app: App, known: Org, id: OrganizationId, name: String) -> AnyView {
    let answered = RwSignal::new(None::<Result<Differences, ApiError>>);
    let asked = StoredValue::new(0_u32);
    let look = Callback::new(move |()| {
        // The answer counts if nothing was asked since: it could be older than that of the later question.
        let this = asked.get_value() + 1;
        asked.set_value(this);
        spawn_local(async move {
            let answer = app.api().org_drift(id).await;
            if asked.try_get_value() == Some(this) {
                answered.try_set(Some(answer));
            }
        });
    });
    effect(move || {
        // Sync, a choice, a consent: whatever changes may mend something.
        known.state();
        app.model.mcp_changed().track();
        look.run(());
    });
    // Rows stay while nothing of them changes, so that the focus is where it was.
    let found = memo(move || answered.get());
    view! {
        <section class="org-part" aria-labelledby="org-drift-title" data-testid="org-drift">
            <header>
                <div>
                    <h2 id="org-drift-title" tabindex="-1">{org().drift}</h2>
                    <p>{fill(org().drift_text, &[&name])}</p>
                </div>
                <Button
                    label=org().drift_look
                    icon_name=icon_name!("refresh-cw")
                    testid="look-at-drift"
                    on_click=look
                />
            </header>
            {move || shown(found.get(), look)}
        </section>
    }
    .into_any()
}

fn shown(found: Found, look: Callback<()>) -> AnyView {
    match found {
        None => view! { <Skeleton rows=2/> }.into_any(),
        Some(Err(error)) => view! {
            <Failure
                title=org().drift_failed
                text=error.text()
                hint=error.hint().unwrap_or_default()
                on_retry=look
            />
        }
        .into_any(),
        Some(Ok(found)) if found.findings.is_empty() => view! {
            <div class="org-empty" data-testid="org-drift-none">
                <Empty name=icon_name!("shield-check") title=org().drift_none text=org().drift_none_text/>
            </div>
        }
        .into_any(),
        Some(Ok(found)) => {
            let organization = found.organization;
            let rows = found.findings.into_iter();
            let rows = rows.map(|one| view! { <li>{card(organization, one)}</li> });
            view! { <ul class="org-cards">{rows.collect_view()}</ul> }.into_any()
        }
    }
}

fn card(organization: OrganizationId, difference: Difference) -> AnyView {
    let Difference {
        kind,
        about,
        name,
        detail,
        hint,
    } = difference;
    let way = way(organization, about, &kind, &name);
    view! {
        <article class="org-card" data-testid="org-difference" data-kind=kind data-name=name.clone()>
            <header class="org-head"><h3>{name}</h3></header>
            <p class="org-note">{detail}" "{hint}</p>
            <div class="org-actions">{way}</div>
        </article>
    }
    .into_any()
}

/// The way to where a difference is mended.
fn way(organization: OrganizationId, about: DriftAbout, kind: &str, name: &str) -> AnyView {
    let route = match about {
        DriftAbout::Organization => {
            let card = format!("[data-org='{organization}'] h3");
            // These stand in a part of their own, before the card, for as long as there are any.
            let place = match kind {
                "changes_held" | "told_refused" => {
                    format!("[data-changes-of='{organization}'] h2, {card}")
                }
                _ => card,
            };
            let show = Callback::new(move |()| dom::focus(&place));
            return view! { <Button label=org().drift_show testid="mend-drift" on_click=show/> }
                .into_any();
        }
        DriftAbout::Prompt { .. } => Route::Prompts,
        DriftAbout::Server { .. } | DriftAbout::Servers => Route::Mcp,
        DriftAbout::Session { id } => Route::Session { id, tab: Tab::Chat },
    };
    let label = fill(org().drift_mend, &[name]);
    view! {
        <a class="button" href=route.fragment() aria-label=label data-testid="mend-drift">{org().drift_show}</a>
    }
    .into_any()
}
