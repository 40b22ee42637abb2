//! For how long an organization's audit events are kept, in words, and who retires them. The policy says how long.

use crate::view::prelude::*;
use berth_protocol::tenant::OrgPolicyState;

use crate::components::button::{Button, Look};
use crate::logic::org_policy::kept_for;
use crate::state::{OrgSettings, memo};
use crate::strings::org_requests;
use crate::web::dom;

#[component]
pub fn OrgRetention(settings: OrgSettings) -> impl IntoView {
    let days = memo(move || match settings.policy()?.ok()?.policy {
        OrgPolicyState::Known { says, .. } => says.retention_days,
        OrgPolicyState::Absent | OrgPolicyState::Unreadable { .. } => None,
    });
    let kept = move || {
        let unknown = || org_requests().retention_unknown.to_owned();
        days.get().map_or_else(unknown, kept_for)
    };
    let can_change = memo(move || settings.is_admin() && days.get().is_some());
    let change = Callback::new(move |()| dom::focus("[data-testid=policy-retention]"));
    view! {
        <section aria-labelledby="org-retention-title" data-testid="org-retention">
            <div>
                <h3 id="org-retention-title" tabindex="-1">{org_requests().retention}</h3>
                <p data-testid="retention-kept">{kept}</p>
            </div>
            <p>{org_requests().retention_text}</p>
            <p>{org_requests().retention_after}</p>
            <Show when=move || can_change.get()>
                <div class="org-actions">
                    <Button
                        label=org_requests().retention_change
                        look=Look::Quiet
                        testid="change-retention"
                        on_click=change
                    />
                </div>
            </Show>
        </section>
    }
    .into_any()
}
