//! One change: what it does, where it stands, both sides of a conflict, and the buttons that decide.

use crate::view::prelude::*;
use berth_protocol::tenant::{Resolution, ResolveChange};
use berth_protocol::{Code, MutationId};

use super::Changes;
use crate::components::button::{Button, Look};
use crate::components::notice::InlineFailure;
use crate::components::org_confirm::OrgConfirm;
use crate::components::org_form::{failed, keep_focus};
use crate::components::when::When;
use crate::logic::org_changes::{
    also, choices, deed, field_name, kept, kind_name, standing, title, told,
};
use crate::state::{memo, run};
use crate::strings::{fill, org_changes};
use crate::web::error::ApiError;
use crate::wire::{ChangeState, ShownChange, Sides};

/// What is decided about a change.
#[derive(Clone, Copy)]
enum Decision {
    /// A conflict, of which this revision of the other side was looked at.
    End(Resolution, i64),
    Retry,
    Discard,
}

#[derive(Clone, Copy)]
struct Row {
    changes: Changes,
    id: MutationId,
    change: Memo<Option<ShownChange>>,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
    /// The other side has moved since it was looked at.
    moved: RwSignal<bool>,
    /// It is asked whether it shall be discarded.
    asks: RwSignal<bool>,
}

pub(super) fn row(changes: Changes, id: MutationId) -> AnyView {
    let row = Row {
        changes,
        id,
        change: memo(move || changes.find(id)),
        busy: RwSignal::new(false),
        failure: RwSignal::new(None),
        moved: RwSignal::new(false),
        asks: RwSignal::new(false),
    };
    let change = row.change;
    let now = memo(move || change.with(|it| it.as_ref().map(|it| standing(&it.state))));
    let asks = move || {
        now.get()
            .is_some_and(|now| matches!(now.name, "conflict" | "refused"))
    };
    let name = memo(move || change.with(|it| it.as_ref().map(title)));
    let heading = format!("org-change-{id}");
    let label = heading.clone();
    view! {
        <article
            class="org-change"
            class:asks=asks
            aria-labelledby=heading.clone()
            data-testid="org-change"
            data-change=id.to_string()
            data-name=name
            data-state=move || now.get().map(|now| now.name)
        >
            <header class="org-head">
                <h3 id=heading tabindex="-1">{name}</h3>
                {move || change.get().map(|it| view! { <span class="badge">{kind_name(it.kind)}</span> })}
                <span class="grow"></span>
                {move || {
                    now.get()
                        .map(|now| {
                            let tone = now.tone.class();
                            view! {
                                <span class=format!("chip {tone}")>
                                    <span class=format!("dot {tone}") aria-hidden="true"></span>
                                    {now.word}
                                </span>
                            }
                        })
                }}
            </header>
            {move || change.get().map(|it| row.body(&it))}
            <Show when=move || row.moved.get()>
                <div data-testid="org-change-moved"><InlineFailure text=org_changes().moved/></div>
            </Show>
            {failed(row.failure)}
            <div class="org-actions" role="group" aria-labelledby=label>
                {move || change.get().map(|it| row.actions(&it))}
            </div>
            <Show when=move || row.asks.get()>{row.question()}</Show>
        </article>
    }
    .into_any()
}

impl Row {
    fn body(self, change: &ShownChange) -> AnyView {
        let sides = match &change.state {
            ChangeState::Conflict { sides, .. } => Some(table(change, sides)),
            _ => None,
        };
        let also = match sides.is_some() {
            true => also(change),
            false => None,
        };
        view! {
            <p class="org-facts">
                <span data-testid="org-change-deed">{deed(change)}</span>
                <span>{org_changes().made}" "<When at=change.created_at long=true/></span>
            </p>
            <p class="org-note" data-testid="org-change-told">{told(change)}</p>
            {sides}
            {also.map(|text| view! { <p class="org-note">{text}</p> })}
        }
    }

    fn actions(self, change: &ShownChange) -> AnyView {
        match change.state {
            ChangeState::Conflict { rev, .. } => {
                let buttons = choices(change).into_iter().map(|(choice, label)| {
                    let decide = Callback::new(move |()| self.decide(Decision::End(choice, rev)));
                    view! { <Button label=label busy=self.busy testid=testid(choice) on_click=decide/> }
                });
                buttons.collect_view()
            }
            ChangeState::Refused { .. } => {
                let retry = Callback::new(move |()| self.decide(Decision::Retry));
                view! {
                    <Button label=org_changes().retry busy=self.busy testid="retry-change" on_click=retry/>
                    {self.discard()}
                }
            }
            ChangeState::Waiting => self.discard(),
            ChangeState::Sending | ChangeState::Arrived => ().into_any(),
        }
    }

