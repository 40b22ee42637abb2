//! What a user has changed and an organization does not have yet: each change, and what can be decided about it.

mod row;
mod told;

use crate::view::prelude::*;
use berth_protocol::{MutationId, OrganizationId};

use crate::components::icon::icon_name;
use crate::components::notice::{Empty, Skeleton};
use crate::components::org_form::{keep_focus, unfetched};
use crate::logic::org_changes::has_any;
use crate::state::{App, Org, app, effect, memo};
use crate::strings::{fill, org_changes};
use crate::web::{error::ApiError, task::spawn_local};
use crate::wire::{ShownChange, ShownChanges};
use row::row;
use told::told;

/// What was answered last; nothing before the first time.
type Answer = Option<Result<ShownChanges, ApiError>>;

/// The changes of one organization.
#[derive(Clone, Copy)]
struct Changes {
    app: App,
    org: OrganizationId,
    answer: RwSignal<Answer>,
    asked: StoredValue<u32>,
    /// What was decided last, while it is still shown.
    decided: StoredValue<Option<MutationId>>,
}

/// What the part shows.
#[derive(Clone, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    None,
    Rows,
}

#[component]
pub fn OrgChanges(known: Org) -> impl IntoView {
    // A part that was shown stays, so that what had the focus does not go with the last change.
    let shown = RwSignal::new(Vec::<OrganizationId>::new());
    effect(move || {
        let Some(state) = known.state() else {
            return;
        };
        let before = shown.with_untracked(Clone::clone);
        let mut ids = before.clone();
        ids.retain(|id| state.organizations.iter().any(|entry| entry.id == *id));
        for entry in &state.organizations {
            if has_any(entry.sync.as_ref()) && !ids.contains(&entry.id) {
                ids.push(entry.id);
            }
        }
        if ids != before {
            shown.set(ids);
        }
    });
    view! {
        <For each=move || shown.get() key=|id| *id let:id>
            {part(known, id)}
        </For>
    }
    .into_any()
}

impl Changes {
    /// Asks for them. The answer counts if nothing was asked since: it could be older than that of the later question.
    async fn look(self) {
        let Some(asked) = self.asked.try_get_value() else {
            return;
        };
        let this = asked + 1;
        self.asked.set_value(this);
        let answer = self.app.api().org_changes(self.org).await;
        if self.asked.try_get_value() == Some(this) {
            self.answer.set(Some(answer));
        }
    }

    /// Puts the focus on the heading, if what had it is gone.
    fn keep_focus(self) {
        keep_focus(format!("[data-changes-of='{}'] h2", self.org));
    }

    /// One of them, which is followed.
    fn find(self, id: MutationId) -> Option<ShownChange> {
        self.answer.with(|answer| match answer {
            Some(Ok(all)) => all.changes.iter().find(|change| change.id == id).cloned(),
            _ => None,
        })
    }

    fn ids(self) -> Vec<MutationId> {
        self.answer.with(|answer| match answer {
            Some(Ok(all)) => all.changes.iter().map(|change| change.id).collect(),
            _ => Vec::new(),
        })
    }
}

fn part(known: Org, org: OrganizationId) -> AnyView {
    let changes = Changes {
        app: app(),
        org,
        answer: RwSignal::new(None),
        asked: StoredValue::new(0),
        decided: StoredValue::new(None),
    };
    // Whatever is sent, answered or pulled ends with a round.
    let rounds = memo(move || {
        let sync = known.entry(org)?.sync?;
        Some((
            sync.waiting,
            sync.conflicts,
            sync.parked,
            sync.told,
            sync.rounds,
        ))
    });
    effect(move || {
        rounds.track();
        spawn_local(changes.look());
    });
    let face = memo(move || {
        changes.answer.with(|answer| match answer {
            None => Face::Loading,
            Some(Err(error)) => Face::Failed(error.clone()),
            Some(Ok(all)) if all.changes.is_empty() => Face::None,
            Some(Ok(_)) => Face::Rows,
        })
    });
    let ids = memo(move || changes.ids());
    // What was decided is sent, and its row goes with the focus, once the organization has it.
    effect(move || {
        let now = ids.get();
        if let Some(id) = changes.decided.try_get_value().flatten()
            && !now.contains(&id)
        {
            changes.decided.set_value(None);
            changes.keep_focus();
        }
    });
    let title = memo(move || {
        let name = known.entry(org).map(|entry| entry.name).unwrap_or_default();
        fill(org_changes().title, &[&name])
    });
    let heading = format!("org-changes-{org}");
    view! {
        <section
            class="org-part"
            aria-labelledby=heading.clone()
            data-testid="org-changes"
            data-changes-of=org.to_string()
        >
            <header><div><h2 id=heading tabindex="-1">{title}</h2><p>{org_changes().text}</p></div></header>
            {move || match face.get() {
                Face::Loading => view! { <Skeleton rows=3/> }.into_any(),
                Face::Failed(error) => {
                    let retry = Callback::new(move |()| {
                        spawn_local(async move {
                            changes.look().await;
                            changes.keep_focus();
                        });
                    });
                    unfetched(org_changes().failed, &error, retry)
                }
                Face::None => {
                    view! {
                        <div class="org-empty" data-testid="org-changes-none">
                            <Empty
                                name=icon_name!("circle-check")
                                title=org_changes().none
                                text=org_changes().none_text
                            />
                        </div>
                    }
                        .into_any()
                }
                Face::Rows => {
                    view! {
                        <ul class="org-changes">
                            // Rows stay while they change, so that the focus is where it was.
                            <For each=move || ids.get() key=|id| *id let:id>
                                <li>{row(changes, id)}</li>
                            </For>
                        </ul>
                    }
                        .into_any()
                }
            }}
            {told(changes, known)}
        </section>
    }
    .into_any()
}
