//! The one owner of the session that is kept: gives out access tokens, and refreshes them once, however many ask and
//! in however many processes.
//!
//! A refresh is begun by whoever needs it and finished whether or not they still wait, because the refresh token is
//! good once. Inside a process it happens under a mutex, between processes under a [`Lock`], and what is kept is read
//! again behind both. The new token is kept before anybody gets it, and if that fails, nobody gets it until it is kept.
//! What is kept is replaced only if it is still what was read; who comes too late takes over what is there. What has
//! begun as one user is never gone on with as another.

mod known;
mod renewal;
mod step_up;

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::Instant,
};

use berth_browser_sign_in::Lock;
use berth_protocol::Secret;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{
    AuthError, Backend, Client, Session, SessionStore, SignedIn, StoreError, claims::Claims,
    session::now,
};
use known::Known;
use renewal::Need;

/// How often something is tried that others, who do without the lock, undo meanwhile.
const TRIES: usize = 4;

/// Gives out the tokens of one backend. Clones are the same keeper.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    client: Client,
    store: Arc<dyn SessionStore>,
    locks: PathBuf,
    known: Arc<Mutex<Known>>,
    /// Who was signed in when that was last known, for those who cannot wait for [`Self::known`].
    shown: std::sync::Mutex<Option<SignedIn>>,
    tasks: TaskTracker,
}

/// What became of a session at a sign-out. In each of these cases it is forgotten here.
#[derive(Debug)]
pub enum SignedOut {
    /// The backend has ended it.
    Yes,
    /// There was none.
    Nothing,
    /// The backend could not be asked, or refused: the session may go on there, and nobody here has its tokens.
    Failed(AuthError),
}

impl Keeper {
    /// A keeper over what `store` keeps, with its lock in a folder that all processes of the user share.
    ///
    /// # Errors
    /// [`AuthError::Unreachable`] when this machine cannot make a client.
    pub fn new(
        backend: Backend,
        store: Arc<dyn SessionStore>,
        locks: PathBuf,
    ) -> Result<Self, AuthError> {
        Ok(Self(Arc::new(Inner {
            client: Client::new(backend)?,
            store,
            locks,
            known: Arc::default(),
            shown: std::sync::Mutex::default(),
            tasks: TaskTracker::new(),
        })))
    }

    /// A client of the same backend, to sign in with.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// The access token of whoever is signed in, refreshed when four fifths of its life are over, also when the machine
    /// slept meanwhile.
    ///
    /// # Errors
    /// [`AuthError::SignedOut`], [`AuthError::Ended`] once when the backend has ended the session, or why the token
    /// can be neither read, refreshed nor kept.
    pub async fn access(&self) -> Result<Secret, AuthError> {
        self.give(Need::Next).await
    }

    /// The same, of this user and of nobody else.
    ///
    /// # Errors
    /// As [`Self::access`]; [`AuthError::SignedOut`] also when somebody else is signed in.
    pub async fn access_of(&self, user: Uuid) -> Result<Secret, AuthError> {
        self.give(Need::Of(user)).await
    }

    /// Another access token of the same user, after the backend has refused `refused`. Ask once for each request.
    ///
    /// # Errors
    /// As [`Self::access_of`].
    pub async fn access_after_refusal(&self, refused: &Secret) -> Result<Secret, AuthError> {
        self.give(Need::InsteadOf(refused.clone())).await
    }

    /// The same, of this user and of nobody else.
    ///
    /// # Errors
    /// As [`Self::access_of`].
    pub async fn access_of_after_refusal(
        &self,
        user: Uuid,
        refused: &Secret,
    ) -> Result<Secret, AuthError> {
        match Claims::read(refused) {
            Some(claims) if claims.sub == user => self.access_after_refusal(refused).await,
            _ => Err(self.0.signed_out()),
        }
    }

