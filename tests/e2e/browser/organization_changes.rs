//! Changes that have not gone through, in the UI: seen, decided about, and prompts of an organization that are edited.

use berth_protocol::{
    CreateSession, PromptDraft, PromptEdit, PromptList, PromptScope, SystemPrompt,
    tenant::{OrgState, SyncStatus},
};
use berth_tests::{
    Client,
    cable::Cable,
    session,
    tenant::{Device, Organization, Project},
    webdriver::{Page, id, key},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    form::{focused, select, write},
    stage::Stage,
};

const EMAIL: &str = "somebody@acme.example";
const PASSWORD: &str = "correct horse battery staple";

/// Somebody who is signed in and has an active organization, over a cable that can be cut, and another device of its
/// admin.
struct Harbor {
    stage: Stage,
    project: Project,
    org: Organization,
    cable: Cable,
    other: Device,
    /// A prompt of the organization.
    house: Uuid,
}

impl Harbor {
    async fn of_an_admin() -> Option<Self> {
        Self::open(|org| org.admin.id).await
    }

    async fn open(who: impl Fn(&Organization) -> Uuid) -> Option<Self> {
        Self::at(Project::start().await?, who).await
    }

    async fn at(project: Project, who: impl Fn(&Organization) -> Uuid) -> Option<Self> {
        let stage = Stage::with_keychain().await?;
        let org = project.backend.organization("acme").await;
        project.account(who(&org), EMAIL, PASSWORD).await;
        let root = project.backend.root();
        let other = Device::synced(&root, org.id, org.admin.id).await;
        let words = json!({"scope": "organization", "name": "house", "content": "words of house"});
        let house = other.add_prompt(words).await;
        other.settled().await;
        let (_, port) = project.url.rsplit_once(':').expect("it has a port");
        let cable = Cable::plug_in(port.parse().expect("a port is a number")).await;
        let harbor = Self {
            stage,
            project,
            org,
            cable,
            other,
            house,
        };
        let url = format!("http://{}", harbor.cable.address);
        let backend = json!({"url": url, "key": harbor.project.key()});
        harbor.put("/org/backend", &backend).await;
        let way = json!({"way": "password", "email": EMAIL, "password": PASSWORD});
        let signed_in = harbor.client().post::<OrgState>("/org/sign-in", &way).await;
        signed_in.expect("the password is right");
        let is_fresh = async || {
            let state: OrgState = harbor.client().get("/org").await.ok()?;
            let sync = state.organizations.first()?.sync.clone()?;
            (sync.status == SyncStatus::Fresh).then_some(())
        };
        harbor.client().until("it is fresh", is_fresh).await;
        let active = json!({"organization": harbor.org.id});
        harbor.put("/org/active", &active).await;
        Some(harbor)
    }

    fn client(&self) -> &Client {
        &self.stage.engine.client
    }

    async fn put(&self, path: &str, body: &Value) {
        let put = self.client().request(Method::PUT, path).json(body);
        let taken = self.client().send(put).await;
        taken.expect("it is taken");
    }

    /// Has the network back. A connection that was cut may be noticed by the first attempt only.
    async fn is_back(&self) {
        self.cable.mend();
        let look = async || {
            let nothing = json!({});
            let path = "/org/organizations/refresh";
            let looked = self.client().post::<OrgState>(path, &nothing).await;
            looked.ok()
        };
        self.client().until("it looks", look).await;
    }

    /// Changes the words of the prompt on this machine.
    async fn edit(&self, content: &str) {
        let path = format!("/prompts/{}", self.house);
        let now: SystemPrompt = self.client().get(&path).await.expect("it is there");
        let edit = PromptEdit {
            version: now.version,
            prompt: PromptDraft {
                content: content.to_owned(),
                ..now.draft()
            },
        };
        self.put(&path, &json!(edit)).await;
    }

    /// Changes the words of the prompt here and elsewhere, the other one first.
    async fn conflict(&self, mine: &str, theirs: &str) {
        self.cable.cut().await;
        self.edit(mine).await;
        let words = json!({"content": theirs});
        self.other.change_prompt(self.house, words).await;
        self.other.settled().await;
        self.is_back().await;
    }

