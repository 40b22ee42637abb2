//! The audit trail: what happened, and whether the record is whole.

use crate::view::prelude::*;
use berth_protocol::AuditVerification;

use crate::components::button::Button;
use crate::components::copy_value::CopyValue;
use crate::components::icon::{icon, icon_name};
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::components::when::When;
use crate::pages::page::Page;
use crate::state::{app, run};
use crate::strings::{fill, t};
use crate::web::error::ApiError;
use crate::wire::AuditEntry;

/// Events shown; older ones are asked for.
const SHOWN: usize = 200;

#[component]
pub fn AuditPage() -> impl IntoView {
    let app = app();
    let events = RwSignal::new(None::<Result<Vec<AuditEntry>, ApiError>>);
    let shown = RwSignal::new(SHOWN);
    let busy = RwSignal::new(false);
    let checking = RwSignal::new(false);
    let verdict = RwSignal::new(None::<AuditVerification>);
    let load = move || {
        run(busy, async move {
            let mut all = Vec::new();
            let mut after = Some(0);
            while let Some(from) = after {
                match app.api().audit(from).await {
                    Ok(page) => {
                        all.extend(page.events);
                        after = page.next;
                    }
                    Err(error) => {
                        events.try_set(Some(Err(error)));
                        return;
                    }
                }
            }
            all.reverse();
            events.try_set(Some(Ok(all)));
        });
    };
    load();
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
    let actions = view! {
        <Button label=t().reload icon_name=icon_name!("refresh-cw") busy=busy on_click=Callback::new(move |()| load())/>
        <Button label=t().verify icon_name=icon_name!("shield-check") testid="verify" busy=checking on_click=verify/>
    }
    .into_any();
    view! {
        <Page title=t().audit text=t().audit_text actions=actions>
            {move || verdict.get().map(verdict_view)}
            {move || match events.get() {
                None => view! { <Skeleton rows=8/> }.into_any(),
                Some(Err(error)) => {
                    view! {
                        <Failure
                            title=t().audit_failed
                            text=error.text()
                            hint=error.hint().unwrap_or_default()
                            on_retry=Callback::new(move |()| load())
                        />
                    }
                        .into_any()
                }
                Some(Ok(all)) if all.is_empty() => {
                    view! { <Empty name=icon_name!("history") title=t().no_audit text=t().no_audit_text/> }.into_any()
                }
                Some(Ok(all)) => {
                    let left = all.len().saturating_sub(shown.get());
                    view! {
                        <ol class="audit">{all.into_iter().take(shown.get()).map(row).collect_view()}</ol>
                        {(left > 0)
                            .then(|| {
                                view! {
                                    <div class="audit-more">
                                        <Button
                                            label=fill(t().show_older, &[&left.to_string()])
                                            on_click=Callback::new(move |()| shown.update(|n| *n += SHOWN))
                                        />
                                    </div>
                                }
                            })}
                    }
                        .into_any()
                }
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
