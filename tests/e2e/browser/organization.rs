//! Organizations in the UI: a backend is named, somebody signs in, and an organization becomes the active one.

use berth_protocol::tenant::{OrgAccount, OrgState};
use berth_tests::{
    tenant::{Organization, Project},
    webdriver::{Page, id, key},
};
use serde_json::json;

use crate::{
    form::{focused, problem, value, write},
    stage::Stage,
};

const PASSWORD: &str = "correct horse battery staple";

/// A project with an organization, whose user has an account.
struct Harbor {
    stage: Stage,
    project: Project,
    org: Organization,
    email: String,
}

impl Harbor {
    async fn open() -> Option<Self> {
        Self::of(Project::start().await?).await
    }

    /// The same with the stand-in for Supabase Auth, also where a real one is given.
    async fn with_stand_in(why: &str) -> Option<Self> {
        Self::of(Project::own(why).await?).await
    }

    async fn of(project: Project) -> Option<Self> {
        let stage = Stage::with_keychain().await?;
        let org = project.backend.organization("acme").await;
        let email = "user@acme.example".to_owned();
        project.account(org.user.id, &email, PASSWORD).await;
        Some(Self {
            stage,
            project,
            org,
            email,
        })
    }

    /// Opens the page, and names the backend there.
    async fn page(&self) -> Page {
        let page = self.stage.page().await;
        page.click(&id("nav-organization")).await;
        page.type_into(&id("org-backend-url"), &self.project.url)
            .await;
        page.type_into(&id("org-backend-key"), &self.project.key())
            .await;
        page.click(&id("save-org-backend")).await;
        page.sees(&id("org-email")).await;
        page
    }

    async fn sign_in(&self, page: &Page) {
        page.type_into(&id("org-email"), &self.email).await;
        page.type_into(&id("org-password"), PASSWORD).await;
        page.press(&[key::ENTER]).await;
    }

    async fn state(&self) -> OrgState {
        let state = self.stage.engine.client.get("/org").await;
        state.expect("it is told")
    }

    /// The card of the organization, and something in it.
    fn card(&self, test_id: &str) -> String {
        format!("[data-org='{}'] [data-testid={test_id}]", self.org.id)
    }

    fn synced(&self, state: &str) -> String {
        format!("{}[data-state={state}]", self.card("org-sync"))
    }
}

#[tokio::test]
async fn somebody_names_the_backend_signs_in_with_a_password_and_switches_to_an_organization() {
    let Some(harbor) = Harbor::with_stand_in("it counts the sessions of the sign-in server").await
    else {
        return;
    };
    let keychain = harbor.stage.keychain.as_ref().expect("the stage has one");
    let page = harbor.stage.page().await;
    page.click(&id("nav-organization")).await;
    page.click(&id("save-org-backend")).await;
    let said = problem(&page, &id("org-backend-url")).await;
    assert!(said.contains("Fill this in"), "{said}");
    focused(&page, "org-backend-url").await;
    // What is wrong with it is said where it was typed.
    page.type_into(&id("org-backend-url"), "http://example.com")
        .await;
    page.type_into(&id("org-backend-key"), &harbor.project.key())
        .await;
    page.click(&id("save-org-backend")).await;
    page.reads("[data-testid=org-backend] [role=alert]", "https")
        .await;
    write(&page, &id("org-backend-url"), &harbor.project.url).await;
    page.press(&[key::ENTER]).await;
    page.sees(&id("org-password")).await;
    page.reads(&id("org-backend-line"), &harbor.project.url)
        .await;

    page.type_into(&id("org-email"), "user").await;
    page.click(&id("org-sign-in")).await;
    let said = problem(&page, &id("org-email")).await;
    assert!(said.contains("no e-mail address"), "{said}");
    write(&page, &id("org-email"), &harbor.email).await;
    page.type_into(&id("org-password"), "a guess").await;
    page.press(&[key::ENTER]).await;
    page.reads("[data-testid=org-by-email] [role=alert]", "password")
        .await;
    focused(&page, "org-password").await;
    assert_eq!(value(&page, &id("org-password")).await, "", "it is kept");
    page.type_into(&id("org-password"), PASSWORD).await;
    page.click(&id("org-sign-in")).await;

    page.reads(&id("org-who"), &harbor.email).await;
    page.misses(&id("org-password")).await;
    page.reads(&harbor.card("org-told"), "what the backend has")
        .await;
    page.sees(&harbor.synced("fresh")).await;
    page.reads(&format!("[data-org='{}']", harbor.org.id), "acme")
        .await;
    page.sees("[data-testid=org-none] [data-testid=org-active]")
        .await;
    assert_eq!(page.count(&id("org-sign")).await, 0);
    assert!(keychain.count().await > 0);

    page.click(&harbor.card("switch-org")).await;
    // It is said for a few seconds only.
    page.reads(&id("toasts"), "acme is active now").await;
    page.sees(&harbor.card("org-active")).await;
    page.sees("[data-testid=org-sign][data-state=fresh]").await;
    page.reads(&id("org-sign"), "acme").await;
    let active = harbor.state().await.active.map(|id| id.0);
    assert_eq!(active, Some(harbor.org.id));
    // The sign is there at the next start, too.
    page.open(&harbor.stage.engine.page()).await;
    page.reads(&id("org-sign"), "acme").await;
    // Whoever comes back to the window sees what is new.
    page.eval("window.dispatchEvent(new Event('focus'))", &[])
        .await;
    page.until_js(
        "what is new is asked for",
        "return performance.getEntriesByType('resource').some(it => it.name.endsWith('/organizations/refresh')) || null",
        &[],
    )
    .await;
    page.click(&id("org-sign")).await;
    page.click("[data-testid=org-none] [data-testid=switch-org]")
        .await;
    page.misses(&id("org-sign")).await;
    assert_eq!(harbor.state().await.active, None);

    page.click(&id("org-sign-out")).await;
    page.reads(&id("toasts"), "You are signed out").await;
    page.sees(&id("org-email")).await;
    assert_eq!(value(&page, &id("org-password")).await, "");
    assert_eq!(harbor.state().await.account, OrgAccount::SignedOut);
    assert_eq!(keychain.count().await, 0);
    assert_eq!(harbor.project.sign_in().sessions(harbor.org.user.id), 0);
}

