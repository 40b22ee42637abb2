//! What an organization's words do on the machine of its user: a real engine, signed in to a real backend.

use berth_protocol::{
    Agent, AgentList, Code, Problem, ProjectId, PromptList, PromptPreview, Session,
    tenant::{OrgAccount, OrgState, OrganizationRole, SyncStatus},
};
use berth_tests::{
    Engine, Repository, Setup,
    keychain::Keychain,
    session, skip,
    tenant::{Organization, Project, addition},
    this_test,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{prompt, push};

const EMAIL: &str = "user@acme.example";
const PASSWORD: &str = "correct horse battery staple";

/// The machine of somebody who belongs to an organization, which is active.
struct Machine {
    project: Project,
    org: Organization,
    engine: Engine,
    folder: ProjectId,
    _repository: Repository,
    _keychain: Keychain,
}

impl Machine {
    /// Nothing, and a skip on record, where it cannot run.
    async fn of_a_user() -> Option<Self> {
        Self::of(Project::start().await?).await
    }

    /// The same with access tokens that live so many seconds.
    async fn with_tokens(live: u64) -> Option<Self> {
        let project = Project::own("it says how long tokens live").await?;
        project.sign_in().tokens_live(live);
        Self::of(project).await
    }

    async fn of(project: Project) -> Option<Self> {
        let setup = Setup::new();
        let Some(keychain) = Keychain::start(setup.folder()).await else {
            skip(&this_test(), "gnome-keyring is not installed");
            return None;
        };
        let org = project.backend.organization("acme").await;
        project.account(org.user.id, EMAIL, PASSWORD).await;
        let house = addition("prompt", Uuid::now_v7(), prompt("organization", "house"));
        push(&org.admin, org.id, &[house]).await;
        let repository = Repository::with_history(&setup.folder().join("repository"));
        let engine = keychain.of(setup).start().await;
        let added = engine.client.add_project(&repository.path).await;
        let machine = Self {
            project,
            org,
            engine,
            folder: added.id,
            _repository: repository,
            _keychain: keychain,
        };
        let backend = json!({"url": machine.project.url, "key": machine.project.key()});
        machine.put("/org/backend", &backend).await;
        let way = json!({"way": "password", "email": EMAIL, "password": PASSWORD});
        let signed_in = machine.engine.client.post::<OrgState>("/org/sign-in", &way);
        signed_in.await.expect("the password is right");
        machine.fresh().await;
        let active = json!({"organization": machine.org.id});
        machine.put("/org/active", &active).await;
        Some(machine)
    }

    async fn put(&self, path: &str, body: &Value) -> OrgState {
        let put = self.engine.client.request(Method::PUT, path).json(body);
        self.engine.client.value(put).await.expect("it is taken")
    }

    async fn state(&self) -> OrgState {
        self.engine.client.get("/org").await.expect("it is told")
    }

    /// Waits until what is here is what the backend has.
    async fn fresh(&self) {
        let is_fresh = async || {
            let state = self.state().await;
            let sync = state.organizations.first()?.sync.clone()?;
            (sync.status == SyncStatus::Fresh).then_some(())
        };
        self.engine.client.until("it is fresh", is_fresh).await;
    }

    /// Has it look at the backend now.
    async fn look(&self) {
        let path = "/org/organizations/refresh";
        let looked = self.engine.client.post::<OrgState>(path, &json!({})).await;
        looked.expect("it looks");
    }

    async fn set_policy(&self, version: i64, policy: Value) {
        let set = json!({"org": self.org.id, "version": version, "policy": policy});
        self.org.admin.call("set_policy", set).await.ok();
        self.look().await;
    }

    async fn starts(&self, agent: &str) -> Result<Session, Box<Problem>> {
        let wanted = session(self.folder, agent);
        self.engine.client.post("/sessions", &wanted).await
    }

    /// Waits until the start of a shell is refused, and says with which code.
    async fn refuses(&self) -> Code {
        let refused = async || self.starts("shell").await.err().map(|refused| refused.code);
        self.engine
            .client
            .until("a start is refused", refused)
            .await
    }

    /// How an agent is listed.
    async fn agent(&self, id: &str) -> Agent {
        let list: AgentList = self.engine.client.get("/agents").await.expect("it is told");
        let mut agents = list.agents.into_iter();
        let agent = agents.find(|agent| agent.id.as_str() == id);
        agent.expect("the agent is known")
    }

    async fn composed(&self) -> String {
        let preview = "/prompts/preview?agent=claude";
        let preview: PromptPreview = self.engine.client.get(preview).await.expect("it is made");
        preview.effective.text
    }
}

#[tokio::test]
async fn prompts_and_policy_hold_without_a_network_and_after_a_restart() {
    let Some(mut machine) = Machine::of_a_user().await else {
        return;
    };
    assert!(machine.composed().await.contains("words of house"));
    machine.starts("shell").await.expect("nothing forbids it");

    let codex = json!({"allowed_agents": ["codex"]});
    machine.set_policy(1, codex).await;
    assert_eq!(machine.refuses().await, Code::PolicyRefused);

    machine.project.unplug().await;
    machine.engine.restart().await;
    let told = machine.state().await;
    assert_eq!(told.active.map(|org| org.0), Some(machine.org.id));
    let refused = machine.starts("shell").await.expect_err("the policy holds");
    assert_eq!(refused.code, Code::PolicyRefused);
    assert!(refused.detail.contains("acme"), "{}", refused.detail);
    assert!(machine.composed().await.contains("words of house"));
    machine.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn agents_and_modes_that_the_policy_refuses_are_listed_with_the_reason() {
    let Some(machine) = Machine::of_a_user().await else {
        return;
    };
    let client = &machine.engine.client;
    let refused_modes = async || {
        let modes = machine.agent("claude").await.permission_modes.into_iter();
        let refused = modes.filter(|mode| mode.refused.is_some());
        refused.map(|mode| mode.id).collect::<Vec<_>>()
    };
    assert_eq!(refused_modes().await, [""; 0]);
    machine
        .set_policy(1, json!({"autonomy_ceiling": "ask"}))
        .await;
    // Clients are told: this looks again only after something has changed.
    let above = async || Some(refused_modes().await).filter(|refused| !refused.is_empty());
    let above = client.until("modes are refused", above).await;
    assert_eq!(above, ["acceptEdits", "auto", "bypassPermissions"]);
    assert_eq!(machine.agent("claude").await.refused, None);
    assert_eq!(machine.agent("shell").await.refused, None);

    machine
        .set_policy(2, json!({"allowed_agents": ["codex"]}))
        .await;
    let why = async || machine.agent("shell").await.refused;
    let why = client.until("shells are refused", why).await;
    assert!(why.starts_with("acme: "), "{why}");
    assert!(
        why.ends_with("is not among the agents that it allows"),
        "{why}"
    );
    assert_eq!(machine.agent("codex").await.refused, None);

    let nobody = json!({"organization": null});
    machine.put("/org/active", &nobody).await;
    assert_eq!(machine.agent("shell").await.refused, None);
}

#[tokio::test]
async fn a_run_that_the_policy_refuses_says_why_and_what_is_allowed_and_ends_with_one() {
    let Some(machine) = Machine::of_a_user().await else {
        return;
    };
    let shell = json!({"allowed_agents": ["shell"]});
    machine.set_policy(1, shell).await;
    let refused = async || machine.agent("custom").await.refused;
    let client = &machine.engine.client;
    client.until("the policy is heard of", refused).await;
    let setup = machine.engine.setup();
    let project = setup.folder().join("repository");
    let project = project.to_str().expect("the path is text");
    let words = ["run", "--agent", "custom", "--project", project, "Hello."];
    let program = ["--", "sh", "-c", "cat"];
    let said = setup.berth(&[&words[..], &program].concat()).await;
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    let told = String::from_utf8_lossy(&said.stderr);
    for part in [
        "acme",
        "not among the agents that it allows",
        "It allows:",
        "--agent shell",
    ] {
        assert!(told.contains(part), "{part:?} is not told: {told}");
    }
    assert!(!told.contains("--agent custom"), "{told}");
    assert!(said.stdout.is_empty(), "{said:?}");
    assert!(client.sessions().await.is_empty());
}

#[tokio::test]
async fn who_has_left_an_organization_is_bound_no_more_and_has_nothing_of_it() {
    let Some(mut machine) = Machine::of_a_user().await else {
        return;
    };
    machine
        .set_policy(1, json!({"allowed_agents": ["codex"]}))
        .await;
    machine.refuses().await;
    assert_eq!(
        machine.state().await.organizations[0].role,
        OrganizationRole::User
    );

    let who = json!({"org": machine.org.id, "member": machine.org.user.id});
    machine.org.admin.call("remove_member", who).await.ok();
    // What has begun asks now; that the membership has ended is what it hears.
    let _ = machine
        .engine
        .client
        .post::<OrgState>("/org/organizations/refresh", &json!({}))
        .await;
    let gone = async || {
        let state = machine.state().await;
        state.organizations.is_empty().then_some(state)
    };
    let state = machine.engine.client.until("it is gone", gone).await;
    assert_eq!(state.active, None);
    assert!(!machine.composed().await.contains("words of house"));
    machine.starts("shell").await.expect("nothing forbids it");
    // Nor is it taken up again by who comes back: the choice itself is gone.
    machine.engine.restart().await;
    let signed_in = async || {
        let state = machine.state().await;
        matches!(state.account, OrgAccount::SignedIn { .. }).then_some(state)
    };
    let client = &machine.engine.client;
    let state = client.until("the sign-in is taken up", signed_in).await;
    assert_eq!(state.active, None);
    machine.engine.client.assert_audit_valid().await;
    let kept = machine.engine.stop().await;
    assert!(kept.success());
    let store = berth_store::Store::open(&machine.engine.data_dir().join("berth.db")).await;
    let store = store.expect("the store opens");
    let active = store.setting("tenant.active").await;
    assert_eq!(active.expect("it is read").as_deref(), Some(""));
}

#[tokio::test]
async fn a_restart_that_the_policy_forbids_leaves_the_agent_running() {
    let Some(machine) = Machine::of_a_user().await else {
        return;
    };
    let client = &machine.engine.client;
    let started = machine.starts("shell").await.expect("nothing forbids it");
    client.waiting(started.id).await;
    let codex = json!({"allowed_agents": ["codex"]});
    machine.set_policy(1, codex).await;
    assert_eq!(machine.refuses().await, Code::PolicyRefused);

    let restart = format!("/sessions/{}/restart", started.id);
    let refused = client.post::<Session>(&restart, &json!({})).await;
    let refused = refused.expect_err("it is forbidden");
    assert_eq!(refused.code, Code::PolicyRefused);
    let still = client.session(started.id).await;
    assert_eq!((still.status.word(), still.run), ("waiting", 1));
}

#[tokio::test]
async fn a_sign_in_that_has_ended_leaves_the_organization_and_can_be_made_again() {
    let Some(machine) = Machine::with_tokens(2).await else {
        return;
    };
    machine.project.sign_in().end_sessions(machine.org.user.id);
    let client = &machine.engine.client;
    let signed_out = async || {
        let path = "/org/organizations/refresh";
        // That nobody is signed in is what it says then.
        let _ = client.post::<OrgState>(path, &json!({})).await;
        let state = machine.state().await;
        (state.account == OrgAccount::SignedOut).then_some(state)
    };
    let state = client.until("nobody is signed in", signed_out).await;
    assert_eq!(state.active.map(|org| org.0), Some(machine.org.id));
    let held: Vec<_> = state.organizations.iter().map(|it| it.id.0).collect();
    assert_eq!(held, [machine.org.id], "what holds is shown");
    assert!(state.failed.is_some(), "it says why");
    assert!(machine.composed().await.contains("words of house"));

    let way = json!({"way": "password", "email": EMAIL, "password": PASSWORD});
    let signed_in = client.post::<OrgState>("/org/sign-in", &way).await;
    assert!(matches!(
        signed_in.expect("the password is right").account,
        OrgAccount::SignedIn { .. }
    ));
    machine.fresh().await;
}

#[tokio::test]
async fn a_prompt_of_the_organization_is_declined_unless_it_is_locked() {
    let Some(machine) = Machine::of_a_user().await else {
        return;
    };
    let client = &machine.engine.client;
    let listed = async || {
        let list: PromptList = client.get("/prompts").await.expect("it is made");
        let house = list
            .prompts
            .into_iter()
            .find(|prompt| prompt.name == "house");
        house.expect("it is listed")
    };
    let house = listed().await;
    let path = format!("/prompts/{}/declined", house.id);
    let decline = async |declined: bool| {
        let put = client.request(Method::PUT, &path);
        let put = put.json(&json!({"declined": declined}));
        client.send(put).await.map(drop)
    };
    decline(true).await.expect("it is not locked");
    assert!(!machine.composed().await.contains("words of house"));
    decline(false).await.expect("it is not locked");
    assert!(machine.composed().await.contains("words of house"));
    decline(true).await.expect("it is not locked");

    let lock = json!({"prompt": house.id, "locked": true});
    machine.org.admin.call("lock_prompt", lock).await.ok();
    machine.look().await;
    let locked = async || listed().await.locked.then_some(());
    client.until("it is locked", locked).await;
    assert!(machine.composed().await.contains("words of house"));
    let refused = decline(true).await.expect_err("it is locked");
    assert_eq!(refused.code, Code::PromptScopeDenied);
}
