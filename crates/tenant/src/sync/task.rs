//! The task that does round after round, says how it stands, and knows when to rest.

use std::{sync::Arc, time::Duration};

use berth_protocol::{
    Code, Timestamp,
    tenant::{SCHEMA, SyncState, SyncStatus},
};
use berth_store::StoreError;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Remedy, RemoteError, Signals, Sync, remote::causes, round::Failure};
use crate::access::{Access, AccessError};

/// What is written into the audit event when a membership has ended.
const LEFT: &str = "membership_ended";

/// What comes after a round.
enum Rest {
    /// A pause; any signal ends it.
    Idle(Duration),
    /// A pause after a failure; an edit does not end it.
    Retry(Duration),
    /// Nothing can be done before somebody does something.
    UntilAsked,
    /// There is nothing to do any more.
    End,
}

pub(super) async fn run<A: Access>(
    sync: Sync<A>,
    signals: Arc<Signals>,
    tell: watch::Sender<SyncState>,
    stop: CancellationToken,
) {
    let work = async {
        let mut failures = 0;
        loop {
            count(&sync, &tell).await;
            let outcome = sync.round().await;
            if let Err(failure) = &outcome {
                tracing::debug!(tenant = %sync.tenant, error = %causes(failure), "sync did not go through");
            }
            failures = match outcome {
                Ok(()) => 0,
                Err(_) => failures + 1,
            };
            let rest = after(&sync, &tell, outcome, failures).await;
            let (pause, is_failure) = match rest {
                Rest::Idle(pause) => (Some(pause), false),
                Rest::Retry(pause) => (Some(pause), true),
                Rest::UntilAsked => (None, true),
                Rest::End => return,
            };
            let mut until = pause.map(|pause| Instant::now() + pause);
            loop {
                tokio::select! {
                    () = signals.asked.notified() => break,
                    () = sleep_until(until) => break,
                    // What is told ends no pause after a failure: that a channel works says nothing of the rest.
                    () = signals.told.notified(), if !is_failure => {
                        if is_ahead(&sync, signals.take_told()).await {
                            let soon = Instant::now() + sync.pace.told();
                            until = Some(until.map_or(soon, |until| until.min(soon)));
                        }
                    }
                    () = signals.edited.notified() => match is_failure {
                        true => count(&sync, &tell).await,
                        false => break,
                    },
                }
            }
        }
    };
    tokio::select! {
        () = work => {}
        // It never ends by itself, and ends with this task, however that ends.
        never = sync.listen(&signals, &tell) => match never {},
        () = stop.cancelled() => {}
    }
}

/// Whether the backend tells of something that is not here.
async fn is_ahead<A: Access>(sync: &Sync<A>, told: i64) -> bool {
    match sync.store.organization(sync.tenant).await {
        Ok(Some(organization)) => told > organization.cursor.rev,
        // The round finds out what is wrong.
        Ok(None) | Err(_) => true,
    }
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Says what waits. The store is asked each time: it alone knows.
async fn count<A: Access>(sync: &Sync<A>, tell: &watch::Sender<SyncState>) {
    let before = tell.borrow().clone();
    let Some(counted) = counted(sync, &before).await else {
        return;
    };
    tell.send_if_modified(|state| {
        // That changes meanwhile.
        let listening = state.listening;
        let counted = SyncState {
            listening,
            ..counted
        };
        let is_new = *state != counted;
        *state = counted;
        is_new
    });
}

/// The state with what waits as it is now; nothing when the store cannot say it.
async fn counted<A: Access>(sync: &Sync<A>, state: &SyncState) -> Option<SyncState> {
    let asked = async {
        let counts = sync.store.sync_counts(sync.tenant).await?;
        let audit = sync.store.audit_backlog(sync.tenant).await?;
        let organization = sync.store.organization(sync.tenant).await?;
        Ok::<_, StoreError>((counts, audit, organization))
    };
    match asked.await {
        Ok((counts, audit, organization)) => Some(SyncState {
            fresh_at: organization.and_then(|it| it.fresh_at),
            waiting: counts.waiting,
            conflicts: counts.conflicts,
            parked: counts.parked,
            parked_code: counts.parked_code,
            told: counts.told,
            audit_waiting: audit.waiting,
            audit_refused: audit.refused,
            ..state.clone()
        }),
        Err(error) => {
            tracing::warn!(%error, "what waits for sync cannot be counted");
            None
        }
    }
}

/// Says how a round has ended, and what comes after it.
async fn after<A: Access>(
    sync: &Sync<A>,
    tell: &watch::Sender<SyncState>,
    outcome: Result<(), Failure>,
    failures: u32,
) -> Rest {
    let before = tell.borrow().clone();
    let idle = || Rest::Idle(sync.pace.idle());
    let retry = |pause: Option<Duration>| {
        let pause = pause.unwrap_or_default();
        Rest::Retry(sync.pace.retry(failures).max(pause))
    };
    let (status, rest) = match outcome {
        Ok(()) => (SyncStatus::Fresh, idle()),
        Err(Failure::Left) => match sync.store.wipe_organization(sync.tenant, LEFT).await {
            Ok(wiped) => {
                let unsent = wiped.unsent;
                (SyncStatus::Wiped { unsent }, Rest::End)
            }
            Err(StoreError::TenantNotFound(_)) => (SyncStatus::Wiped { unsent: 0 }, Rest::End),
            Err(error) => (stale(&before, error.code(), &error), retry(None)),
        },
        // Somebody else has removed it, or the program ends.
        Err(Failure::Store(StoreError::TenantNotFound(_))) => {
            (SyncStatus::Wiped { unsent: 0 }, Rest::End)
        }
        Err(Failure::Store(StoreError::Closed { .. })) => (before.status.clone(), Rest::End),
        Err(Failure::Store(error)) => (stale(&before, error.code(), &error), retry(None)),
        Err(Failure::Schema(backend)) => {
            let known = SCHEMA;
            (SyncStatus::Schema { backend, known }, idle())
        }
        Err(Failure::Access(AccessError::SignedOut)) => (SyncStatus::SignedOut, Rest::UntilAsked),
        Err(Failure::Access(AccessError::Unreachable(_))) => (offline(&before), retry(None)),
        Err(Failure::Access(error)) => {
            let code = match &error {
                AccessError::Other { code, .. } => *code,
                _ => Code::TenantSignedOut,
            };
            (stale(&before, code, &error), retry(None))
        }
        Err(Failure::Remote(error)) => {
            let rest = match error.remedy() {
                // It is not asked the same again before something may have changed.
                Remedy::Park => idle(),
                _ => retry(error.pause()),
            };
            let status = match error {
                RemoteError::Unreachable { .. } => offline(&before),
                error => stale(&before, error.code(), &error),
            };
            (status, rest)
        }
    };
    let known = counted(sync, &before).await.unwrap_or(before);
    tell.send_modify(|state| {
        *state = SyncState {
            status,
            rounds: known.rounds + 1,
            listening: state.listening,
            ..known
        };
    });
    rest
}

fn offline(before: &SyncState) -> SyncStatus {
    match before.status {
        SyncStatus::Offline { since } => SyncStatus::Offline { since },
        _ => SyncStatus::Offline {
            since: Timestamp::now(),
        },
    }
}

fn stale(before: &SyncState, code: Code, error: &(dyn std::error::Error + 'static)) -> SyncStatus {
    let since = match before.status {
        SyncStatus::Stale { since, .. } => since,
        _ => Timestamp::now(),
    };
    SyncStatus::Stale {
        since,
        code,
        detail: causes(error),
    }
}
