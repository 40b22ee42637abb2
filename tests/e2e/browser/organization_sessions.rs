//! The sessions of an organization in the UI: its admin looks through those of all, and others see their own.

use berth_tests::{
    cable::Cable,
    tenant::{Caller, Member, Organization, Project, addition},
    webdriver::{Page, id},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    accessibility::{axe, check},
    form::select,
    stage::Stage,
};

const ADMIN: &str = "admin@acme.example";
const USER: &str = "user@acme.example";
const ROW: &str = "[data-testid=org-session]";

/// A stage on which somebody of an organization is signed in over a cable that can be cut.
struct Quay {
    stage: Stage,
    _project: Project,
    org: Organization,
    cable: Cable,
}

impl Quay {
    async fn of(email: &str) -> Option<Self> {
        let project = Project::start().await?;
        let stage = Stage::with_keychain().await?;
        let org = project.backend.organization("acme").await;
        let person = if email == ADMIN {
            org.admin.id
        } else {
            org.user.id
        };
        let (_, port) = project.url.rsplit_once(':').expect("it has a port");
        let cable = Cable::plug_in(port.parse().expect("a port is a number")).await;
        let mut member = Member::of(&project, person, email).await;
        member.url = format!("http://{}", cable.address);
        member.sign_in(&stage.engine.client).await;
        stage.engine.client.org_fresh(org.id).await;
        Some(Self {
            stage,
            _project: project,
            org,
            cable,
        })
    }

    async fn page(&self) -> Page {
        let page = self.stage.page().await;
        page.click(&id("nav-organization")).await;
        page.click(&id("open-org-settings")).await;
        page.reads("#org-settings-title", "Settings of acme").await;
        page.sees(&id("org-sessions")).await;
        page
    }

    /// Sessions of somebody that began one after another, the last of them in a branch with changes.
    async fn ran(&self, who: &Caller, count: u32, phase: &str) -> Uuid {
        let mut last = Uuid::nil();
        for number in 0..count {
            last = Uuid::now_v7();
            let at = format!("2026-11-{:02}T12:{:02}:00Z", 10 + number / 60, number % 60);
            let ended_at = (phase != "live").then_some(&at);
            let session = json!({
                "device_id": Uuid::now_v7(), "agent": "claude", "transport": "pty", "phase": phase,
                "exit_code": (phase == "exited").then_some(3), "started_at": at, "ended_at": ended_at,
            });
            let mut mutations = vec![addition("session", last, session)];
            if number + 1 == count {
                let workspace = json!({
                    "session_id": last, "kind": "worktree", "branch": "berth/quay", "changed_files": 2,
                    "added_lines": 30, "removed_lines": 4,
                });
                mutations.push(addition("workspace", Uuid::now_v7(), workspace));
            }
            self.push(who, mutations).await;
        }
        last
    }

    async fn push(&self, who: &Caller, mutations: Vec<Value>) {
        let push = json!({"org": self.org.id, "device": Uuid::now_v7(), "mutations": mutations});
        let results = who.call("sync_push", push).await.rows();
        let is_taken = |result: &Value| result["status"] == "applied";
        assert!(results.iter().all(is_taken), "{results:?}");
    }
}

/// The row of a session, or something in it.
fn row(session: Uuid, inside: &str) -> String {
    format!("{ROW}[data-session='{session}'] {inside}")
        .trim()
        .to_owned()
}

/// Waits until so many sessions are shown.
async fn rows(page: &Page, count: usize) {
    let script = "return document.querySelectorAll(arguments[0]).length === Number(arguments[1])";
    let what = format!("{count} sessions are shown");
    page.until_js(&what, script, &[ROW, &count.to_string()])
        .await;
}

#[tokio::test]
async fn an_admin_sees_the_sessions_of_all_page_by_page_by_member_and_by_state() {
    let Some(axe) = axe() else {
        return;
    };
    let Some(quay) = Quay::of(ADMIN).await else {
        return;
    };
    let runs = quay.ran(&quay.org.user, 1, "live").await;
    let ended = quay.ran(&quay.org.admin, 52, "exited").await;
    let page = quay.page().await;
    page.eval(&axe, &[]).await;
    page.reads(&id("org-sessions"), "members have run").await;
    rows(&page, 50).await;
    page.reads(&row(ended, &id("org-session-who")), ADMIN).await;
    page.reads(&row(ended, &id("org-session-state")), "exit code 3")
        .await;
    page.reads(&row(ended, ""), "berth/quay").await;
    page.reads(&row(ended, &id("org-session-changes")), "2 files +30 −4")
        .await;
    page.click(&id("older-org-sessions")).await;
    rows(&page, 53).await;
    page.misses(&id("older-org-sessions")).await;
    let script = "return document.activeElement?.id === 'org-sessions-title'";
    page.until_js("the title has the focus", script, &[]).await;
    page.reads(&row(runs, &id("org-session-state")), "running")
        .await;

    select(&page, &id("org-sessions-person"), USER).await;
    rows(&page, 1).await;
    page.sees(&row(runs, "")).await;
    select(&page, &id("org-sessions-state"), "Ended").await;
    page.sees(&id("no-org-sessions")).await;
    rows(&page, 0).await;
    select(&page, &id("org-sessions-person"), "Everybody").await;
    rows(&page, 50).await;
    select(&page, &id("org-sessions-state"), "Running").await;
    rows(&page, 1).await;
    page.sees(&row(runs, "")).await;

    let mut found = Vec::new();
    for theme in ["light", "dark"] {
        page.click(&id("nav-settings")).await;
        page.click(&format!("label:has([data-testid=theme-{theme}])"))
            .await;
        page.sees(&format!("[data-theme={theme}]")).await;
        page.click(&id("nav-organization")).await;
        page.click(&id("open-org-settings")).await;
        page.sees(ROW).await;
        found.extend(check(&page, &format!("sessions, {theme}")).await);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn a_user_sees_their_own_sessions_and_without_a_network_why_there_are_none() {
    let Some(quay) = Quay::of(USER).await else {
        return;
    };
    let own = quay.ran(&quay.org.user, 1, "failed").await;
    quay.ran(&quay.org.admin, 1, "live").await;
    let page = quay.page().await;
    page.reads(&id("org-sessions"), "Your sessions").await;
    rows(&page, 1).await;
    page.reads(&row(own, &id("org-session-state")), "failed")
        .await;
    assert_eq!(page.count(&id("org-sessions-person")).await, 0);

    quay.cable.cut().await;
    page.click(&id("refresh-org-sessions")).await;
    let alert = format!("{} [role=alert]", id("org-sessions"));
    page.reads(&alert, "could not be fetched").await;
    rows(&page, 0).await;
    quay.cable.mend();
    page.click(&format!("{alert} button")).await;
    rows(&page, 1).await;
    page.misses(&alert).await;
}