    /// Opens the organization page.
    async fn page(&self) -> Page {
        let page = self.stage.page().await;
        page.click(&id("nav-organization")).await;
        page
    }
}

fn change(state: &str) -> String {
    format!("[data-testid=org-change][data-name=house][data-state={state}]")
}

/// Goes to something with the keyboard alone.
async fn tab_to(page: &Page, test_id: &str) {
    let script = "return document.activeElement?.dataset.testid === arguments[0]";
    page.until(&format!("the keyboard reaches {test_id}"), async || {
        if page.eval(script, &[test_id]).await == json!(true) {
            return Ok(Some(()));
        }
        page.press(&[key::TAB]).await;
        Ok(None)
    })
    .await;
}

/// Waits until the heading of the changes has the focus.
async fn heading_has_focus(page: &Page) {
    let script =
        "return document.activeElement?.matches('[data-testid=org-changes] h2') ? true : null";
    page.until_js("the heading has the focus", script, &[])
        .await;
}

#[tokio::test]
async fn a_conflict_is_shown_with_both_sides_and_ended_by_keyboard() {
    let Some(harbor) = Harbor::of_an_admin().await else {
        return;
    };
    harbor.conflict("mine, for all", "theirs, for all").await;
    let page = harbor.page().await;
    let row = change("conflict");
    page.sees(&row).await;
    page.reads(&id("org-changes"), "Your changes of acme").await;
    page.reads(&format!("{row} .badge"), "prompt").await;
    page.reads(&format!("{row} {}", id("org-change-deed")), "Words")
        .await;
    let side = |side: &str| format!("{row} [data-field=content] [data-side={side}]");
    page.reads(&side("mine"), "mine, for all").await;
    page.reads(&side("theirs"), "theirs, for all").await;
    page.sees("[data-testid=org-sign][data-state=needs-you]")
        .await;

    tab_to(&page, "keep-their-change").await;
    page.press(&[key::SHIFT, key::TAB]).await;
    focused(&page, "keep-my-change").await;
    page.press(&[key::ENTER]).await;
    page.reads(&id("toasts"), "Yours is kept: house").await;
    page.sees(&id("org-changes-none")).await;
    heading_has_focus(&page).await;
    harbor.other.settled().await;
    let words = harbor.other.field(harbor.house, "content").await;
    assert_eq!(words, "mine, for all");
}

#[tokio::test]
async fn both_sides_are_kept_and_a_waiting_change_is_discarded_once_that_was_asked() {
    let Some(harbor) = Harbor::of_an_admin().await else {
        return;
    };
    harbor.conflict("mine", "theirs").await;
    let page = harbor.page().await;
    page.click(&format!(
        "{} {}",
        change("conflict"),
        id("keep-both-changes")
    ))
    .await;
    page.reads(&id("toasts"), "Both are kept: house").await;
    page.sees(&id("org-changes-none")).await;

    harbor.cable.cut().await;
    harbor.edit("not meant").await;
    page.click(&format!("{} {}", change("waiting"), id("discard-change")))
        .await;
    page.reads("dialog", "What you have changed is lost").await;
    page.press(&[key::ESCAPE]).await;
    page.misses("dialog").await;
    focused(&page, "discard-change").await;
    page.press(&[key::ENTER]).await;
    page.click(&id("confirm")).await;
    page.sees(&id("org-changes-none")).await;
    heading_has_focus(&page).await;
    let path = format!("/prompts/{}", harbor.house);
    let now: SystemPrompt = harbor.client().get(&path).await.expect("it is there");
    assert_eq!(now.content, "theirs");
}

