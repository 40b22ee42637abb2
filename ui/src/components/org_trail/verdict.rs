//! What a check of a trail has come to.

use crate::view::prelude::*;
use berth_protocol::OrganizationId;
use berth_protocol::tenant::OrgTrailVerification;

use crate::components::copy_value::CopyValue;
use crate::components::icon::{icon, icon_name};
use crate::components::org_form::{failed, keep_focus_on};
use crate::state::App;
use crate::strings::{count, fill, org_trail, t};
use crate::web::{error::ApiError, task::spawn_local};

/// A check, and what the last one came to.
#[derive(Clone, Copy)]
pub struct Check {
    pub busy: RwSignal<bool>,
    found: RwSignal<Option<OrgTrailVerification>>,
    failure: RwSignal<Option<ApiError>>,
    /// How often was asked: an answer to an earlier question does not count.
    asked: StoredValue<u32>,
}

impl Check {
    pub fn new() -> Self {
        Self {
            busy: RwSignal::new(false),
            found: RwSignal::new(None),
            failure: RwSignal::new(None),
            asked: StoredValue::new(0_u32),
        }
    }

    /// Nothing is known any more, and nothing is waited for.
    pub fn clear(self) {
        self.asked.set_value(self.asked.get_value() + 1);
        self.busy.set(false);
        self.found.set(None);
        self.failure.set(None);
    }

    pub fn run(self, app: App, org: OrganizationId) {
        self.clear();
        let this = self.asked.get_value();
        self.busy.set(true);
        spawn_local(async move {
            let answer = app.api().verify_org_trail(org).await;
            // Another trail is shown, or none, and it may be checked itself.
            if self.asked.try_get_value() != Some(this) {
                return;
            }
            self.busy.set(false);
            match answer {
                Ok(found) => self.found.set(Some(found)),
                Err(error) => self.failure.set(Some(error)),
            }
            keep_focus_on("verify-org-trail");
        });
    }

    /// What it came to, which is read aloud when it is there.
    pub fn verdict(self) -> AnyView {
        view! {
            {failed(self.failure)}
            <div role="status">
                {move || self.found.get().map(|found| shown(&found))}
            </div>
        }
        .into_any()
    }
}

fn shown(found: &OrgTrailVerification) -> AnyView {
    let (name, text) = match found.valid {
        true => (
            icon_name!("circle-check"),
            count(found.checked, org_trail().valid_one, org_trail().valid_many),
        ),
        false => (icon_name!("circle-x"), broken(found)),
    };
    let head = found.head.clone().filter(|_| found.valid);
    let head = head.map(|head| {
        let start: String = head.chars().take(16).collect();
        view! { <CopyValue label=t().hash value=Signal::stored(head) shown=Signal::stored(start)/> }
    });
    let checkpoint = found.checkpoint.map(
        |seq| view! { <p class="org-note">{fill(org_trail().checkpoint, &[&seq.to_string()])}</p> },
    );
    view! {
        <p class="verdict" class:is-broken=!found.valid data-testid="org-trail-verdict">{icon(name)}{text}{head}</p>
        {checkpoint}
    }
    .into_any()
}

fn broken(found: &OrgTrailVerification) -> String {
    let at = found.broken_at.map(|at| at.to_string());
    match (&found.kept, at) {
        (Some(kept), _) if kept.is_retired => fill(org_trail().retired, &[&kept.seq.to_string()]),
        (Some(kept), _) if !kept.is_same => fill(org_trail().anew, &[&kept.seq.to_string()]),
        (_, Some(at)) => fill(org_trail().broken_at, &[&at]),
        (_, None) => org_trail().broken.to_owned(),
    }
}
