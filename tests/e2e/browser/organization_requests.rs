//! What people ask an organization to erase, what it asks them to agree to, and how long it keeps its trail, in the
//! settings of an organization in the UI.

use berth_protocol::tenant::OrganizationRole;
use berth_tests::{
    tenant::addition,
    webdriver::{Page, id, key},
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    accessibility::{axe, check},
    form::{focused, problem, select, write},
    organization_admin::{Desk, row},
};

/// A consent text of this version that the backend has.
fn arrived(version: u32) -> String {
    format!("[data-testid=consent-text][data-version='{version}'][data-waits=false]")
}

/// Waits until the element of this identifier has the focus.
async fn title_focused(page: &Page, element: &str) {
    let script = "return document.activeElement?.id === arguments[0]";
    page.until_js(&format!("{element} has the focus"), script, &[element])
        .await;
}

#[tokio::test]
async fn an_admin_publishes_a_text_agrees_and_erases_whoever_has_asked_for_it() {
    let Some(axe) = axe() else {
        return;
    };
    let Some(desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    let page = desk.page().await;
    page.eval(&axe, &[]).await;
    page.reads(&id("retention-kept"), "365 days, about 12 months")
        .await;
    page.click(&id("change-retention")).await;
    focused(&page, "policy-retention").await;

    page.sees(&id("no-consent-texts")).await;
    page.click(&id("publish-consent")).await;
    let said = problem(&page, &id("consent-purpose")).await;
    assert!(said.contains("Fill this in"), "{said}");
    write(&page, &id("consent-purpose"), "Recording").await;
    let said = problem(&page, &id("consent-purpose")).await;
    assert!(said.contains("small letters"), "{said}");
    write(&page, &id("consent-purpose"), "recording").await;
    page.type_into(&id("consent-body"), "Sessions are recorded.")
        .await;
    page.click(&id("publish-consent")).await;
    page.reads(&arrived(1), "Sessions are recorded.").await;
    focused(&page, "consent-purpose").await;
    page.click(&id("say-of-consent")).await;
    page.reads(&id("consent-standing"), "You agreed").await;
    page.reads(&id("consent-agreements"), "1 person agrees")
        .await;
    focused(&page, "say-of-consent").await;
    page.sees(&arrived(1)).await;
    page.click(&id("say-of-consent")).await;
    page.reads(&id("consent-standing"), "You do not agree")
        .await;

    page.sees(&id("no-erasures")).await;
    page.click(&id("ask-erasure")).await;
    let said = problem(&page, &id("erasure-of")).await;
    assert!(said.contains("Choose"), "{said}");
    select(&page, &id("erasure-of"), "admin@acme.example (you)").await;
    page.click(&id("ask-erasure")).await;
    page.reads(".dialog-title", "Ask to be erased?").await;
    page.click(&id("confirm")).await;
    page.reads(&id("erasure-row"), "Another admin performs this one")
        .await;
    title_focused(&page, "org-erasures-title").await;
    assert_eq!(page.count(&id("perform-erasure")).await, 0);
    let asked = json!({"org": desk.org.id});
    desk.org.user.call("request_erasure", asked).await.ok();
    page.click(&id("look-for-orgs")).await;
    page.sees(&id("perform-erasure")).await;

    let mut found = Vec::new();
    for theme in ["light", "dark"] {
        page.click(&id("nav-settings")).await;
        page.click(&format!("label:has([data-testid=theme-{theme}])"))
            .await;
        page.sees(&format!("[data-theme={theme}]")).await;
        page.click(&id("nav-organization")).await;
        page.click(&id("open-org-settings")).await;
        page.sees(&arrived(1)).await;
        page.click(&id("perform-erasure")).await;
        page.reads(".dialog-title", "Erase user@acme.example?")
            .await;
        found.extend(check(&page, &format!("erasing, {theme}")).await);
        page.press(&[key::ESCAPE]).await;
        page.misses("dialog").await;
        focused(&page, "perform-erasure").await;
        page.click(&id("publish-consent")).await;
        page.sees("[aria-invalid=true]").await;
        found.extend(check(&page, &format!("requests, {theme}")).await);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));

    page.click(&id("perform-erasure")).await;
    page.reads(&id("erasure-facts"), "Its chain still verifies")
        .await;
    page.click(&id("confirm")).await;
    page.reads(
        "[data-testid=erasure-row][data-state=performed]",
        "Somebody who was erased",
    )
    .await;
    page.misses(&row(desk.org.user.id, "")).await;
    title_focused(&page, "org-erasures-title").await;
    assert_eq!(desk.role(desk.org.user.id).await, None);
    desk.stage.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn a_user_agrees_and_asks_for_their_own_erasure_and_is_offered_nothing_more() {
    let Some(desk) = Desk::of(OrganizationRole::User).await else {
        return;
    };
    let words = json!({"purpose": "recording", "version": 1, "body": "Sessions are recorded."});
    let text = addition("consent_text", Uuid::now_v7(), words);
    let push = json!({"org": desk.org.id, "device": Uuid::now_v7(), "mutations": [text]});
    desk.org.admin.call("sync_push", push).await.ok();
    let page = desk.page().await;
    page.click(&id("look-for-orgs")).await;
    page.reads(&arrived(1), "Sessions are recorded.").await;
    page.click(&id("say-of-consent")).await;
    page.reads(&id("consent-standing"), "You agreed").await;
    page.sees(&arrived(1)).await;
    let stored = desk.org.admin.get("consents").await.rows();
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert_eq!(stored[0]["user_id"], json!(desk.org.user.id));

    page.click(&id("ask-own-erasure")).await;
    page.reads(&id("erasure-facts"), "What stays").await;
    page.click(&id("confirm")).await;
    page.reads(&id("erasure-row"), "asked for by you").await;
    page.misses(&id("ask-own-erasure")).await;
    for changes in [
        "perform-erasure",
        "erasure-of",
        "publish-consent",
        "consent-agreements",
        "change-retention",
    ] {
        assert_eq!(page.count(&id(changes)).await, 0, "{changes}");
    }
}
