//! The endpoint of an organization's sessions by name.

use berth_protocol::OrganizationId;
use berth_protocol::tenant::OrgSessions;

use crate::web::api::Api;
use crate::web::error::ApiError;

impl Api {
    /// Sessions that fit a question, `a=b&c=d`.
    pub async fn org_sessions(
        &self,
        org: OrganizationId,
        question: &str,
    ) -> Result<OrgSessions, ApiError> {
        let path = format!("/org/organizations/{org}/sessions?{question}");
        self.get(&path).await
    }
}
