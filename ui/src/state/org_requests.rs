//! What people ask one organization for and what it asks of them, for the part of the page that shows it.

use crate::view::prelude::*;
use crate::web::error::ApiError;
use crate::web::task::spawn_local;
use berth_protocol::OrganizationId;
use berth_protocol::tenant::{OrgConsents, OrgErasures};

use super::org_settings::{Fetched, keep};
use super::{App, Org, app, effect, memo};

/// Consent texts and erasure requests: fetched anew whenever the organization's sync has looked.
#[derive(Clone, Copy)]
pub struct OrgRequests {
    pub org: OrganizationId,
    app: App,
    consents: RwSignal<Fetched<OrgConsents>>,
    erasures: RwSignal<Fetched<OrgErasures>>,
    asked: StoredValue<u32>,
}

impl OrgRequests {
    pub fn follow(known: Org, org: OrganizationId) -> Self {
        let this = Self {
            org,
            app: app(),
            consents: RwSignal::new(None),
            erasures: RwSignal::new(None),
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

    /// Asks anew. Only the answers to the latest question count.
    pub fn fetch(self) {
        let Some(before) = self.asked.try_get_value() else {
            return;
        };
        let this = before + 1;
        self.asked.set_value(this);
        spawn_local(async move {
            let is_latest = || self.asked.try_get_value() == Some(this);
            let api = self.app.api();
            let consents: Result<OrgConsents, ApiError> = api.org_consents(self.org).await;
            if is_latest() {
                keep(self.consents, consents);
            }
            // The backend is asked for these, which may take its time.
            let erasures: Result<OrgErasures, ApiError> = api.org_erasures(self.org).await;
            if is_latest() {
                keep(self.erasures, erasures);
            }
        });
    }

    /// Asks anew for what could not be fetched, and shows that it is asked for.
    pub fn retry(self) {
        if self
            .consents
            .with_untracked(|it| matches!(it, Some(Err(_))))
        {
            self.consents.set(None);
        }
        if self
            .erasures
            .with_untracked(|it| matches!(it, Some(Err(_))))
        {
            self.erasures.set(None);
        }
        self.fetch();
    }

    /// The consent texts, which are followed.
    pub fn consents(self) -> Fetched<OrgConsents> {
        self.consents.get()
    }

    /// The texts are these now.
    pub fn take_consents(self, consents: OrgConsents) {
        self.consents.set(Some(Ok(consents)));
        self.fetch();
    }

    /// The erasure requests, which are followed.
    pub fn erasures(self) -> Fetched<OrgErasures> {
        self.erasures.get()
    }
}
