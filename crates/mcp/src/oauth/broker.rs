//! The one owner of sign-ins that are kept: gives out access tokens, and refreshes them once, however many
//! ask and in however many processes.
//!
//! A refresh is begun by whoever needs it and finished whether or not they still wait, because a server that
//! rotates its tokens has already thrown the old one away. Inside a process it happens under the mutex of its
//! key, between processes under a [`Lock`], and what is kept is read again behind both. What is kept is
//! replaced only if it is still what was read; who comes too late takes over what is there.

mod renewal;
mod source;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use berth_browser_sign_in::Lock;
use berth_protocol::Secret;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio_util::task::TaskTracker;

use super::{
    Challenge, Grant, GrantState, OauthError, StoreError, TokenStore,
    step_up::{StepUps, united},
};
use renewal::{Need, revoke};
use source::Source;
pub use source::TokenSource;

/// Gives out tokens. Clones are the same broker.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

struct Inner {
    store: Arc<dyn TokenStore>,
    locks: PathBuf,
    held: Mutex<HashMap<String, Arc<Held>>>,
    tasks: TaskTracker,
}

/// What a process knows of one sign-in.
#[derive(Default)]
struct Held {
    known: Arc<AsyncMutex<Known>>,
    step_ups: StepUps,
}

#[derive(Default)]
struct Known {
    grant: Option<Grant>,
    /// It could not be kept yet; what is kept has this revision.
    unsaved_over: Option<u64>,
}

/// What became of the tokens at a sign-out.
#[derive(Debug)]
pub enum Revoked {
    /// The authorization server has ended them.
    Yes,
    /// There were none.
    Nothing,
    /// It does not offer that; they end by themselves.
    NotOffered,
    /// It could not be asked, or refused; they end by themselves.
    Failed(OauthError),
}

impl Broker {
    /// A broker over what `store` keeps, with its locks in a folder that all processes of the user share.
    pub fn new(store: Arc<dyn TokenStore>, locks: PathBuf) -> Self {
        Self(Arc::new(Inner {
            store,
            locks,
            held: Mutex::default(),
            tasks: TaskTracker::new(),
        }))
    }

    /// The access token for a server, refreshed ahead of its end.
    ///
    /// # Errors
    /// [`OauthError::SignedOut`], [`OauthError::Expired`], or why it can be neither read nor refreshed.
    pub async fn access_token(&self, key: &str, server: &str) -> Result<Secret, OauthError> {
        self.give(key, server, Need::Next).await
    }

    /// Another access token, after `refused` was refused.
    ///
    /// # Errors
    /// As [`Self::access_token`].
    pub async fn renewed_token(
        &self,
        key: &str,
        server: &str,
        refused: &Secret,
    ) -> Result<Secret, OauthError> {
        let need = Need::InsteadOf(refused.clone());
        self.give(key, server, need).await
    }

    /// Tokens for a connection to a server.
    pub fn source(&self, key: &str, server: &str) -> Arc<dyn TokenSource> {
        Arc::new(Source {
            broker: self.clone(),
            key: key.to_owned(),
            server: server.to_owned(),
        })
    }

    /// Keeps a new sign-in in place of what is there.
    ///
    /// # Errors
    /// [`OauthError::Locked`] and [`OauthError::Store`].
    pub async fn keep(&self, key: &str, grant: Grant) -> Result<(), OauthError> {
        let mut known = self.known(key).await;
        let (inner, key) = (Arc::clone(&self.0), key.to_owned());
        self.finish(async move {
            let _lock = lock(&inner.locks, &key).await?;
            // What is there belongs to nobody else while the lock is held; unreadable things are replaced too.
            let mut before = match inner.store.load(&key).await {
                Ok(kept) => kept.map(|it| it.revision),
                Err(StoreError::Unreadable) => None,
                Err(error) => return Err(error.into()),
            };
            while !inner.store.replace(&key, before, &grant).await? {
                inner.store.delete(&key).await?;
                before = None;
            }
            known.grant = Some(grant);
            known.unsaved_over = None;
            Ok(())
        })
        .await
    }

    /// What can be said of a sign-in to this server without asking anybody.
    ///
    /// # Errors
    /// [`OauthError::Store`].
    pub async fn state(&self, key: &str, server: &str) -> Result<GrantState, OauthError> {
        let grant = self.0.store.load(key).await?;
        let grant = grant.filter(|grant| grant.server == server);
        Ok(grant.map_or(GrantState::SignedOut, |grant| grant.state()))
    }

