//! The settings of an organization in the UI: an admin changes them, and a user sees them.

use berth_protocol::tenant::{OrgState, OrganizationRole};
use berth_tests::{
    tenant::{Organization, Project},
    webdriver::{Page, id, key},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    accessibility::{axe, check},
    form::{focused, problem, select, value, write},
    stage::Stage,
};

const PASSWORD: &str = "correct horse battery staple";

/// An engine that somebody is signed in to, with the settings of their organization in sight.
pub struct Desk {
    pub stage: Stage,
    project: Project,
    pub org: Organization,
}

impl Desk {
    pub async fn of(role: OrganizationRole) -> Option<Self> {
        let project = Project::start().await?;
        let stage = Stage::with_keychain().await?;
        let org = project.backend.organization("acme").await;
        let (who, email) = match role {
            OrganizationRole::Admin => (org.admin.id, "admin@acme.example"),
            OrganizationRole::User => (org.user.id, "user@acme.example"),
        };
        project.account(who, email, PASSWORD).await;
        let client = &stage.engine.client;
        let backend = json!({"url": project.url, "key": project.key()});
        let put = client.request(Method::PUT, "/org/backend").json(&backend);
        client.send(put).await.expect("the backend is taken");
        let way = json!({"way": "password", "email": email, "password": PASSWORD});
        let signed_in = client.post::<OrgState>("/org/sign-in", &way).await;
        signed_in.expect("the password is right");
        Some(Self {
            stage,
            project,
            org,
        })
    }

    /// Opens the page, and the settings there.
    pub async fn page(&self) -> Page {
        let page = self.stage.page().await;
        page.click(&id("nav-organization")).await;
        page.sees("[data-testid=org-sync][data-state=fresh]").await;
        page.click(&id("open-org-settings")).await;
        page.reads("#org-settings-title", "Settings of acme").await;
        page.sees(&row(self.org.user.id, "")).await;
        page
    }

    /// What the backend says that somebody is.
    pub async fn role(&self, who: Uuid) -> Option<String> {
        let path = format!(
            "memberships?select=role&deleted_at=is.null&org_id=eq.{}&user_id=eq.{who}",
            self.org.id
        );
        let rows = self.org.admin.get(&path).await.rows();
        let role = rows.first()?["role"].as_str();
        role.map(str::to_owned)
    }
}

/// The row of a member, or something in it.
pub fn row(who: Uuid, inside: &str) -> String {
    format!("[data-member='{who}'] {inside}").trim().to_owned()
}

