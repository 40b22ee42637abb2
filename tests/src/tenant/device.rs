//! An installation of Berth as far as sync is concerned: a store of its own and the task that syncs it.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use berth_protocol::{
    OrganizationId, Secret, UserId,
    tenant::{EntityKind, Mutation, OrganizationRole, SyncState, SyncStatus, Tenant},
};
use berth_store::{Store, TenantEdit, TenantRow};
use berth_tenant::{
    access::{Access, AccessError},
    sync::{Pace, Remote, Sync, SyncHandle, Wake},
};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use super::token;
use crate::LIMIT;

/// Asks by itself so seldom that a test decides when; tries again at once.
pub fn patient() -> Pace {
    Pace {
        every: Duration::from_secs(3600),
        spread: 0.0,
        told: Duration::ZERO,
        heartbeat: Duration::from_secs(25),
        first_retry: Duration::from_millis(5),
        longest_retry: Duration::from_millis(100),
    }
}

/// Asks all the time.
pub fn fast() -> Pace {
    Pace {
        every: Duration::from_millis(100),
        ..patient()
    }
}

/// The tokens of a person: the first one, and one more for each refusal as long as there are any.
pub struct Tokens {
    known: Mutex<Vec<Secret>>,
    refusals: AtomicUsize,
}

impl Tokens {
    /// In this order.
    pub fn new(tokens: impl IntoIterator<Item = String>) -> Arc<Self> {
        let mut known: Vec<Secret> = tokens.into_iter().map(Secret::new).collect();
        known.reverse();
        Arc::new(Self {
            known: Mutex::new(known),
            refusals: AtomicUsize::new(0),
        })
    }

    /// A good one.
    pub fn of(person: Uuid) -> Arc<Self> {
        Self::new([token::good(person)])
    }

    /// From now on this one, as after a refresh.
    pub fn renew(&self, token: String) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.push(Secret::new(token));
    }

    /// How often another one was asked for.
    pub fn refusals(&self) -> usize {
        self.refusals.load(Ordering::SeqCst)
    }

    fn last(&self) -> Result<Secret, AccessError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.last().cloned().ok_or(AccessError::SignedOut)
    }
}

impl Access for Tokens {
    async fn access(&self) -> Result<Secret, AccessError> {
        self.last()
    }

    async fn access_after_refusal(&self, refused: &Secret) -> Result<Secret, AccessError> {
        self.refusals.fetch_add(1, Ordering::SeqCst);
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|known| known != refused);
        self.last()
    }
}

/// An installation that is there until it is dropped.
pub struct Device {
    /// Its store.
    pub store: Store,
    /// Who uses it, and in which organization.
    pub tenant: Tenant,
    /// The REST root that it speaks to.
    pub root: String,
    /// The tokens of its user.
    pub tokens: Arc<Tokens>,
    /// How often it asks.
    pub pace: Pace,
    folder: TempDir,
    sync: Option<SyncHandle>,
}

impl Device {
    /// A new one for a person in an organization, whose sync has not begun.
    ///
    /// # Panics
    /// When its store cannot be made.
    pub async fn new(root: &str, org: Uuid, person: Uuid) -> Self {
        let folder = folder();
        let store = open(folder.path()).await;
        let tenant = Tenant {
            org: OrganizationId(org),
            user: UserId(person),
        };
        store
            .add_organization(tenant, root, "acme", OrganizationRole::User)
            .await
            .expect("the store takes an organization");
        Self {
            store,
            tenant,
            root: root.to_owned(),
            tokens: Tokens::of(person),
            pace: patient(),
            folder,
            sync: None,
        }
    }

    /// One that syncs, and has done so once.
    pub async fn synced(root: &str, org: Uuid, person: Uuid) -> Self {
        let mut device = Self::new(root, org, person).await;
        device.start().await;
        device.settled().await;
        device
    }

    /// Begins its sync.
    ///
    /// # Panics
    /// When the address is none.
    pub async fn start(&mut self) {
        let key = Secret::new("publishable".to_owned());
        let device = self.store.installation().await.expect("the store works");
        let sync = Sync {
            store: self.store.clone(),
            remote: Remote::new(&self.root, key).expect("it is a good address"),
            access: Arc::clone(&self.tokens),
            tenant: self.tenant,
            device: device.parse().expect("an installation is named by a UUID"),
            pace: self.pace,
        };
        self.sync = Some(sync.start());
    }

