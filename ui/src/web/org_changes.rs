//! The endpoints of a user's changes of what an organization shares, by name.

use berth_protocol::tenant::ResolveChange;
use berth_protocol::{MutationId, OrganizationId};

use crate::web::api::Api;
use crate::web::error::ApiError;
use crate::wire::ShownChanges;

type Answer<T> = Result<T, ApiError>;

impl Api {
    pub async fn org_changes(&self, org: OrganizationId) -> Answer<ShownChanges> {
        self.get(&format!("/org/organizations/{org}/changes")).await
    }

    /// Ends a conflict.
    pub async fn resolve_change(
        &self,
        org: OrganizationId,
        id: MutationId,
        wanted: &ResolveChange,
    ) -> Answer<()> {
        let path = format!("{}/resolve", change(org, id));
        self.tell(&path, wanted).await.map(drop)
    }

    /// Sends a refused change again.
    pub async fn retry_change(&self, org: OrganizationId, id: MutationId) -> Answer<()> {
        let path = format!("{}/retry", change(org, id));
        self.act("POST", &path).await.map(drop)
    }

    /// Sends what this machine tells by itself again, as far as it was refused.
    pub async fn retry_told(&self, org: OrganizationId) -> Answer<()> {
        let path = format!("/org/organizations/{org}/told/retry");
        self.act("POST", &path).await.map(drop)
    }

    /// Drops a change that is refused or was never sent.
    pub async fn discard_change(&self, org: OrganizationId, id: MutationId) -> Answer<()> {
        self.act("DELETE", &change(org, id)).await.map(drop)
    }
}

fn change(org: OrganizationId, id: MutationId) -> String {
    format!("/org/organizations/{org}/changes/{id}")
}
