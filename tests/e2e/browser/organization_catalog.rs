//! The servers that an organization shares, in the UI: agreed to by a user, told as a difference until then, and
//! shared, offered and blocked by an admin.

use std::path::PathBuf;

use berth_protocol::{
    McpList, McpScope,
    tenant::{OrgState, SyncStatus},
};
use berth_tests::{
    tenant::{Caller, Organization, Project, addition},
    webdriver::{Page, id},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    form::{focused, write},
    mcp::{add, everything, open_mcp},
    stage::Stage,
};

const EMAIL: &str = "somebody@acme.example";
const PASSWORD: &str = "correct horse battery staple";

/// Somebody who is signed in to an organization, which is active.
struct Signed {
    stage: Stage,
    org: Organization,
    project: Project,
    program: PathBuf,
}

impl Signed {
    async fn in_as(who: fn(&Organization) -> &Caller) -> Option<Self> {
        let program = everything()?;
        let project = Project::start().await?;
        let stage = Stage::with_keychain().await?;
        let org = project.backend.organization("acme").await;
        project.account(who(&org).id, EMAIL, PASSWORD).await;
        let signed = Self {
            stage,
            org,
            program,
            project,
        };
        let backend = json!({"url": signed.project.url, "key": signed.project.key()});
        signed.put("/org/backend", &backend).await;
        let client = &signed.stage.engine.client;
        let way = json!({"way": "password", "email": EMAIL, "password": PASSWORD});
        let came_in = client.post::<OrgState>("/org/sign-in", &way).await;
        came_in.expect("the password is right");
        let is_fresh = async || {
            let state: OrgState = client.get("/org").await.ok()?;
            let sync = state.organizations.first()?.sync.clone()?;
            (sync.status == SyncStatus::Fresh).then_some(())
        };
        client.until("it is fresh", is_fresh).await;
        let active = json!({"organization": signed.org.id});
        signed.put("/org/active", &active).await;
        Some(signed)
    }

    async fn put(&self, path: &str, body: &Value) {
        let client = &self.stage.engine.client;
        let put = client.request(Method::PUT, path).json(body);
        client.value::<OrgState>(put).await.expect("it is taken");
    }

    fn server(&self) -> Value {
        json!({"type": "stdio", "command": self.program, "args": ["stdio"]})
    }

    /// An admin shares a server elsewhere.
    async fn shares(&self, name: &str, catalog: &str) {
        let patch = json!({"scope": "organization", "name": name, "catalog": catalog, "server": self.server()});
        let added = addition("mcp_configuration", Uuid::now_v7(), patch);
        let request = json!({"org": self.org.id, "device": Uuid::now_v7(), "mutations": [added]});
        let results = self.org.admin.call("sync_push", request).await.rows();
        assert_eq!(results[0]["status"], "applied", "{results:?}");
        let client = &self.stage.engine.client;
        let looked = client
            .post::<OrgState>("/org/organizations/refresh", &json!({}))
            .await;
        looked.expect("it looks");
    }
}

/// Something in the card of a server.
fn card(name: &str, test_id: &str) -> String {
    format!("[data-testid=mcp-card][data-name='{name}'] [data-testid={test_id}]")
}

fn catalog(name: &str, word: &str) -> String {
    format!("{}[data-catalog={word}]", card(name, "mcp-catalog"))
}

fn stands(name: &str, standing: &str) -> String {
    format!("{}[data-standing={standing}]", card(name, "mcp-standing"))
}

fn difference(kind: &str) -> String {
    format!("[data-testid=org-difference][data-kind={kind}]")
}

async fn open_org(page: &Page) {
    page.click(&id("nav-organization")).await;
    page.sees(&id("org-drift")).await;
}