    /// Who is signed in, without asking the backend and without waiting for a refresh.
    ///
    /// # Errors
    /// [`AuthError::Store`]
    pub async fn signed_in(&self) -> Result<Option<SignedIn>, AuthError> {
        match self.0.store.load().await {
            Ok(kept) => Ok(self.0.ours(kept).map(|kept| kept.signed_in())),
            Err(error @ StoreError::Unavailable { .. }) => match self.0.shown() {
                Some(shown) => Ok(Some(shown)),
                None => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a new session in place of what is there, which is ended at the backend.
    ///
    /// # Errors
    /// [`AuthError::Elsewhere`] for a session of another backend. [`AuthError::Locked`] and [`AuthError::Store`]: what
    /// was there stays for now, and the new session is held, and kept before anything else is done.
    pub async fn keep(&self, session: Session) -> Result<SignedIn, AuthError> {
        if session.backend != self.0.url() {
            return Err(AuthError::Elsewhere {
                backend: self.0.url().to_owned(),
                other: session.backend,
            });
        }
        let mut known = self.known().await;
        let inner = Arc::clone(&self.0);
        self.finish(async move {
            match inner.put(&session).await {
                Ok(replaced) => {
                    let before = known.take(Some(session.clone()));
                    inner.show(&known);
                    let unsaved = before.unsaved.map(|(unsaved, _)| unsaved);
                    for left in replaced.into_iter().chain(unsaved) {
                        inner.leave(left, Some(&session));
                    }
                    Ok(session.signed_in())
                }
                Err(error) => {
                    // What is there is known then, and not taken for what somebody has kept since.
                    let _ = inner.read(&mut known).await;
                    let before = known.hold(session.clone(), Instant::now());
                    // Unless it is the session that is kept still.
                    if let Some(left) = before
                        && known
                            .session
                            .as_ref()
                            .is_none_or(|kept| left.is_another(kept))
                    {
                        inner.leave(left, Some(&session));
                    }
                    Err(error)
                }
            }
        })
        .await
    }

    /// Signs out: ends this session at the backend and no other of its user's, and forgets it in any case.
    ///
    /// # Errors
    /// [`AuthError::Locked`] and [`AuthError::Store`]; it is not forgotten then.
    pub async fn sign_out(&self) -> Result<SignedOut, AuthError> {
        let mut known = self.known().await;
        let inner = Arc::clone(&self.0);
        self.finish(async move {
            let session = inner.forget(&mut known).await?;
            // Whoever asks for a token meanwhile is told at once that there is none.
            drop(known);
            Ok(match session {
                None => SignedOut::Nothing,
                Some(session) => match inner.end(&session).await {
                    Ok(()) => SignedOut::Yes,
                    Err(error) => SignedOut::Failed(error),
                },
            })
        })
        .await
    }

    /// Waits until nothing is being refreshed or ended any more: before the process ends, so that no token that was
    /// given is lost.
    pub async fn settle(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.tasks.reopen();
    }

    async fn known(&self) -> OwnedMutexGuard<Known> {
        Arc::clone(&self.0.known).lock_owned().await
    }

    /// Does something to its end, whether or not the caller still waits.
    async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, AuthError>> + Send + 'static,
    ) -> Result<T, AuthError> {
        let backend = self.0.url().to_owned();
        match self.0.tasks.spawn(work).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => Err(AuthError::Broken(backend)),
            Err(_) => Err(AuthError::Unreachable {
                what: "keeper of the sign-in",
                backend,
                why: "Berth is stopping".to_owned(),
            }),
        }
    }

    async fn give(&self, need: Need) -> Result<Secret, AuthError> {
        let began = Instant::now();
        let mut known = self.known().await;
        self.0.look(&mut known).await?;
        let rests = known.rests();
        // What could not be kept is kept first, if not just tried.
        if known.unsaved.is_none() || rests {
            let session = known.session.as_ref().filter(|it| need.is_of(it));
            match session {
                Some(session) if need.is_met(session, known.age(), rests) => {
                    return Ok(session.access_token.clone());
                }
                None if known.unsaved.is_none() => return Err(self.0.signed_out()),
                _ => {}
            }
        }
        // Whoever has waited while it failed is not to wait for the same again.
        if let Some(error) = known.failed_since(began) {
            return Err(error);
        }
        let inner = Arc::clone(&self.0);
        self.finish(async move { inner.renew(known, &need).await })
            .await
    }
}

impl Inner {
    fn url(&self) -> &str {
        self.client.backend().url()
    }

    fn signed_out(&self) -> AuthError {
        AuthError::SignedOut(self.url().to_owned())
    }

    async fn lock(&self) -> Result<Lock, AuthError> {
        let lock = Lock::take(&self.locks, self.url()).await;
        lock.map_err(|source| AuthError::Locked {
            backend: self.url().to_owned(),
            source,
        })
    }

