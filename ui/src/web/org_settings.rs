//! The endpoints of what admins do with an organization, by name.

use berth_protocol::tenant::{
    NewInvitation, OrgInvited, OrgMembers, OrgPolicy, OrgPolicyEdit, PolicyConflict, SetMemberRole,
};
use berth_protocol::{OrganizationId, Problem, UserId};
use wasm_bindgen_futures::JsFuture;

use crate::web::api::{Api, not_understood};
use crate::web::error::ApiError;
use crate::wire::{self, Write};

type Answer<T> = Result<T, ApiError>;

/// Why a policy was not set.
pub enum NotSet {
    /// Somebody else was faster: this one binds now.
    Late(OrgPolicy),
    /// Anything else.
    Failed(ApiError),
}

impl Api {
    pub async fn org_members(&self, org: OrganizationId) -> Answer<OrgMembers> {
        self.get(&format!("/org/organizations/{org}/members")).await
    }

    pub async fn set_member_role(
        &self,
        org: OrganizationId,
        user: UserId,
        wanted: &SetMemberRole,
    ) -> Answer<()> {
        let path = format!("/org/organizations/{org}/members/{user}/role");
        let put = self.response("PUT", &path, Some(wanted.write().into()), &[]);
        put.await.map(drop)
    }

    pub async fn remove_member(&self, org: OrganizationId, user: UserId) -> Answer<()> {
        let path = format!("/org/organizations/{org}/members/{user}");
        self.act("DELETE", &path).await.map(drop)
    }

    /// Invites an address; the token is in the answer, once.
    pub async fn invite(&self, org: OrganizationId, wanted: &NewInvitation) -> Answer<OrgInvited> {
        let path = format!("/org/organizations/{org}/invitations");
        self.send("POST", &path, wanted).await
    }

    pub async fn withdraw_invitation(&self, org: OrganizationId, id: &str) -> Answer<()> {
        let path = format!("/org/organizations/{org}/invitations/{id}");
        self.act("DELETE", &path).await.map(drop)
    }

    pub async fn org_policy(&self, org: OrganizationId) -> Answer<OrgPolicy> {
        self.get(&format!("/org/organizations/{org}/policy")).await
    }

    /// Sets a policy. The newest stands beside the problem when it came too late, so the answer is read here.
    pub async fn set_org_policy(
        &self,
        org: OrganizationId,
        edit: &OrgPolicyEdit,
    ) -> Result<OrgPolicy, NotSet> {
        let path = format!("/org/organizations/{org}/policy");
        let unreachable = || NotSet::Failed(ApiError::Unreachable);
        let response = self
            .fetch("PUT", &path, Some(edit.write().into()), &[])
            .await;
        let response = response.map_err(|_| unreachable())?;
        let text = response.text().map_err(|_| unreachable())?;
        let text = JsFuture::from(text).await.map_err(|_| unreachable())?;
        let text = text.as_string().unwrap_or_default();
        if response.ok() {
            return wire::read(&text).map_err(|wrong| {
                not_understood(wrong);
                NotSet::Failed(ApiError::Unreadable)
            });
        }
        if let Ok(late) = wire::read::<PolicyConflict>(&text) {
            return Err(NotSet::Late(late.newest));
        }
        let problem = wire::read::<Problem>(&text);
        let problem = problem.map(|problem| ApiError::Problem(Box::new(problem)));
        Err(NotSet::Failed(problem.unwrap_or(ApiError::Unreadable)))
    }
}