#[tokio::test]
async fn a_user_is_told_of_a_server_that_was_installed_and_agrees_to_it() {
    let Some(signed) = Signed::in_as(|org| &org.user).await else {
        return;
    };
    let page = signed.stage.page().await;
    open_org(&page).await;
    page.reads(&id("org-drift-none"), "as the organization wants it")
        .await;
    signed.shares("tools", "installed").await;
    page.reads(&difference("server_not_consented"), "tools")
        .await;
    let way = format!(
        "{} [data-testid=mend-drift]",
        difference("server_not_consented")
    );
    page.click(&way).await;

    page.reads("#mcp-organization", "Organization").await;
    page.sees(&catalog("tools", "installed")).await;
    page.sees(&stands("tools", "needs-consent")).await;
    assert_eq!(page.count(&card("tools", "edit-mcp")).await, 0);
    assert_eq!(page.count(&card("tools", "block-mcp")).await, 0);
    page.click(&card("tools", "test-mcp")).await;
    page.reads(
        &id("consent-command"),
        &signed.program.display().to_string(),
    )
    .await;
    page.click(&id("agree")).await;
    page.sees(&stands("tools", "connected")).await;
    open_org(&page).await;
    page.sees(&id("org-drift-none")).await;
    page.misses(&id("org-difference")).await;
}

#[tokio::test]
async fn a_user_takes_what_is_offered_and_leaves_it() {
    let Some(signed) = Signed::in_as(|org| &org.user).await else {
        return;
    };
    signed.shares("tools", "available").await;
    let page = signed.stage.page().await;
    open_mcp(&page).await;
    page.sees(&stands("tools", "offered")).await;
    page.reads(&card("tools", "take-mcp"), "Use it").await;
    page.click(&card("tools", "take-mcp")).await;
    page.sees(&stands("tools", "needs-consent")).await;
    page.reads(&card("tools", "take-mcp"), "Stop using it")
        .await;
    // The page has its answer: until then the buttons pay no heed.
    focused(&page, "test-mcp").await;
    page.click(&card("tools", "take-mcp")).await;
    page.sees(&stands("tools", "offered")).await;
}

#[tokio::test]
async fn an_admin_adds_a_server_to_the_catalog_and_blocks_it_for_all_and_themselves() {
    let Some(signed) = Signed::in_as(|org| &org.admin).await else {
        return;
    };
    let draft = json!({"name": "mine", "server": signed.server()});
    let own = add(&signed.stage.engine.client, &draft).await;
    let page = signed.stage.page().await;
    open_mcp(&page).await;
    let own = format!("[data-mcp='{}']", own.id);
    page.click(&format!("{own} [data-testid=share-mcp]")).await;
    page.reads(&id("toasts"), "mine is offered to all").await;
    page.sees(&catalog("mine", "available")).await;
    page.click(&card("mine", "block-mcp")).await;
    page.sees(&catalog("mine", "blocked")).await;
    page.sees(&stands("mine", "blocked")).await;
    focused(&page, "test-mcp").await;
    open_org(&page).await;
    page.reads(&difference("own_server_blocked"), "mine").await;

    page.click(&id("nav-mcp")).await;
    page.click(&card("mine", "install-mcp")).await;
    page.sees(&catalog("mine", "installed")).await;
    open_org(&page).await;
    page.misses(&difference("own_server_blocked")).await;
    page.sees(&difference("server_not_consented")).await;
}

#[tokio::test]
async fn what_is_typed_into_a_shared_server_stays_when_another_client_switches_and_can_be_kept() {
    let Some(signed) = Signed::in_as(|org| &org.admin).await else {
        return;
    };
    signed.shares("tools", "available").await;
    let page = signed.stage.page().await;
    open_mcp(&page).await;
    page.click(&card("tools", "edit-mcp")).await;
    write(&page, "[data-testid=mcp-name]", "typed").await;
    let alone = json!({"organization": null});
    signed.put("/org/active", &alone).await;
    page.sees(&id("mcp-left")).await;
    page.sees("[data-testid=save-mcp]:disabled").await;
    // The list behind it has followed.
    page.misses(&card("tools", "mcp-standing")).await;
    page.click(&id("keep-as-own")).await;
    page.misses(&id("mcp-left")).await;
    page.reads(".dialog-title", "Add MCP server").await;
    page.click("[data-testid=save-mcp]:not(:disabled)").await;
    page.sees(&card("typed", "mcp-standing")).await;
    let client = &signed.stage.engine.client;
    let list: McpList = client.get("/mcp/configurations").await.expect("it is told");
    let all = list.configurations.iter();
    let all: Vec<_> = all.map(|it| (it.scope, it.draft.name.as_str())).collect();
    assert_eq!(all, [(McpScope::User, "typed")]);
}
