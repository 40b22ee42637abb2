//! The audit trail of an organization, for its admins: looked through, verified and taken along as a file.

mod details;
mod filter;
mod origin;
mod row;
mod verdict;

use std::rc::Rc;

use crate::view::{keyed, prelude::*};
use berth_protocol::OrganizationId;
use berth_protocol::tenant::{OrgTrailPerson, OrganizationRole};

use crate::components::button::Button;
use crate::components::field::SelectField;
use crate::components::icon::icon_name;
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::components::org_form::{keep_focus, keep_focus_on};
use crate::state::{App, Org, app, effect, memo, run};
use crate::strings::{fill, org_trail};
use crate::web::{error::ApiError, task::spawn_local};
use crate::wire::{OrgTrailEntries, OrgTrailEntry};
use filter::Filter;
use row::row;
use verdict::Check;

/// The trail that is shown.
#[derive(Clone, Copy)]
struct Trail {
    app: App,
    known: Org,
    /// Whose; unless somebody has chosen, the active organization or else the first one.
    org: Memo<Option<OrganizationId>>,
    chosen: RwSignal<Option<OrganizationId>>,
    filter: Filter,
    /// Somebody wants to see it.
    is_open: RwSignal<bool>,
    /// The newest first; absent until the first answer.
    events: RwSignal<Option<Vec<Rc<OrgTrailEntry>>>>,
    /// What they were asked for with; older ones are asked for with the same.
    question: StoredValue<String>,
    /// Where older ones begin.
    next: RwSignal<Option<i64>>,
    people: RwSignal<Vec<OrgTrailPerson>>,
    failure: RwSignal<Option<ApiError>>,
    busy: RwSignal<bool>,
    /// How often was asked: an answer to an earlier question does not count.
    asked: StoredValue<u32>,
    check: Check,
}

impl Trail {
    fn new(known: Org) -> Self {
        let chosen = RwSignal::new(None::<OrganizationId>);
        let org = memo(move || {
            let state = known.state()?;
            let is_known =
                |id: &OrganizationId| state.organizations.iter().any(|entry| entry.id == *id);
            let first = state.organizations.first().map(|entry| entry.id);
            chosen.get().filter(is_known).or(state.active).or(first)
        });
        Self {
            app: app(),
            known,
            org,
            chosen,
            filter: Filter::new(),
            is_open: RwSignal::new(false),
            events: RwSignal::new(None),
            question: StoredValue::new(String::new()),
            next: RwSignal::new(None),
            people: RwSignal::new(Vec::new()),
            failure: RwSignal::new(None),
            busy: RwSignal::new(false),
            asked: StoredValue::new(0_u32),
            check: Check::new(),
        }
    }

    /// Nothing of it is shown any more.
    fn close(self) {
        self.asked.set_value(self.asked.get_value() + 1);
        self.is_open.set(false);
        self.busy.set(false);
        self.forget();
        self.people.set(Vec::new());
        self.filter.clear();
        self.check.clear();
    }

    fn forget(self) {
        self.events.set(None);
        self.next.set(None);
        self.failure.set(None);
    }

    /// Fetches the newest events that are looked for, or those behind one.
    fn load(self, after: Option<i64>) {
        let Some(org) = self.org.get_untracked() else {
            return;
        };
        let this = self.asked.get_value() + 1;
        self.asked.set_value(this);
        if after.is_none() {
            self.forget();
            self.question.set_value(self.filter.question());
        }
        self.busy.set(true);
        let question = filter::page(self.question.get_value(), after);
        spawn_local(async move {
            let answer = self.answer(org, &question).await;
            if self.asked.try_get_value() != Some(this) {
                return;
            }
            self.busy.set(false);
            match answer {
                Ok((page, people)) => {
                    if let Some(people) = people {
                        self.people.set(people);
                    }
                    self.failure.set(None);
                    self.next.set(page.next);
                    let more = page.events.into_iter().map(Rc::new);
                    self.events
                        .update(|events| events.get_or_insert_default().extend(more));
                }
                Err(error) => self.failure.set(Some(error)),
            }
            match after {
                // The button that fetches more has gone with the last of them.
                Some(_) if self.next.with_untracked(Option::is_none) => {
                    keep_focus("#org-trail-title".to_owned());
                }
                Some(_) => keep_focus_on("older-org-trail"),
                None => keep_focus_on("apply-org-trail"),
            }
        });
    }

    /// A page, and the people who can be chosen from when they are not known yet.
    async fn answer(self, org: OrganizationId, question: &str) -> Result<Fetched, ApiError> {
        let api = self.app.api();
        let knows = self.people.try_with_untracked(|people| !people.is_empty());
        let people = match knows {
            Some(false) => Some(api.org_trail_people(org).await?.people),
            _ => None,
        };
        Ok((api.org_trail(org, question).await?, people))
    }
}

/// A page of events, and people.
type Fetched = (OrgTrailEntries, Option<Vec<OrgTrailPerson>>);

#[component]
pub fn OrgTrail(known: Org) -> impl IntoView {
    let trail = Trail::new(known);
    // Another organization has another trail.
    effect(move || {
        trail.org.get();
        trail.close();
    });
    let stands = memo(move || {
        let entry = trail.known.entry(trail.org.get()?)?;
        Some((entry.role, entry.name))
    });
    let is_there = memo(move || stands.with(Option::is_some));
    view! {
        {move || is_there.get().then(|| part(trail, stands))}
    }
    .into_any()
}

