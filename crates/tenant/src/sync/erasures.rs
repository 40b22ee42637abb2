//! Requests for erasures, which are in no replica: the backend shows admins all of them, and others their own.

use berth_protocol::{OrganizationId, Secret, Timestamp, UserId};
use reqwest::Url;
use serde::Deserialize;
use uuid::Uuid;

use super::{Remote, RemoteError};

const REQUESTS: &str = "erasure_requests";

const MEMBERSHIPS: &str = "memberships";

/// A request for the erasure of what an organization knows of somebody, as the backend has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ErasureRow {
    /// Identifier.
    pub id: Uuid,
    /// Of whom; absent once it was performed.
    pub user_id: Option<UserId>,
    /// Who has asked; absent when that is somebody who was erased.
    pub requested_by: Option<UserId>,
    /// When it was asked for, by the backend's clock.
    pub requested_at: Timestamp,
    /// When it was performed, by the backend's clock.
    pub performed_at: Option<Timestamp>,
}

/// Somebody who belongs to an organization, or has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PersonRow {
    /// Who.
    pub user_id: UserId,
    /// Their name; empty when they have said none, or were erased.
    pub display_name: String,
    /// Their address; empty when they were erased.
    pub email: String,
    /// When they left.
    pub deleted_at: Option<Timestamp>,
}

impl Remote {
    /// The requests that the caller may see, at most 500: those that are open first, then the newest.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn erasures(
        &self,
        token: &Secret,
        org: OrganizationId,
    ) -> Result<Vec<ErasureRow>, RemoteError> {
        let mut url = self.requests(org)?;
        url.query_pairs_mut()
            .append_pair("order", "performed_at.desc.nullsfirst,requested_at.desc")
            .append_pair("limit", "500");
        self.answer(REQUESTS, token, self.http.get(url)).await
    }

    /// One of them, if the caller may see it.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn erasure(
        &self,
        token: &Secret,
        org: OrganizationId,
        id: Uuid,
    ) -> Result<Option<ErasureRow>, RemoteError> {
        let mut url = self.requests(org)?;
        url.query_pairs_mut()
            .append_pair("id", &format!("eq.{id}"))
            .append_pair("limit", "1");
        let rows: Vec<ErasureRow> = self.answer(REQUESTS, token, self.http.get(url)).await?;
        Ok(rows.into_iter().next())
    }

    /// Who belongs to an organization, and who has: the replica knows only the first. At most 1,000.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn people(
        &self,
        token: &Secret,
        org: OrganizationId,
    ) -> Result<Vec<PersonRow>, RemoteError> {
        let mut url = self.url(MEMBERSHIPS, MEMBERSHIPS)?;
        url.query_pairs_mut()
            .append_pair("select", "user_id,display_name,email,deleted_at")
            .append_pair("org_id", &format!("eq.{org}"))
            .append_pair("order", "deleted_at.desc.nullsfirst,user_id")
            .append_pair("limit", "1000");
        self.answer(MEMBERSHIPS, token, self.http.get(url)).await
    }

    fn requests(&self, org: OrganizationId) -> Result<Url, RemoteError> {
        let mut url = self.url(REQUESTS, REQUESTS)?;
        let fields = "id,user_id,requested_by,requested_at,performed_at";
        url.query_pairs_mut()
            .append_pair("select", fields)
            .append_pair("org_id", &format!("eq.{org}"));
        Ok(url)
    }
}
