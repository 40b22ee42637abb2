//! Somebody who belongs to organizations, signed in on an engine through its API.

use berth_protocol::tenant::{OrgState, SyncState, SyncStatus};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Project;
use crate::Client;

/// The password of everybody here.
const PASSWORD: &str = "correct horse battery staple";

/// Somebody with an account, and where their engines find the backend.
pub struct Member {
    /// Who it is.
    pub id: Uuid,
    /// Their address.
    pub email: String,
    /// The backend's address; another one leads there over a cable.
    pub url: String,
    key: String,
}

impl Member {
    /// Gives somebody whom the database knows an account with a password.
    pub async fn of(project: &Project, id: Uuid, email: &str) -> Self {
        project.account(id, email, PASSWORD).await;
        Self {
            id,
            email: email.to_owned(),
            url: project.url.clone(),
            key: project.key(),
        }
    }

    /// Names the backend on an engine, and signs in there.
    ///
    /// # Panics
    /// When either is refused.
    pub async fn sign_in(&self, client: &Client) {
        let backend = json!({"url": self.url, "key": self.key});
        client.put_org("/org/backend", &backend).await;
        self.sign_in_again(client).await;
    }

    /// Signs in on an engine that knows the backend, and where nobody is signed in any more.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn sign_in_again(&self, client: &Client) {
        let way = json!({"way": "password", "email": self.email, "password": PASSWORD});
        let signed_in = client.post::<OrgState>("/org/sign-in", &way).await;
        signed_in.expect("the password is right");
    }
}

/// What the API tells of organizations, and takes.
impl Client {
    /// How it stands with them.
    ///
    /// # Panics
    /// When the engine does not say it.
    pub async fn org(&self) -> OrgState {
        self.get("/org").await.expect("it is told")
    }

    /// Waits until what is here of an organization is what its backend has.
    pub async fn org_fresh(&self, org: Uuid) {
        let what = format!("organization {org} is fresh");
        let look = async || {
            let sync = self.sync_of(org).await?;
            (sync.status == SyncStatus::Fresh).then_some(())
        };
        self.until(what, look).await;
    }

    /// Makes an organization the active one, or none.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn switch_org(&self, org: Option<Uuid>) {
        let active = json!({"organization": org});
        self.put_org("/org/active", &active).await;
    }

    /// Has it look at the backend now.
    ///
    /// # Panics
    /// When nobody is signed in, or the backend does not answer.
    pub async fn look_for_orgs(&self) {
        let path = "/org/organizations/refresh";
        let looked = self.post::<OrgState>(path, &json!({})).await;
        looked.expect("it looks");
    }

    /// Waits until the backend has all that was changed here before this call, and this engine all that was changed
    /// there.
    pub async fn org_settled(&self, org: Uuid) -> SyncState {
        // The round under way may have begun before this call; the one after it has not.
        self.next_round(org).await;
        self.next_round(org).await
    }

    async fn next_round(&self, org: Uuid) -> SyncState {
        let before = self.sync_of(org).await.map_or(0, |sync| sync.rounds);
        self.look_for_orgs().await;
        let what = format!("nothing of organization {org} waits");
        let look = async || {
            let sync = self.sync_of(org).await?;
            let is_settled = sync.rounds > before
                && sync.status == SyncStatus::Fresh
                && sync.waiting + sync.told.waiting == 0
                && sync.audit_waiting == 0;
            is_settled.then_some(sync)
        };
        self.until(what, look).await
    }

    async fn sync_of(&self, org: Uuid) -> Option<SyncState> {
        let mut organizations = self.org().await.organizations.into_iter();
        organizations.find(|it| it.id.0 == org)?.sync
    }

    async fn put_org(&self, path: &str, body: &Value) {
        let put = self.request(Method::PUT, path).json(body);
        let state = self.value::<OrgState>(put).await;
        state.expect("it is taken");
    }
}