#[tokio::test]
async fn what_this_machine_tells_is_no_change_to_discard_and_says_why_it_is_refused() {
    let Some(project) = Project::own("it changes a table").await else {
        return;
    };
    let Some(harbor) = Harbor::at(project, |org| org.admin.id).await else {
        return;
    };
    let cluster = &harbor.project.backend.cluster;
    let refuses =
        "alter table public.user_sessions add constraint no_custom check (agent <> 'custom')";
    cluster.superuser(refuses).await;
    let client = harbor.client();
    let project = client.add_project(&harbor.stage.repository.path).await;
    let wanted = CreateSession {
        command: Some(["sh", "-c", "exit 0"].map(str::to_owned).to_vec()),
        ..session(project.id, "custom")
    };
    let started = client.start(&wanted).await;
    client.ended(started.id).await;

    let page = harbor.page().await;
    page.reads(&id("org-changes-told"), "about a session").await;
    page.reads(&id("org-changes-told"), "no_custom").await;
    page.reads(&id("org-changes-told"), "cannot be discarded")
        .await;
    page.sees(&id("org-changes-none")).await;
    assert_eq!(page.count(&id("discard-change")).await, 0);
    page.sees("[data-testid=org-sign][data-state=needs-you]")
        .await;

    cluster
        .superuser("alter table public.user_sessions drop constraint no_custom")
        .await;
    tab_to(&page, "retry-told").await;
    page.press(&[key::ENTER]).await;
    page.reads(&id("toasts"), "is sent again").await;
    page.misses(&id("org-changes-told")).await;
    heading_has_focus(&page).await;
    let told = "select phase from public.user_sessions";
    assert_eq!(cluster.ask(told).await, ["exited"]);
}

#[tokio::test]
async fn an_admin_writes_and_locks_a_prompt_of_the_organization_without_a_network() {
    let Some(harbor) = Harbor::of_an_admin().await else {
        return;
    };
    harbor.cable.cut().await;
    let page = harbor.stage.page().await;
    page.click(&id("nav-prompts")).await;
    page.click(&id("new-prompt")).await;
    page.type_into(&id("prompt-name"), "Rules").await;
    assert_eq!(page.count(&id("prompt-locked-field")).await, 0);
    select(&page, &id("prompt-scope"), "Organization").await;
    write(&page, "[data-testid=prompt-content]", "Be kind.").await;
    page.click(&id("prompt-locked-field")).await;
    page.click(&id("save-prompt")).await;
    page.reads(&id("toasts"), "Rules").await;
    page.sees("[data-testid=prompt-change][data-state=waiting]")
        .await;

    harbor.is_back().await;
    page.misses(&id("prompt-change")).await;
    let rows = "select name || ' ' || locked from public.system_prompts where name = 'Rules'";
    let rows = harbor.project.backend.cluster.ask(rows).await;
    assert_eq!(rows, ["Rules true"]);
}

#[tokio::test]
async fn a_user_reads_prompts_of_the_organization_and_is_told_who_writes_them() {
    let Some(harbor) = Harbor::open(|org| org.user.id).await else {
        return;
    };
    let page = harbor.stage.page().await;
    page.click(&id("nav-prompts")).await;
    let scope = format!("[data-scope={}]", PromptScope::Organization.as_str());
    page.reads(&scope, "Its admins write these").await;
    page.reads(&scope, "words of house").await;
    assert_eq!(
        page.count(&format!("{scope} {}", id("prompt-handle")))
            .await,
        0
    );
    page.click(&format!("{scope} {}", id("open-prompt"))).await;
    page.sees(&id("prompt-form")).await;
    page.reads(".prompt-head", "Its admins write these").await;
    assert_eq!(page.count(&id("save-prompt")).await, 0);

    // What it was is read from the organization, and brought back by its admins alone.
    let newer = json!({"content": "newer words"});
    harbor.other.change_prompt(harbor.house, newer).await;
    harbor.other.settled().await;
    page.click(&id("open-history")).await;
    let old = "[data-testid=history-version][data-version='1']";
    page.reads(old, "by admin@acme.example").await;
    page.reads(&id("text-diff"), "newer words").await;
    assert_eq!(page.count(&id("restore-version")).await, 0);
    page.click(&id("close-dialog")).await;
    page.misses("dialog").await;
    harbor.cable.cut().await;
    page.click(&id("open-history")).await;
    page.reads(&id("history-failed"), "The organization cannot be reached")
        .await;
}