fn part(trail: Trail, stands: Memo<Option<(OrganizationRole, String)>>) -> AnyView {
    let open = Callback::new(move |()| {
        trail.is_open.set(true);
        trail.load(None);
        keep_focus_on("org-trail-action");
    });
    view! {
        <section class="org-part" aria-labelledby="org-trail-title" data-testid="org-trail">
            <header>
                <div>
                    <h2 id="org-trail-title" tabindex="-1">{org_trail().title}</h2>
                    <p>{org_trail().text}</p>
                </div>
            </header>
            {which(trail)}
            {move || match (stands.get(), trail.is_open.get()) {
                (Some((OrganizationRole::User, name)), _) => {
                    let text = fill(org_trail().not_admin, &[&name]);
                    view! { <p class="org-note" data-testid="org-trail-not-admin">{text}</p> }.into_any()
                }
                (Some((OrganizationRole::Admin, _)), false) => {
                    view! {
                        <div class="org-actions">
                            <Button
                                label=org_trail().open
                                icon_name=icon_name!("history")
                                testid="open-org-trail"
                                on_click=open
                            />
                        </div>
                    }
                        .into_any()
                }
                (Some((OrganizationRole::Admin, _)), true) => shown(trail),
                (None, _) => ().into_any(),
            }}
        </section>
    }
    .into_any()
}

/// The choice between several organizations.
fn which(trail: Trail) -> AnyView {
    let options = memo(move || {
        let state = trail.known.state();
        let all = state.as_ref().map(|state| state.organizations.as_slice());
        let all = all.unwrap_or_default().iter();
        all.map(|entry| (entry.id.to_string(), entry.name.clone()))
            .collect::<Vec<_>>()
    });
    let value = Signal::derive(move || {
        trail
            .org
            .get()
            .map_or_else(String::new, |id| id.to_string())
    });
    let choose = Callback::new(move |id: String| trail.chosen.set(id.parse().ok()));
    let several = memo(move || options.with(|options| options.len() > 1));
    view! {
        {move || several.get().then(|| view! {
            <SelectField
                label=org_trail().which
                value=value
                options=options
                on_select=choose
                testid="org-trail-which"
            />
        })}
    }
    .into_any()
}

fn shown(trail: Trail) -> AnyView {
    let (exporting, check) = (RwSignal::new(false), trail.check);
    let export = Callback::new(move |()| {
        let Some(org) = trail.org.get_untracked() else {
            return;
        };
        let (app, question) = (trail.app, trail.filter.question());
        run(exporting, async move {
            match app.api().export_org_trail(org, &question).await {
                Ok(file) => app.save_file(&file).await,
                Err(error) => app.complain(&error),
            }
            keep_focus_on("export-org-trail");
        });
    });
    let verify = Callback::new(move |()| {
        if let Some(org) = trail.org.get_untracked() {
            check.run(trail.app, org);
        }
    });
    view! {
        {filter::form_of(trail.filter, trail.people, trail.busy, Callback::new(move |()| trail.load(None)))}
        <div class="org-actions">
            <Button
                label=org_trail().verify
                icon_name=icon_name!("shield-check")
                busy=check.busy
                testid="verify-org-trail"
                on_click=verify
            />
            <Button
                label=org_trail().export
                icon_name=icon_name!("download")
                busy=exporting
                tip=org_trail().export_tip.to_owned()
                testid="export-org-trail"
                on_click=export
            />
        </div>
        <p class="org-note" data-testid="org-trail-about">{org_trail().about}</p>
        {check.verdict()}
        {events(trail)}
    }
    .into_any()
}

/// The table, or why there is none.
fn events(trail: Trail) -> AnyView {
    let count = memo(move || trail.events.with(|events| events.as_ref().map(Vec::len)));
    let is_empty = memo(move || count.get() == Some(0));
    let is_waiting = memo(move || count.get().is_none() && trail.busy.get());
    let has_rows = memo(move || count.get().is_some_and(|count| count > 0));
    // What is shown stays; nothing is, as long as it is not known where older ones begin.
    let retry = Callback::new(move |()| trail.load(trail.next.get_untracked()));
    let older = Callback::new(move |()| trail.load(trail.next.get_untracked()));
    view! {
        {move || {
            trail.failure.get().map(|error| view! {
                <Failure
                    title=org_trail().failed
                    text=error.text()
                    hint=error.hint().unwrap_or_default()
                    on_retry=retry
                />
            })
        }}
        {move || is_waiting.get().then(|| view! { <Skeleton rows=6/> })}
        {move || is_empty.get().then(|| view! {
            <div class="org-empty" data-testid="org-trail-empty">
                <Empty name=icon_name!("history") title=org_trail().none text=org_trail().none_text/>
            </div>
        })}
        {move || has_rows.get().then(|| table(trail))}
        {move || trail.next.get().map(|_| view! {
            <div class="org-actions">
                <Button label=org_trail().older busy=trail.busy testid="older-org-trail" on_click=older/>
            </div>
        })}
    }
    .into_any()
}

fn table(trail: Trail) -> AnyView {
    let entries = move || {
        trail
            .events
            .with(|events| events.clone().unwrap_or_default())
    };
    let heads = [
        org_trail().seq,
        org_trail().what,
        org_trail().who,
        org_trail().when,
    ];
    let heads = heads.map(|head| view! { <th scope="col">{head}</th> });
    view! {
        <div class="org-trail-frame" tabindex="0" role="region" aria-label=org_trail().table>
            <table class="org-trail">
                <caption class="visually-hidden">{org_trail().table}</caption>
                <thead>
                    <tr>{heads.into_iter().collect_view()}</tr>
                </thead>
                <tbody>{keyed(entries, |entry| entry.seq, move |entry| row(trail, &entry))}</tbody>
            </table>
        </div>
    }
    .into_any()
}
