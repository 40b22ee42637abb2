//! What admins do with an organization over the API of a real engine, signed in to a real backend.

use berth_protocol::{
    Code, Problem,
    tenant::{
        OrgAccount, OrgInvited, OrgMembers, OrgPolicy, OrgPolicyState, OrgState, OrganizationRole,
        PolicyConflict, PolicyDraft, SyncStatus,
    },
};
use berth_tests::{
    Engine, Setup,
    keychain::Keychain,
    skip,
    tenant::{Organization, Project},
    this_test,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const PASSWORD: &str = "correct horse battery staple";

/// The machine of somebody who belongs to an organization.
pub struct Desk {
    pub project: Project,
    pub org: Organization,
    pub engine: Engine,
    _keychain: Keychain,
}

impl Desk {
    /// Nothing, and a skip on record, where it cannot run.
    pub async fn of(role: OrganizationRole) -> Option<Self> {
        let project = Project::start().await?;
        let setup = Setup::new();
        let Some(keychain) = Keychain::start(setup.folder()).await else {
            skip(&this_test(), "gnome-keyring is not installed");
            return None;
        };
        let org = project.backend.organization("acme").await;
        let (who, email) = match role {
            OrganizationRole::Admin => (org.admin.id, "admin@acme.example"),
            OrganizationRole::User => (org.user.id, "user@acme.example"),
        };
        project.account(who, email, PASSWORD).await;
        let engine = keychain.of(setup).start().await;
        let desk = Self {
            project,
            org,
            engine,
            _keychain: keychain,
        };
        let backend = json!({"url": desk.project.url, "key": desk.project.key()});
        desk.put("/org/backend", &backend).await;
        let way = json!({"way": "password", "email": email, "password": PASSWORD});
        let signed_in = desk.engine.client.post::<OrgState>("/org/sign-in", &way);
        signed_in.await.expect("the password is right");
        let is_fresh = async || {
            let sync = desk.state().await.organizations.first()?.sync.clone()?;
            (sync.status == SyncStatus::Fresh).then_some(())
        };
        desk.engine.client.until("it is fresh", is_fresh).await;
        Some(desk)
    }

    async fn put(&self, path: &str, body: &Value) {
        let put = self.engine.client.request(Method::PUT, path).json(body);
        self.engine.client.send(put).await.expect("it is taken");
    }

    pub async fn state(&self) -> OrgState {
        self.engine.client.get("/org").await.expect("it is told")
    }

    /// An address of the organization.
    pub fn at(&self, path: &str) -> String {
        format!("/org/organizations/{}/{path}", self.org.id)
    }

    async fn members(&self) -> OrgMembers {
        let members = self.engine.client.get(&self.at("members")).await;
        members.expect("they are told")
    }

    /// Waits until the members are so.
    pub async fn until(&self, what: &str, is_so: impl Fn(&OrgMembers) -> bool) -> OrgMembers {
        let found = async || Some(self.members().await).filter(&is_so);
        self.engine.client.until(what, found).await
    }

    /// Has it look at the backend now.
    pub async fn look(&self) {
        let path = "/org/organizations/refresh";
        let looked = self.engine.client.post::<OrgState>(path, &json!({})).await;
        looked.expect("it looks");
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Result<(), Box<Problem>> {
        let request = self.engine.client.request(method, &self.at(path));
        let sent = self.engine.client.send(request.json(&body)).await;
        sent.map(drop)
    }

    async fn set_role(&self, who: Uuid, role: &str) -> Result<(), Box<Problem>> {
        let path = format!("members/{who}/role");
        self.ask(Method::PUT, &path, json!({"role": role})).await
    }

    async fn remove(&self, who: Uuid) -> Result<(), Box<Problem>> {
        let path = self.at(&format!("members/{who}"));
        self.engine.client.delete(&path).await
    }

    async fn invite(&self, invitation: Value) -> Result<OrgInvited, Box<Problem>> {
        let path = self.at("invitations");
        self.engine.client.post(&path, &invitation).await
    }

    async fn policy(&self) -> OrgPolicy {
        let policy = self.engine.client.get(&self.at("policy")).await;
        policy.expect("it is told")
    }

    async fn set_policy(&self, version: u32, policy: Value) -> Result<OrgPolicy, Box<Problem>> {
        let edit = json!({"version": version, "policy": policy});
        let put = self.engine.client.request(Method::PUT, &self.at("policy"));
        self.engine.client.value(put.json(&edit)).await
    }
}

pub fn role_of(members: &OrgMembers, who: Uuid) -> Option<OrganizationRole> {
    let found = members.members.iter().find(|member| member.user.0 == who);
    found.map(|member| member.role)
}

fn version_of(policy: &OrgPolicy) -> Option<u32> {
    match policy.policy {
        OrgPolicyState::Known { version, .. } => Some(version),
        _ => None,
    }
}

#[tokio::test]
async fn an_admin_invites_changes_roles_and_removes_and_the_replica_follows() {
    let Some(desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    let known = desk.members().await;
    assert!(known.is_admin && known.invitations.is_empty(), "{known:?}");
    assert_eq!(known.members.len(), 2);
    let you: Vec<_> = known.members.iter().filter(|it| it.is_you).collect();
    assert_eq!(
        (you.len(), you[0].user.0, you[0].email.as_str()),
        (1, desk.org.admin.id, "admin@acme.example")
    );

    let wanted = json!({"email": " Next@Acme.Example ", "role": "user", "days": 3});
    let invited = desk.invite(wanted).await.expect("an admin invites");
    let open = desk
        .until("it is open", |it| !it.invitations.is_empty())
        .await;
    assert_eq!(open.invitations[0].id, invited.id);
    assert_eq!(open.invitations[0].email, "next@acme.example");
    assert_eq!(open.invitations[0].expires_at, invited.expires_at);
    let next = desk.project.backend.person("next@acme.example").await;
    let accept = json!({"token": invited.token});
    next.call("accept_invitation", accept).await.ok();
    desk.look().await;
    let came = desk
        .until("they have come", |it| role_of(it, next.id).is_some())
        .await;
    assert!(came.invitations.is_empty(), "{:?}", came.invitations);

    desk.set_role(next.id, "admin").await.expect("it is taken");
    let raised = |it: &OrgMembers| role_of(it, next.id) == Some(OrganizationRole::Admin);
    desk.until("they are an admin", raised).await;
    desk.remove(next.id).await.expect("it is taken");
    desk.until("they are gone", |it| role_of(it, next.id).is_none())
        .await;
    let gone = next.call("sync_head", json!({"org": desk.org.id})).await;
    assert_eq!(gone.refusal(), "org.not_member");

    let wanted = json!({"email": "late@acme.example", "role": "admin"});
    let late = desk.invite(wanted).await.expect("an admin invites");
    let path = desk.at(&format!("invitations/{}", late.id));
    desk.engine
        .client
        .delete(&path)
        .await
        .expect("it is withdrawn");
    desk.until("none is open", |it| it.invitations.is_empty())
        .await;
    let person = desk.project.backend.person("late@acme.example").await;
    let accept = json!({"token": late.token});
    let refused = person.call("accept_invitation", accept).await;
    assert_eq!(refused.refusal(), "invitation.not_valid");

    // The trail has what was done, and nothing that names or lets in anybody.
    let trail = serde_json::to_string(&desk.engine.client.audit().await);
    let trail = trail.expect("it is JSON");
    for action in [
        "org.invited",
        "org.role_changed",
        "org.member_removed",
        "org.invitation_withdrawn",
    ] {
        assert!(trail.contains(action), "{action} is not in the trail");
    }
    let tokens = [invited.token.as_str(), late.token.as_str()];
    let who = next.id.to_string();
    for hidden in [tokens[0], tokens[1], "next@acme", "late@acme", &who] {
        assert!(
            !trail.to_lowercase().contains(hidden),
            "{hidden} is in the trail"
        );
    }
    desk.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn what_is_refused_has_a_code_of_its_own_and_the_words_of_the_backend() {
    let Some(desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    let refused = desk
        .set_role(desk.org.admin.id, "user")
        .await
        .expect_err("it is refused");
    assert_eq!(refused.code, Code::LastAdmin);
    assert_eq!(refused.detail, "an organization keeps at least one admin");
    let refused = desk
        .remove(desk.org.admin.id)
        .await
        .expect_err("it is refused");
    assert_eq!(refused.code, Code::LastAdmin);
    for refused in [
        desk.set_role(Uuid::now_v7(), "user").await,
        desk.remove(Uuid::now_v7()).await,
    ] {
        assert_eq!(
            refused.expect_err("it is refused").code,
            Code::MemberNotFound
        );
    }
    for wrong in [
        json!({"email": "nobody", "role": "user"}),
        json!({"email": "a@b.example", "role": "user", "days": 31}),
        json!({"email": "a@b.example", "role": "owner"}),
        json!({"email": "a@b.example", "role": "user", "token": "x"}),
    ] {
        let refused = desk.invite(wrong.clone()).await.expect_err("it is refused");
        assert_eq!(refused.code, Code::BadRequest, "{wrong}");
    }
    let path = desk.at(&format!("invitations/{}", Uuid::now_v7()));
    let refused = desk
        .engine
        .client
        .delete(&path)
        .await
        .expect_err("it is refused");
    assert_eq!(refused.code, Code::InvitationNotFound);
    for what in ["members", "policy"] {
        let path = format!("/org/organizations/{}/{what}", Uuid::now_v7());
        let refused = desk
            .engine
            .client
            .get::<Value>(&path)
            .await
            .expect_err("it is refused");
        assert_eq!(refused.code, Code::TenantNotFound, "{what}");
    }
}

#[tokio::test]
async fn a_user_reads_and_changes_nothing() {
    let Some(desk) = Desk::of(OrganizationRole::User).await else {
        return;
    };
    let hidden = json!({"org": desk.org.id, "email": "next@acme.example", "role": "user"});
    let made = desk.org.admin.call("invite", hidden).await.ok();
    desk.look().await;
    let known = desk.members().await;
    assert!(!known.is_admin && known.invitations.is_empty(), "{known:?}");
    assert_eq!(known.members.len(), 2);
    assert!(!desk.policy().await.is_admin);

    let invitation = json!({"email": "a@b.example", "role": "user"});
    for refused in [
        desk.set_role(desk.org.user.id, "admin").await,
        desk.remove(desk.org.admin.id).await,
        desk.invite(invitation).await.map(drop),
        desk.set_policy(1, json!({})).await.map(drop),
    ] {
        let refused = refused.expect_err("it is refused");
        assert_eq!((refused.code, refused.status), (Code::NotAnAdmin, 403));
    }
    let id = made["id"].as_str().expect("it has an id");
    let path = desk.at(&format!("invitations/{id}"));
    let refused = desk
        .engine
        .client
        .delete(&path)
        .await
        .expect_err("it is refused");
    assert_eq!(refused.code, Code::InvitationNotFound);
    let role = desk.state().await.organizations[0].role;
    assert_eq!(role, OrganizationRole::User);

    // Everybody may leave.
    desk.remove(desk.org.user.id).await.expect("they leave");
    let left = async || desk.state().await.organizations.is_empty().then_some(());
    desk.engine.client.until("they have left", left).await;
}

#[tokio::test]
async fn members_and_policy_are_told_without_a_network_and_nothing_is_changed() {
    let Some(mut desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    let (members, policy) = (desk.members().await, desk.policy().await);
    desk.project.unplug().await;
    desk.engine.restart().await;
    let is_signed_in = async || {
        let account = desk.state().await.account;
        matches!(account, OrgAccount::SignedIn { .. }).then_some(())
    };
    let client = &desk.engine.client;
    client.until("they are signed in", is_signed_in).await;
    assert_eq!(desk.members().await, members);
    assert_eq!(desk.policy().await, policy);
    let refused = desk
        .set_role(desk.org.user.id, "admin")
        .await
        .expect_err("it is refused");
    assert_eq!(refused.code, Code::TenantUnreachable, "{}", refused.detail);
    let refused = desk
        .set_policy(1, json!({}))
        .await
        .expect_err("it is refused");
    assert_eq!(refused.code, Code::TenantUnreachable, "{}", refused.detail);
    assert_eq!(desk.members().await, members);
}

#[tokio::test]
async fn a_policy_is_set_where_it_was_looked_at_and_the_newest_is_told_otherwise() {
    let Some(desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    assert_eq!(version_of(&desk.policy().await), Some(1));
    let strict = json!({
        "allowed_agents": ["claude"], "autonomy_ceiling": "ask", "sanitize": "reject",
        "isolation": "none", "retention_days": 90,
        "tool_rules": [{"server": "files", "rule": "deny"}, {"rule": "ask"}],
    });
    let set = desk.set_policy(1, strict.clone()).await;
    let says: PolicyDraft = serde_json::from_value(strict).expect("it is a draft");
    let expected = OrgPolicyState::Known { version: 2, says };
    assert_eq!(set.expect("it is taken").policy, expected);
    let followed = async || (desk.policy().await.policy == expected).then_some(());
    desk.engine.client.until("it binds here", followed).await;

    // Somebody else sets one, of which this machine has not heard.
    let other = json!({"org": desk.org.id, "version": 2, "policy": {"retention_days": 60}});
    desk.org.admin.call("set_policy", other).await.ok();
    let edit = json!({"version": 2, "policy": {"retention_days": 31}});
    let put = desk.engine.client.request(Method::PUT, &desk.at("policy"));
    let answer = put.json(&edit).send().await.expect("the engine answers");
    assert_eq!(answer.status(), 409);
    let media = answer.headers()["content-type"].clone();
    assert_eq!(media, "application/problem+json");
    let conflict: PolicyConflict = answer.json().await.expect("it is a conflict");
    assert_eq!(conflict.problem.code, Code::PolicyConflict);
    let says = PolicyDraft {
        retention_days: Some(60),
        ..PolicyDraft::default()
    };
    let newest = OrgPolicyState::Known { version: 3, says };
    assert_eq!(conflict.newest.policy, newest);
    let again = desk.set_policy(3, json!({"retention_days": 31})).await;
    assert_eq!(version_of(&again.expect("it is taken")), Some(4));
    desk.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn a_policy_that_is_wrong_is_refused_by_field_and_one_that_cannot_be_read_says_so() {
    let Some(desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    for (policy, field) in [
        (json!({"retention_days": 1}), "retention_days"),
        (
            json!({"tool_rules": [{"server": "", "rule": "ask"}]}),
            "tool_rules[0].server",
        ),
    ] {
        let refused = desk.set_policy(1, policy).await.expect_err("it is refused");
        assert_eq!(refused.code, Code::PolicyInvalid);
        assert_eq!(refused.fields[0].field, field);
    }
    for policy in [
        json!({"autonomy_ceiling": "everything"}),
        json!({"surprise": true}),
        json!({"tool_rules": [{"rule": "deny", "when": "late"}]}),
    ] {
        let refused = desk
            .set_policy(1, policy.clone())
            .await
            .expect_err("it is refused");
        assert_eq!(refused.code, Code::BadRequest, "{policy}");
    }
    // A newer Berth may say more.
    let rules = json!({"tool_rules": [{"rule": "deny", "when": "late"}]});
    let set = json!({"org": desk.org.id, "version": 1, "policy": rules});
    desk.org.admin.call("set_policy", set).await.ok();
    desk.look().await;
    let unreadable = async || match desk.policy().await.policy {
        OrgPolicyState::Unreadable { reason } => Some(reason),
        _ => None,
    };
    let reason = desk
        .engine
        .client
        .until("it cannot be read", unreadable)
        .await;
    assert!(reason.contains("when"), "{reason}");
}
