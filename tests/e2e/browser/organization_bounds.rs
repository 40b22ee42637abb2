//! What the box for a new session offers under the policy of an organization.

use berth_protocol::tenant::OrganizationRole;
use berth_tests::webdriver::id;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    organization_admin::Desk,
    stage::{add_project, start_session},
};

const NOTE: &str = "[data-agent=shell] [data-testid=agent-refused]";

const SHELL: &str = "[data-testid=agent-option][data-value=shell]";

#[tokio::test]
async fn an_agent_that_the_organization_refuses_cannot_be_chosen_and_the_box_says_why() {
    let Some(desk) = Desk::of(OrganizationRole::User).await else {
        return;
    };
    let client = &desk.stage.engine.client;
    let active = json!({"organization": desk.org.id});
    let put = client.request(Method::PUT, "/org/active").json(&active);
    client.send(put).await.expect("it is theirs");
    let set_policy = async |version: i64, policy: Value| {
        let set = json!({"org": desk.org.id, "version": version, "policy": policy});
        desk.org.admin.call("set_policy", set).await.ok();
        client.org_settled(desk.org.id).await;
    };
    let page = desk.stage.page().await;
    add_project(&page, &desk.stage.repository.path).await;
    page.click(&id("agent-picker")).await;
    page.sees(&format!("{SHELL}[aria-disabled=false]")).await;

    // The list that stands open follows.
    set_policy(1, json!({"allowed_agents": ["codex"]})).await;
    page.sees(&format!("{SHELL}[aria-disabled=true]")).await;
    page.reads(SHELL, "acme: ").await;
    page.reads(SHELL, "not among the agents that it allows")
        .await;
    set_policy(2, json!({})).await;
    page.sees(&format!("{SHELL}[aria-disabled=false]")).await;
    page.click(&id("agent-picker")).await;
    page.misses(SHELL).await;
    start_session(&page, "shell", "true").await;
}

#[tokio::test]
async fn what_the_organization_refuses_stands_in_the_settings_and_in_the_details_of_a_session() {
    let Some(desk) = Desk::of(OrganizationRole::User).await else {
        return;
    };
    let client = &desk.stage.engine.client;
    client.switch_org(Some(desk.org.id)).await;
    let page = desk.stage.page().await;
    add_project(&page, &desk.stage.repository.path).await;
    start_session(&page, "shell", "true").await;
    page.sees(&id("details")).await;
    assert_eq!(page.count(&id("mode-refused")).await, 0);

    let policy = json!({"allowed_agents": ["codex"]});
    let set = json!({"org": desk.org.id, "version": 1, "policy": policy});
    desk.org.admin.call("set_policy", set).await.ok();
    client.org_settled(desk.org.id).await;
    page.reads(&id("mode-refused"), "not among the agents that it allows")
        .await;
    // It has a name of its own beside it, as all facts do.
    page.sees("dt + dd > [data-testid=mode-refused]").await;
    page.click(&id("nav-settings")).await;
    page.reads(NOTE, "acme: ").await;
}
