//! The audit trail: what happened, and whether the record is whole.

use crate::view::prelude::*;
use berth_protocol::AuditVerification;

use crate::components::button::Button;
use crate::components::copy_value::CopyValue;
use crate::components::icon::{icon, icon_name};
use crate::components::notice::Empty;
use crate::components::trail_list::TrailList;
use crate::components::when::When;
use crate::pages::page::Page;
use crate::state::{ShownTrail, app, memo, run};
use crate::strings::{audit, fill, t};
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
    let exporting = RwSignal::new(false);
    let export = Callback::new(move |()| {
        run(exporting, async move {
            match app.api().export_audit().await {
                Ok(file) => app.save_file(&file).await,
                Err(error) => app.complain(&error),
            }
        });
    });
    let actions = view! {
        <Button label=audit().verify icon_name=icon_name!("shield-check") testid="verify" busy=checking on_click=verify/>
        <Button
            label=audit().export
            icon_name=icon_name!("download")
            testid="export-audit"
            busy=exporting
            on_click=export
        />
    }
    .into_any();
    let empty = memo(move || {
        shown
            .trail
            .with(|trail| trail.as_ref().is_some_and(|t| t.entries().is_empty()))
    });
    view! {
        <Page title=t().audit text=audit().audit_text actions=actions>
            <p class="audit-about" data-testid="audit-about">{audit().about}</p>
            {move || verdict.get().map(verdict_view)}
            {move || empty.get().then(|| view! { <Empty name=icon_name!("history") title=audit().no_audit text=audit().no_audit_text/> })}
            <TrailList shown=shown class="audit" row=row/>
        </Page>
    }
    .into_any()
}

fn verdict_view(found: AuditVerification) -> AnyView {
    let text = match (found.valid, found.broken_at) {
        (true, _) => fill(audit().audit_valid, &[&found.checked.to_string()]),
        (false, Some(at)) => fill(audit().audit_broken_at, &[&at.to_string()]),
        (false, None) => audit().audit_broken.to_owned(),
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

fn row(event: &AuditEntry) -> AnyView {
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
                <span class="audit-action">{event.action.clone()}</span>
                <span class="audit-subject">
                    {event.subject_kind.clone()} " "
                    <CopyValue label=t().id value=Signal::stored(event.subject_id.clone()) shown=Signal::stored(tail)/>
                </span>
                <span class="audit-details">{details}</span>
            </span>
            <CopyValue label=t().hash value=Signal::stored(event.hash.clone()) shown=Signal::stored(short)/>
            <When at=event.at/>
        </li>
    }
    .into_any()
}
