//! The trail of an organization in the UI: its admin looks through it, verifies it and takes it along; others are told
//! why they cannot.

use std::path::Path;

use berth_protocol::tenant::OrgState;
use berth_tests::{
    Setup,
    tenant::{Organization, Project},
    webdriver::{Page, id, key},
};
use reqwest::Method;
use serde_json::json;

use crate::stage::Stage;

const PASSWORD: &str = "correct horse battery staple";
const ADMIN: &str = "admin@acme.example";
const USER: &str = "user@acme.example";
const ROW: &str = "[data-testid=org-trail-row]";

/// A stage on which somebody of an organization is signed in.
struct Harbor {
    stage: Stage,
    _project: Project,
    org: Organization,
}

impl Harbor {
    async fn of(email: &str) -> Option<Self> {
        let project = Project::start().await?;
        let stage = Stage::with_keychain().await?;
        let org = project.backend.organization("acme").await;
        project.account(org.admin.id, ADMIN, PASSWORD);
        project.account(org.user.id, USER, PASSWORD);
        let client = &stage.engine.client;
        let backend = json!({"url": project.url, "key": project.key()});
        let put = client.request(Method::PUT, "/org/backend").json(&backend);
        let taken = client.value::<OrgState>(put).await;
        taken.expect("the backend is taken");
        let way = json!({"way": "password", "email": email, "password": PASSWORD});
        let signed_in = client.post::<OrgState>("/org/sign-in", &way).await;
        signed_in.expect("the password is right");
        Some(Self {
            stage,
            _project: project,
            org,
        })
    }

    async fn page(&self) -> Page {
        let page = self.stage.page().await;
        page.click(&id("nav-organization")).await;
        page.sees(&id("org-trail")).await;
        page
    }

    /// How many events the backend has.
    async fn recorded(&self) -> usize {
        let all = json!({"org": self.org.id});
        self.org.admin.call("audit_page", all).await.rows().len()
    }
}

async fn rows(page: &Page, count: usize) {
    page.until(&format!("{count} events are shown"), async || {
        let shown = page.count(ROW).await;
        Ok((shown == count as u64).then_some(()))
    })
    .await;
}

/// What a file holds that the browser has saved, once it is whole.
async fn downloaded(page: &Page, path: &Path) -> String {
    page.until("the file is saved", async || {
        let content = std::fs::read_to_string(path).unwrap_or_default();
        Ok(content.contains("\"manifest\"").then_some(content))
    })
    .await
}

#[tokio::test]
async fn an_admin_looks_through_the_trail_verifies_it_and_takes_it_along() {
    let Some(harbor) = Harbor::of(ADMIN).await else {
        return;
    };
    let recorded = harbor.recorded().await;
    let page = harbor.page().await;
    let folder = harbor.stage.engine.setup().folder().join("files");
    std::fs::create_dir_all(&folder).expect("it can be made");
    page.devtools(
        "Page.setDownloadBehavior",
        json!({"behavior": "allow", "downloadPath": folder.display().to_string()}),
    )
    .await;
    page.click(&id("open-org-trail")).await;
    rows(&page, recorded).await;
    // The newest come first, and people have their names.
    page.reads(&format!("{ROW}:first-child"), "invitation.changed")
        .await;
    page.reads(&format!("{ROW}[data-seq='1']"), "organization.created")
        .await;
    page.reads(
        &format!("{ROW}[data-seq='1'] [data-testid=org-trail-who]"),
        ADMIN,
    )
    .await;

    // What is looked for is shown, by keyboard too.
    page.type_into(&id("org-trail-action"), "membership.created")
        .await;
    page.press(&[key::ENTER]).await;
    rows(&page, 2).await;
    page.type_into(&id("org-trail-action"), ", organization.created")
        .await;
    page.click(&id("apply-org-trail")).await;
    rows(&page, 3).await;

    page.click(&id("verify-org-trail")).await;
    page.reads(
        &id("org-trail-verdict"),
        &format!("Valid: {recorded} events"),
    )
    .await;

    // The file has what is looked for, and proves itself where there is no engine.
    page.click(&id("export-org-trail")).await;
    let file = folder.join(format!("berth-audit-{}.ndjson", harbor.org.id));
    let text = downloaded(&page, &file).await;
    assert_eq!(text.lines().count(), 4, "{text}");
    let path = file.to_str().expect("it is text");
    let words = ["audit", "verify", "--file", path];
    let proved = Setup::new().berth(&words).await;
    let said = String::from_utf8_lossy(&proved.stdout);
    assert!(proved.status.success(), "{said}");
    assert!(said.contains("valid: 3 events"), "{said}");

    // What is asked is no action.
    page.type_into(&id("org-trail-action"), "?").await;
    page.click(&id("apply-org-trail")).await;
    page.reads("[data-testid=org-trail] [role=alert]", "action")
        .await;
    rows(&page, 0).await;
}

#[tokio::test]
async fn a_trail_without_what_is_looked_for_says_so() {
    let Some(harbor) = Harbor::of(ADMIN).await else {
        return;
    };
    let page = harbor.page().await;
    page.click(&id("open-org-trail")).await;
    page.sees(ROW).await;
    page.type_into(&id("org-trail-action"), "nothing.happened")
        .await;
    page.press(&[key::ENTER]).await;
    page.reads(&id("org-trail-empty"), "No such events").await;
    rows(&page, 0).await;
}

#[tokio::test]
async fn who_is_no_admin_is_told_why_there_is_no_trail() {
    let Some(harbor) = Harbor::of(USER).await else {
        return;
    };
    let page = harbor.page().await;
    page.reads(&id("org-trail-not-admin"), "Only admins of acme")
        .await;
    assert_eq!(page.count(&id("open-org-trail")).await, 0);
}