#[tokio::test]
async fn an_admin_invites_and_sees_once_what_lets_somebody_in_changes_their_role_and_removes_them()
{
    let Some(desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    let page = desk.page().await;
    page.reads(&row(desk.org.admin.id, ""), "you").await;
    // Nobody takes their own rights away by a slip.
    let own = row(desk.org.admin.id, &id("member-role"));
    assert_eq!(page.count(&own).await, 0);

    page.click(&id("invite")).await;
    let said = problem(&page, &id("invite-email")).await;
    assert!(said.contains("Fill this in"), "{said}");
    page.type_into(&id("invite-email"), "next@acme.example")
        .await;
    write(&page, &id("invite-days"), "99").await;
    let said = problem(&page, &id("invite-days")).await;
    assert!(said.contains("1 to 30"), "{said}");
    write(&page, &id("invite-days"), "3").await;
    page.click(&id("invite")).await;
    page.reads(&id("org-token"), "next@acme.example").await;
    let script = "return document.querySelector('[data-testid=org-token] .copy-value').innerText";
    let token = page.until_js("a token is shown", script, &[]).await;
    let token = token.as_str().unwrap_or_default().trim().to_owned();
    let invited = "[data-testid=org-invitation-row][data-email='next@acme.example']";
    page.reads(invited, "days left").await;
    page.click(&id("token-done")).await;
    page.misses(&id("org-token")).await;
    focused(&page, "invite-email").await;
    let script = "return !document.body.innerText.includes(arguments[0])";
    page.until_js("it is shown no more", script, &[&token])
        .await;

    let next = desk.project.backend.person("next@acme.example").await;
    let accept = json!({"token": token});
    next.call("accept_invitation", accept).await.ok();
    page.click(&id("look-for-orgs")).await;
    page.reads(&row(next.id, ""), "next@acme.example").await;
    page.misses(invited).await;

    select(&page, &row(next.id, &id("member-role")), "admin").await;
    page.reads(&id("toasts"), "next@acme.example is admin now")
        .await;
    assert_eq!(desk.role(next.id).await.as_deref(), Some("admin"));
    page.click(&row(next.id, &id("remove-member"))).await;
    page.reads(".dialog-title", "Remove next@acme.example?")
        .await;
    page.click(&id("confirm")).await;
    page.misses(&row(next.id, "")).await;
    assert_eq!(desk.role(next.id).await, None);

    page.type_into(&id("invite-email"), "late@acme.example")
        .await;
    page.click(&id("invite")).await;
    page.sees(&id("org-token")).await;
    page.click(&id("withdraw-invitation")).await;
    page.sees(&id("no-invitations")).await;
    // It would let nobody in.
    page.misses(&id("org-token")).await;

    page.click(&id("close-org-settings")).await;
    page.misses(&id("org-settings")).await;
    focused(&page, "open-org-settings").await;
    desk.stage.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn what_the_backend_refuses_is_told_and_what_holds_is_shown() {
    let Some(desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    let page = desk.page().await;
    let role = row(desk.org.user.id, &id("member-role"));
    hold_back_writes(&page).await;
    select(&page, &role, "admin").await;
    // Meanwhile somebody else ends the membership.
    let gone = json!({"org": desk.org.id, "member": desk.org.user.id});
    desk.org.admin.call("remove_member", gone).await.ok();
    let_writes_through(&page).await;
    page.reads("[data-testid=org-members] [role=alert]", "no such member")
        .await;
    assert_eq!(desk.role(desk.org.user.id).await, None);
    page.misses(&row(desk.org.user.id, "")).await;
}

/// Lets what the page writes wait until [`let_writes_through`], so that something else can come first. What is shown
/// follows what the backend says at any moment, so that nothing could be chosen of a member who is gone already, nor a
/// policy saved that is seen to be of an older version.
async fn hold_back_writes(page: &Page) {
    page.eval(
        "const fetch = window.fetch;
         const open = new Promise(open => { window.letWritesThrough = open; });
         window.fetch = async (address, options) => {
             if (options?.method === 'PUT') await open;
             return fetch(address, options);
         }",
        &[],
    )
    .await;
}

async fn let_writes_through(page: &Page) {
    page.eval("window.letWritesThrough()", &[]).await;
}

/// Saves the policy of this version as it is typed, while somebody else is faster, and waits until both is known: that
/// the policy is another one may be seen before what was saved is refused.
async fn saves_too_late(desk: &Desk, page: &Page, version: u32, theirs: Value) {
    hold_back_writes(page).await;
    page.click(&id("save-org-policy")).await;
    let faster = json!({"org": desk.org.id, "version": version, "policy": theirs});
    desk.org.admin.call("set_policy", faster).await.ok();
    let_writes_through(page).await;
    let newest = format!("version {}", version + 1);
    page.reads(&id("policy-conflict"), &newest).await;
    page.misses(&format!("{}[aria-busy]", id("save-org-policy")))
        .await;
}

#[tokio::test]
async fn an_admin_sets_the_policy_and_is_told_when_somebody_else_was_faster() {
    let Some(desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    let page = desk.page().await;
    page.reads(&id("policy-version"), "Version 1").await;
    page.click(&id("policy-only-some")).await;
    page.click("[data-testid=policy-agent][data-value=claude]")
        .await;
    select(&page, &id("policy-ceiling"), "Nothing, it asks").await;
    select(&page, &id("policy-sanitize"), "The session does not start").await;
    write(&page, &id("policy-retention"), "10").await;
    page.click(&id("save-org-policy")).await;
    let said = problem(&page, &id("policy-retention")).await;
    assert!(said.contains("30 to 3660"), "{said}");
    focused(&page, "policy-retention").await;
    write(&page, &id("policy-retention"), "90").await;
    page.click(&id("add-rule")).await;
    focused(&page, "rule-server").await;
    page.type_into(&id("rule-server"), "files").await;
    select(&page, &id("rule-does"), "Refuse").await;
    page.click(&id("save-org-policy")).await;
    page.reads(&id("toasts"), "version 2").await;
    page.reads(&id("policy-version"), "Version 2").await;
    let stored = desk.org.admin.get("policies").await.rows().remove(0);
    assert_eq!(stored["allowed_agents"], json!(["claude"]));
    assert_eq!(stored["autonomy_ceiling"], "ask");
    assert_eq!(stored["sanitize"], "reject");
    assert_eq!(stored["retention_days"], 90);
    let rules = json!([{"server": "files", "tool": null, "rule": "deny"}]);
    assert_eq!(stored["tool_rules"], rules);

    write(&page, &id("policy-retention"), "120").await;
    saves_too_late(&desk, &page, 2, json!({"retention_days": 60})).await;
    assert_eq!(value(&page, &id("policy-retention")).await, "120");
    // Theirs can be written over, but not unseen.
    page.click(&id("policy-mine")).await;
    page.misses(&id("policy-conflict")).await;
    page.click(&id("save-org-policy")).await;
    page.reads(&id("policy-version"), "Version 4").await;

    write(&page, &id("policy-retention"), "150").await;
    saves_too_late(&desk, &page, 4, json!({"retention_days": 61})).await;
    page.click(&id("policy-theirs")).await;
    page.reads(&id("policy-version"), "Version 5").await;
    assert_eq!(value(&page, &id("policy-retention")).await, "61");
    let stored = desk.org.admin.get("policies").await.rows().remove(0);
    assert_eq!(stored["retention_days"], 61);
}

#[tokio::test]
async fn a_user_sees_the_settings_and_nothing_that_changes_them() {
    let Some(desk) = Desk::of(OrganizationRole::User).await else {
        return;
    };
    let policy =
        json!({"allowed_agents": ["claude"], "tool_rules": [{"server": "files", "rule": "deny"}]});
    let set = json!({"org": desk.org.id, "version": 1, "policy": policy});
    desk.org.admin.call("set_policy", set).await.ok();
    let hidden = json!({"org": desk.org.id, "email": "next@acme.example", "role": "user"});
    desk.org.admin.call("invite", hidden).await.ok();
    let page = desk.page().await;
    page.click(&id("look-for-orgs")).await;
    page.reads(&id("policy-version"), "Version 2").await;
    page.reads(&id("policy-rules"), "Server files, tool any: Refuse")
        .await;
    page.reads(&row(desk.org.admin.id, &id("member-is")), "admin")
        .await;
    page.sees("[data-testid=org-settings][data-admin=false]")
        .await;
    for changes in [
        "member-role",
        "remove-member",
        "org-invitations",
        "invite",
        "save-org-policy",
    ] {
        assert_eq!(page.count(&id(changes)).await, 0, "{changes}");
    }
    // One that this version cannot read is not taken for none.
    let rules = json!({"tool_rules": [{"rule": "deny", "when": "late"}]});
    let set = json!({"org": desk.org.id, "version": 2, "policy": rules});
    desk.org.admin.call("set_policy", set).await.ok();
    page.click(&id("look-for-orgs")).await;
    page.reads(&id("policy-unreadable"), "cannot read the policy")
        .await;
}

#[tokio::test]
async fn no_part_of_the_settings_has_a_serious_violation_in_either_theme() {
    let Some(axe) = axe() else {
        return;
    };
    let Some(desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    let page = desk.page().await;
    page.eval(&axe, &[]).await;
    let mut found = Vec::new();
    for theme in ["light", "dark"] {
        page.click(&id("nav-settings")).await;
        page.click(&format!("label:has([data-testid=theme-{theme}])"))
            .await;
        page.sees(&format!("[data-theme={theme}]")).await;
        page.click(&id("nav-organization")).await;
        page.click(&id("open-org-settings")).await;
        page.type_into(&id("invite-email"), "next@acme.example")
            .await;
        page.click(&id("invite")).await;
        page.sees(&id("org-token")).await;
        page.click(&id("policy-only-some")).await;
        page.click(&id("add-rule")).await;
        page.sees(&id("policy-rule")).await;
        found.extend(check(&page, &format!("settings, {theme}")).await);
        page.click(&row(desk.org.user.id, &id("remove-member")))
            .await;
        page.sees(&id("confirm")).await;
        found.extend(check(&page, &format!("removing, {theme}")).await);
        page.press(&[key::ESCAPE]).await;
        page.misses("dialog").await;
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