#[tokio::test]
async fn somebody_signs_in_at_a_provider_in_the_browser() {
    let Some(harbor) =
        Harbor::with_stand_in("it needs a provider where nobody types anything").await
    else {
        return;
    };
    let page = harbor.page().await;
    page.reads(&id("org-provider"), "GitHub").await;
    // The page that opens follows every redirect up to the engine.
    page.click(&id("org-provider")).await;
    page.reads(&id("org-who"), &harbor.email).await;
    page.misses(&id("org-waiting")).await;
    page.sees(&harbor.synced("fresh")).await;
}

#[tokio::test]
async fn somebody_signs_in_at_the_single_sign_on_of_their_domain() {
    let Some(harbor) = Harbor::with_stand_in("it says which domains have a single sign-on").await
    else {
        return;
    };
    let sign_in = harbor.project.sign_in();
    sign_in.add_domain("acme.example", harbor.org.user.id);
    // Whoever came to a provider would be somebody else.
    sign_in.account("other@acme.example", PASSWORD);
    let page = harbor.page().await;
    page.click(&id("org-sign-in-domain")).await;
    let said = problem(&page, &id("org-domain")).await;
    assert!(said.contains("Fill this in"), "{said}");
    focused(&page, "org-domain").await;

    page.type_into(&id("org-domain"), "other.example").await;
    page.click(&id("org-sign-in-domain")).await;
    page.reads(
        "[data-testid=org-by-domain] [role=alert]",
        "No SSO provider",
    )
    .await;
    focused(&page, "org-domain").await;
    assert_eq!(harbor.state().await.account, OrgAccount::SignedOut);

    write(&page, &id("org-domain"), " acme.example ").await;
    page.press(&[key::ENTER]).await;
    page.reads(&id("org-who"), &harbor.email).await;
    page.misses(&id("org-waiting")).await;
    page.sees(&harbor.synced("fresh")).await;
    let asked = sign_in.seen("POST /sso").into_iter();
    let asked: Vec<_> = asked
        .map(|request| request.body["domain"].clone())
        .collect();
    assert_eq!(asked, ["other.example", "acme.example"]);
    assert_eq!(sign_in.sessions(harbor.org.user.id), 1);
}

