//! The audit trail: what happened, and whether the record is whole.

use crate::view::{keyed, prelude::*};
use berth_protocol::AuditVerification;

use crate::components::button::Button;
use crate::components::copy_value::CopyValue;
use crate::components::icon::{icon, icon_name};
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::components::when::When;
use crate::pages::page::Page;
use crate::state::{ShownTrail, app, memo, run};
use crate::strings::{fill, t};
use crate::wire::AuditEntry;

/// Events that are fetched at once.
const PAGE: u32 = 200;

#[component]
pub fn AuditPage() -> impl IntoView {
    let app = app();
    let shown = ShownTrail::follow(None, PAGE);
    let checking = RwSignal::new(false);
    let verdict = RwSignal::new(None::<AuditVerification>);
    let verify = Callback::new(move |()| {
        run(checking, async move {
            match app.api().verify_audit().await {
                Ok(answer) => {
                    verdict.try_set(Some(answer));
                }
                Err(error) => app.complain(&error),
            }
        });
    });
    let load = move |after| Callback::new(move |()| shown.load(app, after));
    let actions = view! {
        <Button label=t().reload icon_name=icon_name!("refresh-cw") busy=shown.busy on_click=load(None)/>
        <Button label=t().verify icon_name=icon_name!("shield-check") testid="verify" busy=checking on_click=verify/>
    }
    .into_any();
    let count = memo(move || {
        shown
            .trail
            .with(|trail| trail.as_ref().map(|t| t.entries().len()))
    });
    let older = memo(move || {
        shown
            .trail
            .with(|trail| trail.as_ref().and_then(|t| t.older()))
    });
    let entries = move || {
        shown.trail.with(|trail| {
            trail
                .as_ref()
                .map(|t| t.entries().to_vec())
                .unwrap_or_default()
        })
    };
    view! {
        <Page title=t().audit text=t().audit_text actions=actions>
            {move || verdict.get().map(verdict_view)}
            {move || match (shown.failure.get(), count.get()) {
                (Some(error), _) => {
                    view! {
                        <Failure
                            title=t().audit_failed
                            text=error.text()
                            hint=error.hint().unwrap_or_default()
                            on_retry=load(None)
                        />
                    }
                        .into_any()
                }
                (None, None) => view! { <Skeleton rows=8/> }.into_any(),
                (None, Some(0)) => {
                    view! { <Empty name=icon_name!("history") title=t().no_audit text=t().no_audit_text/> }.into_any()
                }
                (None, Some(_)) => ().into_any(),
            }}
            <ol class="audit" class:is-empty=move || count.get().unwrap_or_default() == 0>
                {keyed(entries, |entry| entry.seq, row)}
            </ol>
            {move || {
                older.get().map(|_| {
                    view! {
                        <div class="audit-more">
                            <Button label=t().show_older busy=shown.busy on_click=load(older.get_untracked())/>
                        </div>
                    }
                })
            }}
        </Page>
    }
    .into_any()
}

fn verdict_view(found: AuditVerification) -> AnyView {
    let text = match (found.valid, found.broken_at) {
        (true, _) => fill(t().audit_valid, &[&found.checked.to_string()]),
        (false, Some(at)) => fill(t().audit_broken_at, &[&at.to_string()]),
        (false, None) => t().audit_broken.to_owned(),
    };
    let name = if found.valid {
        icon_name!("circle-check")
    } else {
        icon_name!("circle-x")
    };
    view! {
        <p class="verdict" class:is-broken=!found.valid role="status" data-testid="verdict">{icon(name)}{text}</p>
    }
    .into_any()
}

fn row(event: AuditEntry) -> AnyView {
    let details: Vec<_> = event
        .details
        .iter()
        .map(|(name, fact)| format!("{name} {fact}"))
        .collect();
    let details = details.join(" · ");
    let tail: String = {
        let skip = event.subject_id.chars().count().saturating_sub(8);
        event.subject_id.chars().skip(skip).collect()
    };
    let short: String = event.hash.chars().take(8).collect();
    view! {
        <li class="audit-row" data-testid="audit-row">
            <span class="audit-seq">{event.seq}</span>
            <span class="audit-what">
                <span class="audit-action">{event.action}</span>
                <span class="audit-subject">
                    {event.subject_kind} " "
                    <CopyValue label=t().id value=Signal::stored(event.subject_id) shown=Signal::stored(tail)/>
                </span>
                <span class="audit-details">{details}</span>
            </span>
            <CopyValue label=t().hash value=Signal::stored(event.hash) shown=Signal::stored(short)/>
            <When at=event.at/>
        </li>
    }
    .into_any()
}