    fn discard(self) -> AnyView {
        view! {
            <Button
                label=org_changes().discard
                look=Look::Quiet
                busy=self.busy
                testid="discard-change"
                on_click=Callback::new(move |()| self.asks.set(true))
            />
        }
        .into_any()
    }

    /// Asks before what was changed is lost.
    fn question(self) -> AnyView {
        let name = self.title();
        let heading = fill(org_changes().discard_title, &[&name]);
        let close = Callback::new(move |()| self.asks.set(false));
        let discard = Callback::new(move |()| {
            self.asks.set(false);
            self.decide(Decision::Discard);
        });
        view! {
            <OrgConfirm
                title=heading
                text=org_changes().discard_text
                action=org_changes().discard
                busy=self.busy
                failure=RwSignal::new(None)
                on_confirm=discard
                on_close=close
            />
        }
        .into_any()
    }

    fn title(self) -> String {
        let now = leptos::prelude::untrack(|| self.change.get());
        now.as_ref().map(title).unwrap_or_default()
    }

    fn decide(self, decision: Decision) {
        let Self { changes, id, .. } = self;
        let name = self.title();
        self.failure.set(None);
        self.moved.set(false);
        run(self.busy, async move {
            let (app, org) = (changes.app, changes.org);
            let answer = match decision {
                Decision::End(choice, seen_rev) => {
                    let wanted = ResolveChange { seen_rev, choice };
                    app.api().resolve_change(org, id, &wanted).await
                }
                Decision::Retry => app.api().retry_change(org, id).await,
                Decision::Discard => app.api().discard_change(org, id).await,
            };
            match answer {
                Ok(()) => app.ui.say(match decision {
                    Decision::End(choice, _) => kept(choice, &name),
                    Decision::Retry => fill(org_changes().retried, &[&name]),
                    Decision::Discard => fill(org_changes().discarded, &[&name]),
                }),
                Err(error) if error.code() == Some(Code::ConflictMoved) => self.moved.set(true),
                Err(error) => self.failure.set(Some(error)),
            }
            // What came of it is shown before the focus goes on.
            changes.look().await;
            app.renew_org();
            // The part may have been left meanwhile.
            if changes.asked.try_get_value().is_none() {
                return;
            }
            if leptos::prelude::untrack(|| changes.find(id)).is_some() {
                changes.decided.set_value(Some(id));
                keep_focus(format!("[data-change='{id}'] h3"));
            } else {
                changes.keep_focus();
            }
        });
    }
}

fn testid(choice: Resolution) -> &'static str {
    match choice {
        Resolution::KeepMine => "keep-my-change",
        Resolution::KeepTheirs => "keep-their-change",
        Resolution::KeepBoth => "keep-both-changes",
    }
}

/// Both sides, field by field.
fn table(change: &ShownChange, sides: &[Sides]) -> AnyView {
    let caption = fill(org_changes().sides, &[&title(change)]);
    let rows = sides.iter().map(|side| {
        let name = field_name(&side.field);
        let mine = cell(
            &side.mine,
            format!("{}: {name}", org_changes().mine),
            "mine",
        );
        let theirs = cell(
            &side.theirs,
            format!("{}: {name}", org_changes().theirs),
            "theirs",
        );
        view! {
            <tr data-field=side.field.clone()>
                <th scope="row">{name}</th>
                <td>{mine}</td>
                <td>{theirs}</td>
            </tr>
        }
        .into_any()
    });
    view! {
        <table class="org-sides" data-testid="org-change-sides">
            <caption class="visually-hidden">{caption}</caption>
            <thead>
                <tr>
                    <th scope="col">{org_changes().field}</th>
                    <th scope="col">{org_changes().mine}</th>
                    <th scope="col">{org_changes().theirs}</th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}

/// A value, which may be longer than its place.
fn cell(value: &str, label: String, side: &'static str) -> AnyView {
    if value.is_empty() {
        return view! { <span class="is-nothing" data-side=side>{org_changes().nothing}</span> }
            .into_any();
    }
    view! { <pre tabindex="0" role="group" aria-label=label data-side=side>{value.to_owned()}</pre> }.into_any()
}