    /// Ends a sign-in: revokes its tokens where that is offered, and forgets it in any case.
    ///
    /// # Errors
    /// [`OauthError::Locked`] and [`OauthError::Store`]; it is not forgotten then.
    pub async fn sign_out(&self, key: &str) -> Result<Revoked, OauthError> {
        let mut known = self.known(key).await;
        let (inner, key) = (Arc::clone(&self.0), key.to_owned());
        self.finish(async move {
            let _lock = lock(&inner.locks, &key).await?;
            // What cannot be read cannot be revoked, and is forgotten all the same.
            let grant = known.grant.take().filter(|_| known.unsaved_over.is_some());
            let grant = match grant {
                Some(grant) => Some(grant),
                None => match inner.store.load(&key).await {
                    Err(error @ StoreError::Unavailable { .. }) => return Err(error.into()),
                    kept => kept.ok().flatten(),
                },
            };
            let revoked = match &grant {
                Some(grant) => match revoke(grant).await {
                    Ok(true) => Revoked::Yes,
                    Ok(false) => Revoked::NotOffered,
                    Err(error) => Revoked::Failed(error),
                },
                None => Revoked::Nothing,
            };
            inner.store.delete(&key).await?;
            known.unsaved_over = None;
            Ok(revoked)
        })
        .await
    }

    /// The scopes to ask for when a server wants more access than there is: those that are held, and those of
    /// the challenge.
    ///
    /// # Errors
    /// [`OauthError::ScopeLoop`] when it has been asked for too often.
    pub async fn step_up(
        &self,
        key: &str,
        server: &str,
        challenge: &Challenge,
    ) -> Result<Vec<String>, OauthError> {
        if !self.held(key).step_ups.begin(Instant::now()) {
            return Err(OauthError::ScopeLoop {
                server: server.to_owned(),
                scopes: crate::client::visible(&challenge.scopes.join(" ")),
            });
        }
        let grant = self.0.store.load(key).await?;
        let held = grant
            .filter(|grant| grant.server == server)
            .map(|grant| grant.scopes)
            .unwrap_or_default();
        Ok(united(held, &challenge.scopes))
    }

    /// Waits until nothing is being refreshed any more: before the process ends, so that no token that was
    /// given is lost.
    pub async fn settle(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.tasks.reopen();
    }

    fn held(&self, key: &str) -> Arc<Held> {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(held.entry(key.to_owned()).or_default())
    }

    async fn known(&self, key: &str) -> OwnedMutexGuard<Known> {
        let known = Arc::clone(&self.held(key).known);
        known.lock_owned().await
    }

    /// Does something to its end, whether or not the caller still waits.
    async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, OauthError>> + Send + 'static,
    ) -> Result<T, OauthError> {
        let done = self.0.tasks.spawn(work).await;
        done.unwrap_or_else(|_| {
            Err(OauthError::Locked {
                server: "the server".to_owned(),
                why: "Berth is stopping".to_owned(),
            })
        })
    }

    async fn give(&self, key: &str, server: &str, need: Need) -> Result<Secret, OauthError> {
        let mut known = self.known(key).await;
        let is_of_use = |grant: &Grant| !grant.is_over && grant.server == server;
        if !known.grant.as_ref().is_some_and(is_of_use) {
            // Another process may have signed in by now.
            known.grant = self.0.store.load(key).await?;
        }
        let grant = known.grant.as_ref().filter(|grant| grant.server == server);
        // A token is for the server that it was given for, not for what its name stands for by now.
        let grant = grant.ok_or_else(|| OauthError::SignedOut(server.to_owned()))?;
        if grant.is_over {
            return Err(OauthError::Expired(server.to_owned()));
        }
        if need.is_met_by(grant) && known.unsaved_over.is_none() {
            return Ok(grant.access_token.clone());
        }
        let (inner, key) = (Arc::clone(&self.0), key.to_owned());
        self.finish(async move { inner.renew(known, &key, &need).await })
            .await
    }
}

/// The lock between processes of a key.
async fn lock(folder: &Path, key: &str) -> Result<Lock, OauthError> {
    let lock = Lock::take(folder, key).await;
    lock.map_err(|error| OauthError::locked(key, &error))
}
