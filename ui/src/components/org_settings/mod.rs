//! The settings of one organization: its members, its invitations, their sessions, its policy, and what people ask it
//! for and it asks them. Who is no admin sees them without what changes them.

use crate::view::prelude::*;
use berth_protocol::OrganizationId;

use crate::components::button::{Button, Look};
use crate::components::icon::icon_name;
use crate::components::org_consents::OrgConsentTexts;
use crate::components::org_erasures::OrgErasureRequests;
use crate::components::org_invitations::OrgInvitations;
use crate::components::org_members::OrgMembersList;
use crate::components::org_policy::OrgPolicySection;
use crate::components::org_retention::OrgRetention;
use crate::components::org_sessions::OrgSessionList;
use crate::state::{Org, OrgRequests, OrgSettings, memo};
use crate::strings::{fill, org_settings, t};

#[component]
pub fn OrgSettingsPanel(known: Org, id: OrganizationId, on_close: Callback<()>) -> impl IntoView {
    let settings = OrgSettings::follow(known, id);
    let requests = OrgRequests::follow(known, id);
    let is_admin = memo(move || settings.is_admin());
    let name = memo(move || known.entry(id).map(|entry| entry.name));
    let title = move || fill(org_settings().title, &[&name.get().unwrap_or_default()]);
    let is_known = memo(move || matches!(settings.members(), Some(Ok(_))));
    let text = move || match (is_known.get(), is_admin.get()) {
        (false, _) => "",
        (true, true) => org_settings().text,
        (true, false) => org_settings().text_user,
    };
    view! {
        <section
            class="org-part org-settings"
            aria-labelledby="org-settings-title"
            data-testid="org-settings"
            data-admin=move || is_admin.get().to_string()
        >
            <header>
                <div>
                    <h2 id="org-settings-title" tabindex="-1">{title}</h2>
                    <p>{text}</p>
                </div>
                <Button
                    label=t().close
                    icon_name=icon_name!("x")
                    look=Look::Quiet
                    testid="close-org-settings"
                    on_click=on_close
                />
            </header>
            <OrgMembersList settings=settings/>
            <Show when=move || is_admin.get()>
                <OrgInvitations settings=settings/>
            </Show>
            <OrgSessionList known=known settings=settings/>
            <OrgPolicySection settings=settings/>
            <OrgRetention settings=settings/>
            <OrgConsentTexts requests=requests/>
            <OrgErasureRequests requests=requests/>
        </section>
    }
    .into_any()
}
