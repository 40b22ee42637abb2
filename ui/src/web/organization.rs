//! The endpoints of organizations by name.

use berth_protocol::OrganizationId;
use berth_protocol::tenant::{
    JoinOrganization, NewOrganization, OrgFactorCode, OrgSignIn, OrgState, OrgWays, SetActiveOrg,
    SetOrgBackend,
};

use crate::web::api::Api;
use crate::web::error::ApiError;
use crate::wire::Differences;

type Answer<T> = Result<T, ApiError>;

impl Api {
    pub async fn set_org_backend(&self, backend: &SetOrgBackend) -> Answer<OrgState> {
        self.send("PUT", "/org/backend", backend).await
    }

    pub async fn org_ways(&self) -> Answer<OrgWays> {
        self.get("/org/ways").await
    }

    /// Begins a sign-in; in the browser, the address to open is in the answer.
    pub async fn org_sign_in(&self, way: &OrgSignIn) -> Answer<OrgState> {
        self.send("POST", "/org/sign-in", way).await
    }

    pub async fn cancel_org_sign_in(&self) -> Answer<()> {
        self.act("DELETE", "/org/sign-in").await.map(drop)
    }

    pub async fn give_org_factor(&self, code: &OrgFactorCode) -> Answer<OrgState> {
        self.send("POST", "/org/sign-in/factor", code).await
    }

    pub async fn org_sign_out(&self) -> Answer<()> {
        self.act("POST", "/org/sign-out").await.map(drop)
    }

    pub async fn set_active_org(&self, wanted: &SetActiveOrg) -> Answer<OrgState> {
        self.send("PUT", "/org/active", wanted).await
    }

    pub async fn create_org(&self, new: &NewOrganization) -> Answer<OrgState> {
        self.send("POST", "/org/organizations", new).await
    }

    /// Looks for organizations that are new to this machine.
    pub async fn look_for_orgs(&self) -> Answer<()> {
        self.act("POST", "/org/organizations/refresh")
            .await
            .map(drop)
    }

    /// In what this machine differs from what an organization wants.
    pub async fn org_drift(&self, id: OrganizationId) -> Answer<Differences> {
        self.get(&format!("/org/organizations/{id}/drift")).await
    }

    pub async fn join_org(&self, invitation: &JoinOrganization) -> Answer<OrgState> {
        self.send("POST", "/org/join", invitation).await
    }
}
