//! The endpoints of what people ask an organization for, and of what it asks of them, by name.

use berth_protocol::OrganizationId;
use berth_protocol::tenant::{NewConsentText, NewErasure, OrgConsents, OrgErasures};

use crate::web::api::Api;
use crate::web::error::ApiError;
use crate::wire::read;

type Answer<T> = Result<T, ApiError>;

impl Api {
    pub async fn org_erasures(&self, org: OrganizationId) -> Answer<OrgErasures> {
        self.get(&path(org, "erasures")).await
    }

    pub async fn ask_for_erasure(&self, org: OrganizationId, wanted: &NewErasure) -> Answer<()> {
        self.tell(&path(org, "erasures"), wanted).await.map(drop)
    }

    pub async fn perform_erasure(&self, org: OrganizationId, id: &str) -> Answer<()> {
        let path = path(org, &format!("erasures/{id}/perform"));
        self.act("POST", &path).await.map(drop)
    }

    pub async fn org_consents(&self, org: OrganizationId) -> Answer<OrgConsents> {
        self.get(&path(org, "consent-texts")).await
    }

    pub async fn publish_consent_text(
        &self,
        org: OrganizationId,
        wanted: &NewConsentText,
    ) -> Answer<OrgConsents> {
        self.send("POST", &path(org, "consent-texts"), wanted).await
    }

    /// Agrees to a text, or takes that back.
    pub async fn say_of_consent_text(
        &self,
        org: OrganizationId,
        text: &str,
        agrees: bool,
    ) -> Answer<OrgConsents> {
        let path = path(org, &format!("consent-texts/{text}/agreement"));
        let method = if agrees { "PUT" } else { "DELETE" };
        let answer = self.act(method, &path).await?;
        read(&answer).map_err(|_| ApiError::Unreadable)
    }
}

fn path(org: OrganizationId, of: &str) -> String {
    format!("/org/organizations/{org}/{of}")
}
