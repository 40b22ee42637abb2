//! The trail of an organization in the UI: its admin looks through it, verifies it and takes it along; others are told
//! why they cannot.

use berth_protocol::tenant::OrgState;
use berth_tests::{
    Setup,
    cable::Cable,
    tenant::{Member, Organization, Project, now},
    webdriver::{Page, id, key},
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::{
    accessibility::{axe, check},
    audit::{downloaded, saves_into},
    form::{focused, select},
    stage::Stage,
};

const PASSWORD: &str = "correct horse battery staple";
const ADMIN: &str = "admin@acme.example";
const USER: &str = "user@acme.example";
const ROW: &str = "[data-testid=org-trail-row]";

/// A stage on which somebody of an organization is signed in.
struct Harbor {
    stage: Stage,
    project: Project,
    org: Organization,
}

impl Harbor {
    async fn of(email: &str) -> Option<Self> {
        Self::at(Project::start().await?, email).await
    }

    async fn at(project: Project, email: &str) -> Option<Self> {
        let stage = Stage::with_keychain().await?;
        let org = project.backend.organization("acme").await;
        project.account(org.admin.id, ADMIN, PASSWORD).await;
        project.account(org.user.id, USER, PASSWORD).await;
        let client = &stage.engine.client;
        let backend = json!({"url": project.url, "key": project.key()});
        let put = client.request(Method::PUT, "/org/backend").json(&backend);
        let taken = client.value::<OrgState>(put).await;
        taken.expect("the backend is taken");
        let way = json!({"way": "password", "email": email, "password": PASSWORD});
        let signed_in = client.post::<OrgState>("/org/sign-in", &way).await;
        signed_in.expect("the password is right");
        // The trail has the sign-in, and grows no more by itself.
        client.org_settled(org.id).await;
        Some(Self {
            stage,
            project,
            org,
        })
    }

    async fn page(&self) -> Page {
        let page = self.stage.page().await;
        page.click(&id("nav-organization")).await;
        page.sees(&id("org-trail")).await;
        page
    }

    /// A device of the user reports what has happened in a session hours ago; returns the session, and the number of
    /// its event.
    async fn reported(&self, hours: u64) -> (Uuid, i64) {
        let session = Uuid::now_v7();
        let event = json!({
            "id": Uuid::now_v7(), "seq": 4, "at": (now() - hours * 3600) * 1000, "action": "session.created",
            "subject_kind": "session", "subject_id": session, "session_id": session,
            "details": {"agent": "claude"},
        });
        let events = json!({"org": self.org.id, "device": Uuid::now_v7(), "events": [event]});
        let answers = self.org.user.call("audit_append", events).await.rows();
        let seq = answers[0]["seq"].as_i64();
        (session, seq.expect("it is stored"))
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

#[tokio::test]
async fn an_admin_looks_through_the_trail_verifies_it_and_takes_it_along() {
    let Some(harbor) = Harbor::of(ADMIN).await else {
        return;
    };
    let recorded = harbor.recorded().await;
    let page = harbor.page().await;
    let folder = harbor.stage.engine.setup().folder().join("files");
    saves_into(&page, &folder).await;
    page.click(&id("open-org-trail")).await;
    rows(&page, recorded).await;
    // The newest come first, and people have their names.
    page.reads(&format!("{ROW}:first-child"), "org.signed_in")
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

    page.reads(&id("org-trail-about"), "berth audit verify --file")
        .await;
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

/// Something in the row of an event, or in its details.
fn of(part: &str, seq: i64, inside: &str) -> String {
    let inside = id(inside);
    format!("[data-testid={part}][data-seq='{seq}'] {inside}")
}

#[tokio::test]
async fn the_details_of_an_event_say_when_it_happened_and_where_it_came_from() {
    let why = "it takes a right away from everybody";
    let Some(project) = Project::own(why).await else {
        return;
    };
    let Some(harbor) = Harbor::at(project, ADMIN).await else {
        return;
    };
    let (session, seq) = harbor.reported(3).await;
    let recorded = harbor.recorded().await;
    let page = harbor.page().await;
    page.click(&id("open-org-trail")).await;
    rows(&page, recorded).await;

    // Enter opens the details, where the focus stays.
    let more = of("org-trail-row", seq, "org-trail-more");
    assert_eq!(page.attribute(&more, "aria-expanded").await, "false");
    page.eval(
        "document.querySelector(arguments[0]).focus()",
        &[more.as_str()],
    )
    .await;
    page.press(&[key::ENTER]).await;
    let details = format!("{}[data-seq='{seq}']", id("org-trail-details"));
    page.reads(&details, &session.to_string()).await;
    assert_eq!(page.attribute(&more, "aria-expanded").await, "true");
    let controlled = page.attribute(&more, "aria-controls").await;
    page.sees(&format!("#{controlled}")).await;
    page.reads(&details, "its event 4").await;
    page.reads(&details, "agent claude").await;
    let apart = of("org-trail-details", seq, "org-trail-apart");
    page.reads(&apart, "arrived 3 hours after").await;

    let ask = of("org-trail-details", seq, "ask-org-trail-origin");
    let origin = of("org-trail-details", seq, "org-trail-origin");
    page.click(&ask).await;
    // Nothing stands before this backend that would have told it an address.
    page.reads(&origin, "berth-tests").await;
    page.reads(&origin, "Not known").await;
    focused(&page, "ask-org-trail-origin").await;
    // A refusal is told where it was asked for, and asking again mends it.
    let alert = format!("{details} [role=alert]");
    let database = &harbor.project.backend.cluster;
    let function = "function public.audit_origin(uuid, bigint)";
    let revoke = format!("revoke execute on {function} from authenticated");
    database.superuser(&revoke).await;
    page.click(&ask).await;
    page.sees(&alert).await;
    let grant = format!("grant execute on {function} to authenticated");
    database.superuser(&grant).await;
    page.click(&ask).await;
    page.reads(&origin, "berth-tests").await;
    page.misses(&alert).await;
    // What was answered goes with the details.
    page.click(&more).await;
    page.misses(&details).await;
    focused(&page, "org-trail-more").await;
    page.press(&[key::ENTER]).await;
    page.sees(&details).await;
    assert!(!page.reads(&details, "claude").await.contains("berth-tests"));

    // What the backend has seen itself has happened when it arrived.
    page.click(&of("org-trail-row", 1, "org-trail-more")).await;
    let first = format!("{}[data-seq='1']", id("org-trail-details"));
    page.reads(&first, "Seen by the backend itself").await;
    let apart = of("org-trail-details", 1, "org-trail-apart");
    assert_eq!(page.count(&apart).await, 0);

    // A session or a kind is looked for from an event of it, or by its name.
    page.click(&of("org-trail-details", seq, "only-org-trail-session"))
        .await;
    rows(&page, 1).await;
    focused(&page, "apply-org-trail").await;
    page.sees(&format!("{ROW}[data-seq='{seq}']")).await;
    page.type_into(&id("org-trail-kind"), "membership").await;
    page.click(&id("apply-org-trail")).await;
    page.sees(&id("org-trail-empty")).await;
}

#[tokio::test]
async fn the_trail_with_open_details_has_no_serious_violation_in_either_theme() {
    let Some(axe) = axe() else {
        return;
    };
    let Some(harbor) = Harbor::of(ADMIN).await else {
        return;
    };
    let (_, seq) = harbor.reported(3).await;
    let page = harbor.page().await;
    page.eval(&axe, &[]).await;
    let mut found = Vec::new();
    for theme in ["light", "dark"] {
        page.click(&id("nav-settings")).await;
        page.click(&format!("label:has([data-testid=theme-{theme}])"))
            .await;
        page.sees(&format!("[data-theme={theme}]")).await;
        page.click(&id("nav-organization")).await;
        page.click(&id("open-org-trail")).await;
        page.click(&of("org-trail-row", seq, "org-trail-more"))
            .await;
        page.click(&of("org-trail-details", seq, "ask-org-trail-origin"))
            .await;
        let origin = of("org-trail-details", seq, "org-trail-origin");
        page.reads(&origin, "berth-tests").await;
        page.click(&of("org-trail-row", 1, "org-trail-more")).await;
        page.sees(&of("org-trail-details", 1, "only-org-trail-kind"))
            .await;
        found.extend(check(&page, &format!("trail, {theme}")).await);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
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

#[tokio::test]
async fn a_check_that_is_not_answered_keeps_no_other_trail_from_being_checked() {
    let Some(project) = Project::start().await else {
        return;
    };
    let Some(stage) = Stage::with_keychain().await else {
        return;
    };
    let org = project.backend.organization("acme").await;
    let other = org.admin.found("globex").await;
    let (_, port) = project.url.rsplit_once(':').expect("it has a port");
    let cable = Cable::plug_in(port.parse().expect("a port is a number")).await;
    let mut member = Member::of(&project, org.admin.id, ADMIN).await;
    member.url = format!("http://{}", cable.address);
    let client = &stage.engine.client;
    member.sign_in(client).await;
    client.org_fresh(org.id).await;
    client.org_fresh(other).await;
    client.switch_org(Some(org.id)).await;
    let page = stage.page().await;
    page.click(&id("nav-organization")).await;
    page.click(&id("open-org-trail")).await;
    page.sees(ROW).await;

    let _silent = cable.fall_silent().await;
    page.click(&id("verify-org-trail")).await;
    page.sees("[data-testid=verify-org-trail][aria-busy]").await;
    select(&page, &id("org-trail-which"), "globex").await;
    page.click(&id("open-org-trail")).await;
    page.sees("[data-testid=verify-org-trail]:not([aria-busy]):not(:disabled)")
        .await;
}
