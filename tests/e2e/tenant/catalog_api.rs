//! The MCP servers that an organization shares, on the machine of its user: a real engine, signed in to a real backend,
//! with a real server.

use std::{fs, path::PathBuf};

use berth_protocol::{
    Code, McpConfiguration, McpList, McpScope, McpTested, Problem,
    tenant::{Catalog, DriftKind, OrgDrift, OrgState, SyncStatus},
};
use berth_tests::{
    Engine, Setup,
    keychain::Keychain,
    mcp, programs, skip,
    tenant::{Caller, Organization, Project, addition, change},
    this_test,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{prompt, push};

const EMAIL: &str = "somebody@acme.example";
const PASSWORD: &str = "correct horse battery staple";

type Answer<T> = Result<T, Box<Problem>>;

/// The machine of somebody who belongs to an organization, which is active, and the program of a real server.
pub struct Machine {
    pub project: Project,
    pub org: Organization,
    pub engine: Engine,
    pub program: PathBuf,
    keychain: Keychain,
}

impl Machine {
    /// Nothing, and a skip on record, where it cannot run.
    async fn of(who: fn(&Organization) -> &Caller) -> Option<Self> {
        let Some(program) = programs::mcp_server("mcp-server-everything") else {
            skip(&this_test(), "mcp-server-everything is not installed");
            return None;
        };
        let project = Project::start().await?;
        let setup = Setup::new();
        let Some(keychain) = Keychain::start(setup.folder()).await else {
            skip(&this_test(), "gnome-keyring is not installed");
            return None;
        };
        let org = project.backend.organization("acme").await;
        project.account(who(&org).id, EMAIL, PASSWORD).await;
        let engine = keychain.of(setup).start().await;
        mcp::add_agent(&engine).await;
        let machine = Self {
            project,
            org,
            engine,
            program,
            keychain,
        };
        let backend = json!({"url": machine.project.url, "key": machine.project.key()});
        machine
            .put::<OrgState>("/org/backend", &backend)
            .await
            .expect("it is taken");
        let way = json!({"way": "password", "email": EMAIL, "password": PASSWORD});
        let signed_in = machine.engine.client.post::<OrgState>("/org/sign-in", &way);
        signed_in.await.expect("the password is right");
        let is_fresh = async || {
            let sync = machine.state().await.organizations.first()?.sync.clone()?;
            (sync.status == SyncStatus::Fresh).then_some(())
        };
        machine.engine.client.until("it is fresh", is_fresh).await;
        let active = json!({"organization": machine.org.id});
        machine
            .put::<OrgState>("/org/active", &active)
            .await
            .expect("it is taken");
        Some(machine)
    }

    pub async fn of_a_user() -> Option<Self> {
        Self::of(|org| &org.user).await
    }

    pub async fn of_an_admin() -> Option<Self> {
        Self::of(|org| &org.admin).await
    }

    pub async fn put<T: serde::de::DeserializeOwned>(&self, path: &str, body: &Value) -> Answer<T> {
        let put = self.engine.client.request(Method::PUT, path).json(body);
        self.engine.client.value(put).await
    }

    pub async fn state(&self) -> OrgState {
        self.engine.client.get("/org").await.expect("it is told")
    }

    /// Has it look at the backend now.
    pub async fn look(&self) {
        let path = "/org/organizations/refresh";
        let looked = self.engine.client.post::<OrgState>(path, &json!({})).await;
        looked.expect("it looks");
    }

    /// The real server, as an organization shares it.
    pub fn everything(&self, catalog: &str, args: &[&str]) -> Value {
        json!({"scope": "organization", "name": "everything", "catalog": catalog,
            "server": {"type": "stdio", "command": self.program, "args": args}})
    }

    /// An admin adds a server elsewhere. Says which it is, and its revision.
    pub async fn shares(&self, patch: Value) -> (Uuid, i64) {
        let id = Uuid::now_v7();
        let added = addition("mcp_configuration", id, patch);
        let revisions = push(&self.org.admin, self.org.id, &[added]).await;
        self.look().await;
        (id, revisions[0])
    }

    /// An admin changes a server elsewhere.
    async fn reshares(&self, (id, revision): (Uuid, i64), patch: Value) -> (Uuid, i64) {
        let changed = change("mcp_configuration", id, revision, patch);
        let revisions = push(&self.org.admin, self.org.id, &[changed]).await;
        self.look().await;
        (id, revisions[0])
    }

    pub async fn servers(&self) -> McpList {
        let listed = self.engine.client.get("/mcp/configurations").await;
        listed.expect("they are listed")
    }

    /// Waits until the organization's server is as it must be.
    pub async fn server_until(
        &self,
        is_so: impl Fn(&McpConfiguration) -> bool,
    ) -> McpConfiguration {
        let found = async || {
            let servers = self.servers().await.configurations.into_iter();
            let mut shared = servers.filter(|it| it.scope == McpScope::Organization);
            shared.find(|server| is_so(server))
        };
        let client = &self.engine.client;
        client.until("the server is as it must be", found).await
    }

    async fn agree(&self, to: &McpConfiguration) -> Answer<McpConfiguration> {
        let path = format!("/mcp/configurations/{}/consent", to.id);
        let shown = json!({"version": to.version});
        self.engine.client.post(&path, &shown).await
    }

    async fn test(&self, id: &McpConfiguration) -> Answer<McpTested> {
        let request = json!({"id": id.id});
        self.engine.client.post("/mcp/test", &request).await
    }

    /// Where the agent of a new session was told to reach the server, if it was.
    async fn given(&self, folder: &str) -> Option<mcp::Given> {
        let place = self.engine.setup().folder().join(folder);
        fs::create_dir_all(&place).expect("it can be made");
        let (_, given) = mcp::session_in(&self.engine.client, &place, "everything").await;
        given
    }

    async fn drift(&self) -> Vec<DriftKind> {
        let path = format!("/org/organizations/{}/drift", self.org.id);
        let drift: OrgDrift = self.engine.client.get(&path).await.expect("it is told");
        drift.findings.into_iter().map(|found| found.kind).collect()
    }

    async fn drift_until(&self, wanted: &[DriftKind]) {
        let is_so = async || (self.drift().await == wanted).then_some(());
        let what = format!("the differences are {wanted:?}");
        self.engine.client.until(what, is_so).await;
    }
}

async fn tools(given: &mcp::Given) -> usize {
    let connection = given.connect().await;
    let tools = connection.tools().await.expect("it has tools");
    connection.close().await;
    tools.len()
}

#[tokio::test]
async fn what_an_organization_installs_is_given_once_its_user_has_agreed_to_its_very_settings() {
    let Some(machine) = Machine::of_a_user().await else {
        return;
    };
    let shared = machine
        .shares(machine.everything("installed", &["stdio"]))
        .await;
    let server = machine.server_until(|_| true).await;
    assert_eq!(server.catalog, Some(Catalog::Installed));
    assert!(!server.consented);
    let early = machine.test(&server).await.expect_err("nobody has agreed");
    assert_eq!(early.code, Code::McpNotConsented);
    assert!(machine.given("before").await.is_none());

    let agreed = machine.agree(&server).await.expect("it is taken");
    assert!(agreed.consented);
    let tested = machine.test(&server).await.expect("it answers");
    assert!(!tested.probe.tools.is_empty());
    let given = machine.given("after").await.expect("it is given");
    assert!(tools(&given).await > 0);

    // Another command is another server: nobody has agreed to that, and what was shown before is not agreed to either.
    let server_now = machine.everything("installed", &["stdio", "--more"])["server"].clone();
    machine
        .reshares(shared, json!({"server": server_now}))
        .await;
    let changed = machine
        .server_until(|server| !server.consented && server.version != agreed.version)
        .await;
    let late = machine.agree(&server).await.expect_err("it is another one");
    assert_eq!(late.code, Code::McpConflict);
    let refused = machine.test(&changed).await.expect_err("nobody has agreed");
    assert_eq!(refused.code, Code::McpNotConsented);
    machine.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn what_is_offered_is_given_to_whoever_takes_it() {
    let Some(machine) = Machine::of_a_user().await else {
        return;
    };
    machine
        .shares(machine.everything("available", &["stdio"]))
        .await;
    let server = machine.server_until(|_| true).await;
    machine.agree(&server).await.expect("it is taken");
    assert!(machine.given("before").await.is_none());
    let path = format!("/mcp/configurations/{}/taken", server.id);
    let taken: McpConfiguration = machine
        .put(&path, &json!({"taken": true}))
        .await
        .expect("it is offered");
    assert!(taken.taken);
    assert!(machine.given("after").await.is_some());
    assert!(machine.drift().await.is_empty());
}

#[tokio::test]
async fn what_an_organization_blocks_is_refused_under_another_name_too() {
    let Some(machine) = Machine::of_a_user().await else {
        return;
    };
    let own = json!({"name": "mine",
        "server": {"type": "stdio", "command": machine.program, "args": ["stdio", "--quiet"]}});
    let own = mcp::agreed(&machine.engine.client, &own).await;
    machine.test(&own).await.expect("nothing forbids it");

    machine
        .shares(machine.everything("blocked", &["stdio"]))
        .await;
    let blocked = machine.server_until(|_| true).await;
    let refused = machine.test(&own).await.expect_err("it is blocked");
    assert_eq!(refused.code, Code::PolicyRefused);
    assert!(refused.detail.contains("everything"), "{refused}");
    let refused = machine.agree(&blocked).await.expect_err("it is blocked");
    assert_eq!(refused.code, Code::PolicyRefused);
    assert_eq!(machine.drift().await, [DriftKind::OwnServerBlocked]);

    // Alone, its user does as they like.
    let alone = json!({"organization": null});
    machine
        .put::<OrgState>("/org/active", &alone)
        .await
        .expect("it is taken");
    machine.test(&own).await.expect("nothing forbids it");
    let shared = machine.servers().await.configurations;
    assert!(
        shared.iter().all(|server| server.id == own.id),
        "{shared:?}"
    );
}

#[tokio::test]
async fn who_leaves_an_organization_keeps_nothing_of_its_servers() {
    let Some(machine) = Machine::of_a_user().await else {
        return;
    };
    let before = machine.keychain.count().await;
    let with_token = json!({"scope": "organization", "name": "tools", "auth": {"type": "bearer"},
        "server": {"type": "http", "url": "https://mcp.example.com/mcp"}});
    machine.shares(with_token).await;
    let server = machine.server_until(|_| true).await;
    machine.agree(&server).await.expect("it is taken");
    let path = format!("/mcp/configurations/{}/secrets/token", server.id);
    let secret = json!({"value": "of this user alone"});
    let kept: McpConfiguration = machine.put(&path, &secret).await.expect("it is taken");
    assert!(kept.kept_secrets.contains("token"));
    assert!(machine.keychain.count().await > before);

    let who = json!({"org": machine.org.id, "member": machine.org.user.id});
    machine.org.admin.call("remove_member", who).await.ok();
    // What has begun asks now; that the membership has ended is what it hears.
    let refresh = "/org/organizations/refresh";
    let _ = machine
        .engine
        .client
        .post::<OrgState>(refresh, &json!({}))
        .await;
    let is_gone = async || {
        let servers = machine.servers().await.configurations;
        (servers.is_empty() && machine.keychain.count().await == before).then_some(())
    };
    machine
        .engine
        .client
        .until("nothing is left", is_gone)
        .await;
    let gone = machine.test(&server).await.expect_err("it is gone");
    assert_eq!(gone.code, Code::McpNotFound);
    machine.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn differences_come_and_go() {
    let Some(machine) = Machine::of_a_user().await else {
        return;
    };
    machine.drift_until(&[]).await;
    machine
        .shares(machine.everything("installed", &["stdio"]))
        .await;
    machine.drift_until(&[DriftKind::ServerNotConsented]).await;
    let server = machine.server_until(|_| true).await;
    machine.agree(&server).await.expect("it is taken");
    machine.drift_until(&[]).await;

    machine.given("runs").await.expect("it is given");
    // A global prompt of the backend is as much for this session as one of the organization.
    let global = "insert into public.system_prompts (id, scope, name, content)
        values (private.uuid_v7(), 'global', 'all', 'words')";
    let cluster = &machine.project.backend.cluster;
    cluster.superuser(global).await;
    machine.look().await;
    machine.drift_until(&[DriftKind::PromptUndelivered]).await;
    let gone = "update public.system_prompts set deleted_at = now() where scope = 'global'";
    cluster.superuser(gone).await;
    machine.look().await;
    machine.drift_until(&[]).await;

    let house = addition("prompt", Uuid::now_v7(), prompt("organization", "house"));
    push(&machine.org.admin, machine.org.id, &[house]).await;
    let policy =
        json!({"org": machine.org.id, "version": 1, "policy": {"allowed_agents": ["codex"]}});
    machine.org.admin.call("set_policy", policy).await.ok();
    machine.look().await;
    // The agent of the tests takes no prompts.
    let wanted = [DriftKind::SessionNotAllowed, DriftKind::PromptUndelivered];
    machine.drift_until(&wanted).await;
    let client = &machine.engine.client;
    for session in client.sessions().await {
        client.stop(session.id).await;
    }
    machine.drift_until(&[]).await;

    let alone = json!({"organization": null});
    machine
        .put::<OrgState>("/org/active", &alone)
        .await
        .expect("it is taken");
    assert_eq!(machine.drift().await, [DriftKind::NotActive]);
    let path = format!("/org/organizations/{}/drift", Uuid::now_v7());
    let unknown = client.get::<OrgDrift>(&path).await;
    assert_eq!(
        unknown.expect_err("nobody belongs to it").code,
        Code::TenantNotFound
    );
}
