//! Keeps the local replica of an organization what its backend has, and brings the user's changes and audit events
//! there, each exactly once.
//!
//! One task for each (organization, user) pair owns all of it: it asks where the backend is, sends what waits, and
//! takes in what others have changed. Whatever it does can be ended at any moment and goes on from what is in the
//! store: a change that was sent without an answer is sent again as it was, and the backend answers it as the first
//! time. Being woken makes it sooner; nothing depends on it. A backend that has Realtime wakes it too.
//!
//! ```no_run
//! # use berth_protocol::{Secret, tenant::Tenant};
//! # use berth_tenant::{access::Access, sync::{Pace, Remote, Sync, Wake}};
//! # async fn example(store: berth_store::Store, tenant: Tenant, access: impl Access) {
//! let key = Secret::new("sb_publishable_example".to_owned());
//! let remote = Remote::new("https://example.supabase.co/rest/v1", key).expect("it is https");
//! let device = uuid::Uuid::now_v7();
//! let sync = Sync { store, remote, access, tenant, device, pace: Pace::default() }.start();
//! let mut state = sync.state();
//! sync.wake(Wake::Edited);
//! while state.changed().await.is_ok() {
//!     println!("{:?}", state.borrow_and_update().status);
//! }
//! # }
//! ```

mod administration;
mod erasures;
mod pace;
mod realtime;
mod remote;
mod round;
mod sessions;
mod task;
mod trail;
mod versions;
mod wire;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use berth_protocol::tenant::{SyncState, SyncStatus, Tenant, ToldCounts};
use berth_store::Store;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::access::Access;

pub use erasures::{ErasureRow, PersonRow};
pub use pace::Pace;
pub use remote::{LONGEST_ANSWER, OwnMembership, Remedy, Remote, RemoteError};
pub use sessions::{SessionFilter, SessionPlace, SessionRow};
pub use trail::{TrailFilter, TrailManifest, TrailVerdict};

/// What the sync of one pair needs.
pub struct Sync<A> {
    /// Where replica and changes are; the pair was added to it.
    pub store: Store,
    /// The backend.
    pub remote: Remote,
    /// The user's tokens.
    pub access: A,
    /// The pair.
    pub tenant: Tenant,
    /// This installation: always the same for one store.
    pub device: Uuid,
    /// How often the backend is asked.
    pub pace: Pace,
}

/// Why sync should look at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The user has changed something. While the backend does not answer, this waits for the next attempt.
    Edited,
    /// Something has changed out there: the network is back, the window has the focus, somebody has signed in, or the
    /// user asks.
    Asked,
}

/// A running sync. Dropping it ends it, at once; [`stop`](Self::stop) waits for that.
#[derive(Debug)]
pub struct SyncHandle {
    signals: Arc<Signals>,
    state: watch::Receiver<SyncState>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

/// What the task is told.
#[derive(Debug, Default)]
struct Signals {
    edited: Notify,
    asked: Notify,
    told: Notify,
    /// The newest revision that the backend has told of since that was last looked at.
    newest: AtomicI64,
}

impl Signals {
    /// The backend says that it has this revision.
    fn tell(&self, rev: i64) {
        self.newest.fetch_max(rev, Ordering::Relaxed);
        self.told.notify_one();
    }

    /// The newest revision that was told; each is a reason to ask once.
    fn take_told(&self) -> i64 {
        self.newest.swap(0, Ordering::Relaxed)
    }
}

impl<A: Access> Sync<A> {
    /// Starts it; it looks at once.
    pub fn start(self) -> SyncHandle {
        let (tell, state) = watch::channel(SyncState {
            status: SyncStatus::Starting,
            fresh_at: None,
            waiting: 0,
            conflicts: 0,
            parked: 0,
            parked_code: None,
            told: ToldCounts::default(),
            audit_waiting: 0,
            audit_refused: 0,
            rounds: 0,
            listening: false,
        });
        let signals = Arc::new(Signals::default());
        let stop = CancellationToken::new();
        let task = task::run(self, Arc::clone(&signals), tell, stop.clone());
        SyncHandle {
            signals,
            state,
            stop,
            task: Some(tokio::spawn(task)),
        }
    }
}

impl SyncHandle {
    /// Makes it look sooner.
    pub fn wake(&self, wake: Wake) {
        match wake {
            Wake::Edited => self.signals.edited.notify_one(),
            Wake::Asked => self.signals.asked.notify_one(),
        }
    }

    /// How it stands, now and whenever that changes. The sender goes when the task ends.
    pub fn state(&self) -> watch::Receiver<SyncState> {
        self.state.clone()
    }

    /// Ends it. What was under way is done again by the next one.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
            && error.is_panic()
        {
            tracing::error!("the sync of an organization has panicked");
        }
    }
}

impl Drop for SyncHandle {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
