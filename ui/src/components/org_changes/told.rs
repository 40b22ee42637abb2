//! What this machine tells an organization by itself and that does not have yet: how much, and why not. It is no change
//! of the user's, so there is nothing to decide but to send it again.

use crate::view::prelude::*;

use super::Changes;
use crate::components::button::Button;
use crate::components::org_form::failed;
use crate::logic::org_changes::facts;
use crate::state::{Org, memo, run};
use crate::strings::{fill, org_changes};

pub(super) fn told(changes: Changes, known: Org) -> AnyView {
    let org = changes.org;
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
    let facts = memo(move || {
        changes.answer.with(|answer| match answer {
            Some(Ok(all)) => facts(&all.told),
            _ => Vec::new(),
        })
    });
    let is_refused = memo(move || {
        changes
            .answer
            .with(|answer| matches!(answer, Some(Ok(all)) if !all.told.refused.is_empty()))
    });
    let text = memo(move || {
        let name = known.entry(org).map(|entry| entry.name).unwrap_or_default();
        fill(org_changes().told, &[&name])
    });
    let retry = Callback::new(move |()| {
        failure.set(None);
        run(busy, async move {
            match changes.app.api().retry_told(org).await {
                Ok(()) => changes.app.ui.say(org_changes().told_retried.to_owned()),
                Err(error) => failure.set(Some(error)),
            }
            changes.look().await;
            changes.app.renew_org();
            // The part may have been left meanwhile.
            if changes.asked.try_get_value().is_some() {
                changes.keep_focus();
            }
        });
    });
    view! {
        <Show when=move || !facts.with(Vec::is_empty)>
            <div class="org-told" data-testid="org-changes-told">
                <p class="org-note">{text}</p>
                // What changes alone is read out, and neither the sentence above nor the button.
                <div role="status">
                    <ul>
                        {move || {
                            let facts = facts.get().into_iter();
                            facts.map(|fact| view! { <li>{fact}</li> }).collect_view()
                        }}
                    </ul>
                </div>
                {failed(failure)}
                <Show when=move || is_refused.get()>
                    <div class="org-actions">
                        <Button label=org_changes().told_retry busy=busy testid="retry-told" on_click=retry/>
                    </div>
                </Show>
            </div>
        </Show>
    }
    .into_any()
}