#[tokio::test]
async fn an_admin_brings_an_older_version_back_for_all_and_is_told_without_a_network_why_not() {
    let Some(harbor) = Harbor::of_an_admin().await else {
        return;
    };
    let newer = json!({"content": "newer words"});
    harbor.other.change_prompt(harbor.house, newer).await;
    harbor.other.settled().await;
    harbor.client().org_settled(harbor.org.id).await;
    let page = harbor.stage.page().await;
    page.click(&id("nav-prompts")).await;
    let scope = format!("[data-scope={}]", PromptScope::Organization.as_str());
    page.reads(&scope, "newer words").await;
    page.click(&format!("{scope} {}", id("open-prompt"))).await;
    page.reads(&id("editor-version"), "v2").await;
    page.click(&id("open-history")).await;
    page.reads(&id("text-diff"), "words of house").await;

    harbor.cable.cut().await;
    page.reads(&id("restore-version"), "version 1").await;
    page.click(&id("restore-version")).await;
    page.sees("dialog [role=alert]").await;
    harbor.is_back().await;
    page.click(&id("restore-version")).await;
    // A toast is there for seconds only.
    page.reads(&id("toasts"), "what it was in version 1").await;
    page.misses("dialog").await;
    page.reads(&id("editor-version"), "v3").await;
    harbor.client().org_settled(harbor.org.id).await;
    let rows = "select content || ' ' || version from public.system_prompts where name = 'house'";
    let rows = harbor.project.backend.cluster.ask(rows).await;
    assert_eq!(rows, ["words of house 3"]);
}

#[tokio::test]
async fn a_history_says_which_edits_without_a_network_arrived_as_one() {
    let Some(harbor) = Harbor::of_an_admin().await else {
        return;
    };
    harbor.cable.cut().await;
    harbor.edit("second words").await;
    harbor.edit("third words").await;
    harbor.is_back().await;
    harbor.client().org_settled(harbor.org.id).await;
    let page = harbor.stage.page().await;
    page.click(&id("nav-prompts")).await;
    let scope = format!("[data-scope={}]", PromptScope::Organization.as_str());
    page.reads(&scope, "third words").await;
    page.click(&format!("{scope} {}", id("open-prompt"))).await;
    page.click(&id("open-history")).await;
    let newest = "[data-testid=history-version][data-version='3']";
    page.reads(newest, "Number 2 is part of version 3").await;
    assert_eq!(page.count(&id("history-joined")).await, 1);
}

#[tokio::test]
async fn what_is_typed_into_a_prompt_stays_when_another_client_switches_and_goes_nowhere_else() {
    let Some(harbor) = Harbor::of_an_admin().await else {
        return;
    };
    let page = harbor.stage.page().await;
    page.click(&id("nav-prompts")).await;
    let scope = format!("[data-scope={}]", PromptScope::Organization.as_str());
    let open = format!("{scope} {}", id("open-prompt"));
    let (alone, acme) = (
        json!({"organization": null}),
        json!({"organization": harbor.org.id}),
    );
    // The list follows whoever switches.
    page.sees(&open).await;
    harbor.put("/org/active", &alone).await;
    page.misses(&open).await;
    harbor.put("/org/active", &acme).await;
    page.click(&open).await;

    write(&page, "[data-testid=prompt-content]", "typed words").await;
    harbor.put("/org/active", &alone).await;
    page.sees(&id("prompt-left")).await;
    page.sees("[data-testid=save-prompt]:disabled").await;
    harbor.put("/org/active", &acme).await;
    page.misses(&id("prompt-left")).await;
    page.sees("[data-testid=save-prompt]:not(:disabled)").await;

    harbor.put("/org/active", &alone).await;
    page.click(&id("keep-as-own")).await;
    page.misses(&id("prompt-left")).await;
    page.click("[data-testid=save-prompt]:not(:disabled)").await;
    let kept = async || {
        let list: PromptList = harbor.client().get("/prompts").await.ok()?;
        let mut own = list.prompts.into_iter();
        own.find(|it| it.scope == PromptScope::User && it.content == "typed words")
    };
    harbor.client().until("it is the user's own", kept).await;
    let there = "select content from public.system_prompts";
    let there = harbor.project.backend.cluster.ask(there).await;
    assert_eq!(there, ["words of house"]);
}