    fn shown(&self) -> Option<SignedIn> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.clone()
    }

    fn show(&self, known: &Known) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = known.session.as_ref().map(Session::signed_in);
    }

    /// A session is for the backend that it was made with, not for what takes its place.
    fn ours(&self, kept: Option<Session>) -> Option<Session> {
        kept.filter(|session| session.backend == self.url())
    }

    /// Reads what is kept: another process may have changed it. Where it cannot be read now, what is known goes on.
    async fn look(self: &Arc<Self>, known: &mut Known) -> Result<(), StoreError> {
        match self.read(known).await {
            Err(StoreError::Unavailable { .. }) if known.session.is_some() => Ok(()),
            read => read,
        }
    }

    /// Reads what is kept.
    async fn read(self: &Arc<Self>, known: &mut Known) -> Result<(), StoreError> {
        let kept = self.ours(self.store.load().await?);
        if revision(&kept) != revision(&known.session) {
            let before = known.take(kept);
            if let Some((unsaved, _)) = before.unsaved {
                self.leave(unsaved, known.session.as_ref());
            }
        }
        self.show(known);
        Ok(())
    }

    /// Keeps a session, and answers what it has taken the place of.
    async fn put(&self, session: &Session) -> Result<Option<Session>, AuthError> {
        let _lock = self.lock().await?;
        for _ in 0..TRIES {
            match self.store.load().await {
                Ok(before) => {
                    if self.store.replace(revision(&before), session).await? {
                        return Ok(before);
                    }
                }
                // Unreadable things are replaced too.
                Err(StoreError::Unreadable) => {
                    self.store.delete(None).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Busy.into())
    }

    /// Forgets what is kept, and answers what is to be ended. It is forgotten before anybody is asked: a kill in between
    /// leaves nothing that could be used.
    async fn forget(self: &Arc<Self>, known: &mut Known) -> Result<Option<Session>, AuthError> {
        let _lock = self.lock().await?;
        for _ in 0..TRIES {
            let kept = match self.store.load().await {
                Ok(kept) => self.ours(kept),
                // What cannot be read cannot be ended, and is forgotten all the same.
                Err(StoreError::Unreadable) => {
                    self.store.delete(None).await?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if let Some(kept) = &kept
                && !self.store.delete(Some(kept.revision)).await?
            {
                continue;
            }
            let is_known = revision(&kept) == revision(&known.session);
            let before = known.take(None);
            self.show(known);
            let unsaved = before.unsaved.map(|(unsaved, _)| unsaved);
            // Of what was renewed nobody else has the tokens, unless somebody has taken its place.
            let ended = match &unsaved {
                Some(unsaved) if is_known => Some(unsaved.clone()),
                _ => kept.clone(),
            };
            for left in kept.into_iter().chain(unsaved) {
                if ended.as_ref().is_none_or(|ended| left.is_another(ended)) {
                    self.leave(left, None);
                }
            }
            return Ok(ended);
        }
        Err(StoreError::Busy.into())
    }

    /// Ends a session at the backend, which wants a token that is still good for it. Whether one is, it knows best; only
    /// its word that there is no such session stands for a session that is ended.
    async fn end(&self, session: &Session) -> Result<(), AuthError> {
        if !session.is_over(session.age(None, now())) {
            match self.client.sign_out(&session.access_token).await {
                Err(AuthError::TokenRefused(_)) => {}
                ended => return ended,
            }
        }
        match self.client.refresh(session).await {
            Ok(renewed) => self.client.sign_out(&renewed.access_token).await,
            Err(AuthError::Ended(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends a session, beside everything else, whose tokens nobody has any more; `by` has taken its place, and may be
    /// the same session with other tokens.
    fn leave(self: &Arc<Self>, left: Session, by: Option<&Session>) {
        if left.backend != self.url() || by.is_some_and(|by| !left.is_another(by)) {
            return;
        }
        let inner = Arc::clone(self);
        self.tasks.spawn(async move {
            if let Err(error) = inner.end(&left).await {
                tracing::info!(%error, "a session that was replaced goes on at the backend");
            }
        });
    }
}

fn revision(session: &Option<Session>) -> Option<u64> {
    session.as_ref().map(|session| session.revision)
}