    /// Ends its sync.
    pub async fn stop(&mut self) {
        if let Some(sync) = self.sync.take() {
            sync.stop().await;
        }
    }

    /// Ends it as a crash does, and opens its store again.
    pub async fn crash(&mut self) {
        // Aborts the task wherever it is.
        self.sync = None;
        self.store = open(self.folder.path()).await;
    }

    /// Its running sync.
    ///
    /// # Panics
    /// When it does not run.
    pub fn sync(&self) -> &SyncHandle {
        self.sync.as_ref().expect("the sync runs")
    }

    /// How it stands.
    pub fn state(&self) -> SyncState {
        self.sync().state().borrow().clone()
    }

    /// Waits until it stands so.
    ///
    /// # Panics
    /// When it does not within [`LIMIT`].
    pub async fn until(&self, what: &str, is_so: impl Fn(&SyncState) -> bool) -> SyncState {
        let mut state = self.sync().state();
        let found = tokio::time::timeout(LIMIT, state.wait_for(|state| is_so(state))).await;
        match found {
            Ok(Ok(found)) => found.clone(),
            Ok(Err(_)) => panic!("{what}: the sync has ended: {:?}", self.state()),
            Err(_) => panic!("{what}: not within {LIMIT:?}: {:?}", self.state()),
        }
    }

    /// Syncs once more, now, until that has gone through and nothing waits.
    pub async fn settled(&self) -> SyncState {
        self.next_round("settled", |state| {
            state.status == SyncStatus::Fresh && state.waiting + state.told.waiting == 0
        })
        .await
    }

    /// Syncs once more, now, until it stands so at the end of a round that began after this call.
    pub async fn next_round(&self, what: &str, is_so: impl Fn(&SyncState) -> bool) -> SyncState {
        // The round under way may have begun before; the one after it has not.
        let before = self.state().rounds;
        self.sync().wake(Wake::Asked);
        let state = self
            .until(what, |state| state.rounds > before && is_so(state))
            .await;
        if state.rounds > before + 1 || before == 0 {
            return state;
        }
        self.sync().wake(Wake::Asked);
        self.until(what, |state| state.rounds > before + 1 && is_so(state))
            .await
    }

    /// Makes an edit, without a word to the sync.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn edit(&self, edit: TenantEdit) {
        let edited = self.store.edit_tenant(self.tenant, edit).await;
        edited.expect("the edit is taken");
    }

    /// Adds a prompt and gives its identifier.
    pub async fn add_prompt(&self, fields: Value) -> Uuid {
        let id = Uuid::now_v7();
        self.edit(TenantEdit::Add {
            kind: EntityKind::Prompt,
            id,
            fields,
        })
        .await;
        id
    }

    /// Changes a prompt.
    pub async fn change_prompt(&self, id: Uuid, fields: Value) {
        self.edit(TenantEdit::Change {
            kind: EntityKind::Prompt,
            id,
            fields,
        })
        .await;
    }

    /// Deletes a prompt.
    pub async fn delete_prompt(&self, id: Uuid) {
        self.edit(TenantEdit::Delete {
            kind: EntityKind::Prompt,
            id,
        })
        .await;
    }

    /// A prompt as its user sees it.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn prompt(&self, id: Uuid) -> Option<TenantRow> {
        let row = self.store.tenant_row(self.tenant, "prompt", id).await;
        row.expect("the store works")
    }

    /// A field of a prompt as its user sees it; null without one.
    pub async fn field(&self, id: Uuid, field: &str) -> Value {
        self.prompt(id)
            .await
            .map_or(Value::Null, |row| row.row[field].clone())
    }

    /// The changes that its replica does not show yet.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn mutations(&self) -> Vec<Mutation> {
        let mutations = self.store.mutations(self.tenant).await;
        mutations.expect("the store works")
    }
}

/// In memory where there is such a place: many stores at once wait for their disk and for nothing else.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    made.expect("a folder can be made")
}

async fn open(folder: &Path) -> Store {
    Store::open(folder).await.expect("a store can be opened")
}
