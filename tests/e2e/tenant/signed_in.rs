//! The machine of somebody who belongs to an organization: a real engine, signed in to a real backend over a cable that
//! can be cut.

use berth_protocol::{
    MutationId, Problem, PromptDraft, PromptEdit, PromptList, PromptScope, SystemPrompt,
    tenant::{
        ChangeResolved, MutationState, OrgChange, OrgChanges, OrgState, Resolution, ResolveChange,
        SyncStatus,
    },
};
use berth_tests::{
    Engine, Setup,
    cable::Cable,
    keychain::Keychain,
    skip,
    tenant::{Device, Organization, Project, addition},
    this_test,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{prompt, push};

const EMAIL: &str = "somebody@acme.example";
const PASSWORD: &str = "correct horse battery staple";

/// Who is signed in on the machine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Admin,
    User,
}

/// The machine of somebody who belongs to an organization, which is active and has one prompt.
pub struct Machine {
    pub project: Project,
    pub org: Organization,
    pub engine: Engine,
    pub cable: Cable,
    /// The prompt.
    pub house: Uuid,
    _keychain: Keychain,
}

pub type Answer<T> = Result<T, Box<Problem>>;

impl Machine {
    /// Nothing, and a skip on record, where it cannot run.
    pub async fn of(who: Who) -> Option<Self> {
        Self::at(Project::start().await?, who).await
    }

    /// The same at a project that is there.
    pub async fn at(project: Project, who: Who) -> Option<Self> {
        let setup = Setup::new();
        let Some(keychain) = Keychain::start(setup.folder()).await else {
            skip(&this_test(), "gnome-keyring is not installed");
            return None;
        };
        let org = project.backend.organization("acme").await;
        let person = match who {
            Who::Admin => org.admin.id,
            Who::User => org.user.id,
        };
        project.account(person, EMAIL, PASSWORD).await;
        let house = Uuid::now_v7();
        let added = addition("prompt", house, prompt("organization", "house"));
        push(&org.admin, org.id, &[added]).await;
        let (_, port) = project.url.rsplit_once(':').expect("it has a port");
        let cable = Cable::plug_in(port.parse().expect("a port is a number")).await;
        let machine = Self {
            engine: keychain.of(setup).start().await,
            project,
            org,
            cable,
            house,
            _keychain: keychain,
        };
        let url = format!("http://{}", machine.cable.address);
        let backend = json!({"url": url, "key": machine.project.key()});
        machine.put("/org/backend", &backend).await;
        let way = json!({"way": "password", "email": EMAIL, "password": PASSWORD});
        let signed_in = machine.engine.client.post::<OrgState>("/org/sign-in", &way);
        signed_in.await.expect("the password is right");
        let is_fresh = async || {
            let state = machine.state().await;
            let sync = state.organizations.first()?.sync.clone()?;
            (sync.status == SyncStatus::Fresh).then_some(())
        };
        machine.engine.client.until("it is fresh", is_fresh).await;
        let active = json!({"organization": machine.org.id});
        machine.put("/org/active", &active).await;
        Some(machine)
    }

    pub async fn put(&self, path: &str, body: &Value) -> OrgState {
        let put = self.engine.client.request(Method::PUT, path).json(body);
        self.engine.client.value(put).await.expect("it is taken")
    }

    pub async fn state(&self) -> OrgState {
        self.engine.client.get("/org").await.expect("it is told")
    }

    /// Has the network back, and looks at the backend now.
    pub async fn is_back(&self) {
        self.cable.mend();
        self.looks().await;
    }

    /// Has it look at the backend now. A connection that was cut may be noticed by the first attempt only.
    pub async fn looks(&self) {
        let path = "/org/organizations/refresh";
        let look = async || {
            let nothing = json!({});
            let looked = self.engine.client.post::<OrgState>(path, &nothing).await;
            looked.ok()
        };
        self.engine.client.until("it looks", look).await;
    }

    pub fn changes_path(&self) -> String {
        format!("/org/organizations/{}/changes", self.org.id)
    }

    pub fn change_path(&self, id: MutationId) -> String {
        format!("{}/{id}", self.changes_path())
    }

    pub async fn changes(&self) -> Vec<OrgChange> {
        let path = self.changes_path();
        let told = self.engine.client.get::<OrgChanges>(&path).await;
        told.expect("they are told").changes
    }