#[tokio::test]
async fn a_sign_in_in_the_browser_can_be_cancelled_and_refused() {
    let Some(harbor) = Harbor::with_stand_in("it says what the provider answers").await else {
        return;
    };
    let page = harbor.page().await;
    // Its page leads nowhere, and leaves the page of Berth in sight.
    harbor.project.sign_in().change("/authorize", |answer| {
        answer.status = 200;
        answer.headers.clear();
        answer.set("content-type", "text/html");
        answer.body = json!("<script>close()</script>");
    });
    page.click(&id("org-provider")).await;
    page.reads(&id("org-time-left"), "Time left: ").await;
    page.click(&id("cancel-org-sign-in")).await;
    page.sees(&id("org-email")).await;
    page.misses(&id("org-waiting")).await;
    assert_eq!(harbor.state().await.account, OrgAccount::SignedOut);

    harbor.project.sign_in().mend("/authorize");
    harbor.project.sign_in().nobody_agrees();
    page.click(&id("org-provider")).await;
    page.reads(&id("org-sign-in-failed"), "denied").await;
    page.sees(&id("org-email")).await;
}

#[tokio::test]
async fn a_code_that_is_mailed_and_a_second_factor_are_asked_for() {
    let Some(harbor) =
        Harbor::with_stand_in("it says what is mailed and which code is right").await
    else {
        return;
    };
    let user = harbor.org.user.id;
    harbor.project.sign_in().add_factor(user, "totp", "246810");
    let page = harbor.page().await;
    page.type_into(&id("org-password"), "not needed").await;
    page.click(&id("org-use-code")).await;
    page.misses(&id("org-password")).await;
    focused(&page, "org-email").await;
    page.type_into(&id("org-email"), &harbor.email).await;
    page.click(&id("org-sign-in")).await;
    page.reads(&id("org-code-sent"), &harbor.email).await;
    focused(&page, "org-code").await;
    let code = harbor.project.sign_in().mailed(&harbor.email);
    page.type_into(&id("org-code"), &code.expect("one was mailed"))
        .await;
    page.press(&[key::ENTER]).await;

    focused(&page, "org-factor-code").await;
    let offered = page.attribute(&id("org-factor-code"), "autocomplete").await;
    assert_eq!(offered, "one-time-code");
    page.type_into(&id("org-factor-code"), "000000").await;
    page.press(&[key::ENTER]).await;
    page.reads("[data-testid=org-second-factor] [role=alert]", "code")
        .await;
    focused(&page, "org-factor-code").await;
    page.type_into(&id("org-factor-code"), "246 810").await;
    page.click(&id("give-org-factor")).await;
    page.reads(&id("org-who"), "with a second factor").await;
    page.sees(&harbor.synced("fresh")).await;
}

#[tokio::test]
async fn an_organization_is_made_and_another_one_joined_by_invitation() {
    let Some(harbor) = Harbor::open().await else {
        return;
    };
    let other = harbor.project.backend.organization("other").await;
    let wanted = json!({"org": other.id, "email": harbor.email, "role": "user"});
    let invitation = other.admin.call("invite", wanted).await.ok();
    let token = invitation["token"].as_str().expect("it has a token");
    let page = harbor.page().await;
    harbor.sign_in(&page).await;
    page.sees(&harbor.synced("fresh")).await;

    page.click(&id("create-org")).await;
    let said = problem(&page, &id("org-name")).await;
    assert!(said.contains("Fill this in"), "{said}");
    page.type_into(&id("org-name"), "Mine").await;
    page.click(&id("create-org")).await;
    page.reads("[data-testid=org-card][data-name=Mine]", "admin")
        .await;
    focused(&page, "org-name").await;
    assert_eq!(value(&page, &id("org-name")).await, "");

    page.type_into(&id("org-invitation"), "no such invitation")
        .await;
    page.press(&[key::ENTER]).await;
    page.sees("[data-testid=org-join] [role=alert]").await;
    page.type_into(&id("org-invitation"), token).await;
    page.click(&id("join-org")).await;
    page.reads("[data-testid=org-card][data-name=other]", "user")
        .await;
    page.misses("[data-testid=org-join] [role=alert]").await;
    assert_eq!(value(&page, &id("org-invitation")).await, "");
    assert_eq!(harbor.state().await.organizations.len(), 3);

    // What was made elsewhere comes when it is looked for.
    let elsewhere = json!({"id": uuid::Uuid::now_v7(), "name": "Elsewhere"});
    harbor
        .org
        .user
        .call("create_organization", elsewhere)
        .await
        .ok();
    page.click(&id("look-for-orgs")).await;
    page.sees("[data-testid=org-card][data-name=Elsewhere]")
        .await;
    focused(&page, "look-for-orgs").await;
}
