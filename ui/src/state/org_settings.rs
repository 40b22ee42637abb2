//! What is known of one organization's settings, for the part of the page that shows them.

use crate::view::prelude::*;
use crate::web::error::ApiError;
use crate::web::task::spawn_local;
use berth_protocol::OrganizationId;
use berth_protocol::tenant::{OrgMembers, OrgPolicy};

use super::{App, Org, app, effect, memo};

/// Nothing yet, an answer, or why there is none.
pub(super) type Fetched<T> = Option<Result<T, ApiError>>;

/// Who belongs to the organization, and what binds its sessions: fetched anew whenever its sync has looked.
#[derive(Clone, Copy)]
pub struct OrgSettings {
    pub org: OrganizationId,
    app: App,
    members: RwSignal<Fetched<OrgMembers>>,
    policy: RwSignal<Fetched<OrgPolicy>>,
    asked: StoredValue<u32>,
}

impl OrgSettings {
    pub fn follow(known: Org, org: OrganizationId) -> Self {
        let this = Self {
            org,
            app: app(),
            members: RwSignal::new(None),
            policy: RwSignal::new(None),
            asked: StoredValue::new(0),
        };
        let looked = memo(move || {
            let entry = known.entry(org)?;
            Some((entry.role, entry.sync.map(|sync| sync.rounds)))
        });
        effect(move || {
            looked.track();
            this.fetch();
        });
        this
    }

    /// Asks anew. Only the answer to the latest question counts.
    pub fn fetch(self) {
        let Some(before) = self.asked.try_get_value() else {
            return;
        };
        let this = before + 1;
        self.asked.set_value(this);
        spawn_local(async move {
            let api = self.app.api();
            let members = api.org_members(self.org).await;
            let policy = api.org_policy(self.org).await;
            if self.asked.try_get_value() == Some(this) {
                keep(self.members, members);
                keep(self.policy, policy);
            }
        });
    }

    /// Who belongs to it, which is followed.
    pub fn members(self) -> Fetched<OrgMembers> {
        self.members.get()
    }

    /// What binds its sessions, which is followed.
    pub fn policy(self) -> Fetched<OrgPolicy> {
        self.policy.get()
    }

    /// The policy is this one now.
    pub fn take_policy(self, policy: OrgPolicy) {
        self.policy.set(Some(Ok(policy)));
        self.fetch();
    }

    /// Whoever is signed in may change it, which is followed.
    pub fn is_admin(self) -> bool {
        self.members
            .with(|members| matches!(members, Some(Ok(members)) if members.is_admin))
    }
}

/// What is known stays when it cannot be asked for anew.
pub(super) fn keep<T: 'static>(known: RwSignal<Fetched<T>>, answer: Result<T, ApiError>) {
    known.update(|known| {
        if answer.is_ok() || !matches!(known, Some(Ok(_))) {
            *known = Some(answer);
        }
    });
}