    /// Waits until the changes are so.
    pub async fn changes_until(
        &self,
        what: &str,
        is_so: impl Fn(&[OrgChange]) -> bool,
    ) -> Vec<OrgChange> {
        let look = async || {
            let changes = self.changes().await;
            is_so(&changes).then_some(changes)
        };
        self.engine.client.until(what, look).await
    }

    pub async fn nothing_waits(&self) {
        self.changes_until("nothing waits", <[_]>::is_empty).await;
    }

    pub async fn prompts(&self) -> PromptList {
        let listed = self.engine.client.get("/prompts").await;
        listed.expect("they are listed")
    }

    /// The names of the organization's prompts, in their order.
    pub async fn names(&self) -> Vec<String> {
        let prompts = self.prompts().await.prompts.into_iter();
        prompts
            .filter(|prompt| prompt.scope == PromptScope::Organization)
            .map(|prompt| prompt.name)
            .collect()
    }

    pub async fn prompt(&self, id: Uuid) -> Answer<SystemPrompt> {
        self.engine.client.get(&format!("/prompts/{id}")).await
    }

    pub async fn add(&self, name: &str) -> Answer<SystemPrompt> {
        let draft = PromptDraft {
            scope: PromptScope::Organization,
            name: name.to_owned(),
            content: format!("words of {name}"),
            enabled: true,
            ..PromptDraft::default()
        };
        self.engine.client.post("/prompts", &draft).await
    }

    /// Changes the prompt as it is shown now.
    pub async fn edit(
        &self,
        id: Uuid,
        edit: impl FnOnce(&mut PromptDraft),
    ) -> Answer<SystemPrompt> {
        let now = self.prompt(id).await?;
        let mut draft = now.draft();
        edit(&mut draft);
        self.edit_version(id, now.version, draft).await
    }

    pub async fn edit_version(
        &self,
        id: Uuid,
        version: u32,
        prompt: PromptDraft,
    ) -> Answer<SystemPrompt> {
        let edit = PromptEdit { version, prompt };
        let path = format!("/prompts/{id}");
        let put = self.engine.client.request(Method::PUT, &path).json(&edit);
        self.engine.client.value(put).await
    }

    /// Both change the words of the prompt, the other one first. Returns the conflict, and the revision of its other
    /// side.
    pub async fn conflict(&self, other: &Device, mine: &str, theirs: &str) -> (MutationId, i64) {
        self.cable.cut().await;
        let edited = self.edit(self.house, |draft| draft.content = mine.to_owned());
        edited.await.expect("it is taken without a network");
        other
            .change_prompt(self.house, json!({"content": theirs}))
            .await;
        other.settled().await;
        self.is_back().await;
        let changes = self
            .changes_until("there is a conflict", |changes| {
                changes.iter().any(|it| conflict_of(it).is_some())
            })
            .await;
        assert_eq!(changes.len(), 1, "{changes:?}");
        let (fields, server, rev) = conflict_of(&changes[0]).expect("it was found");
        assert_eq!(fields, ["content"]);
        assert_eq!(server["content"], theirs);
        assert_eq!(changes[0].change.patch, json!({"content": mine}));
        assert_eq!(changes[0].name.as_deref(), Some("house"));
        (changes[0].change.id, rev)
    }

    pub async fn resolve(
        &self,
        id: MutationId,
        seen_rev: i64,
        choice: Resolution,
    ) -> Answer<ChangeResolved> {
        let path = format!("{}/resolve", self.change_path(id));
        let wanted = ResolveChange { seen_rev, choice };
        self.engine.client.post(&path, &wanted).await
    }

    /// The role of the admin, as another admin gives it.
    pub async fn role_is(&self, role: &str) {
        let who = json!({"org": self.org.id, "member": self.org.admin.id, "role": role});
        self.org.user.call("change_role", who).await.ok();
    }

    /// What the backend has of the organization's prompts: name, words and version.
    pub async fn at_backend(&self) -> Vec<String> {
        let all = "select name || ': ' || content || ' ' || version from public.system_prompts
            where scope = 'organization' and deleted_at is null order by name";
        self.project.backend.cluster.ask(all).await
    }
}

/// The fields of a conflict, its other side and the revision of that.
pub fn conflict_of(change: &OrgChange) -> Option<(&[String], &Value, i64)> {
    match &change.change.state {
        MutationState::Conflict {
            fields,
            server,
            server_rev,
            ..
        } => Some((fields.as_slice(), server, *server_rev)),
        _ => None,
    }
}

pub fn refused(change: &OrgChange) -> bool {
    matches!(&change.change.state, MutationState::Parked { code, .. } if code == "sync.forbidden")
}
