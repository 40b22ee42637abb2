//! The session with a tenant backend in the keychain, in parts: `tenant/<installation>/session`.

use berth_tenant::auth::{Later, Session, SessionStore, StoreError};

use crate::parts::{self, PartsError};

/// The keychain as the place of the one session that an installation has.
pub struct KeychainSession {
    name: String,
}

impl KeychainSession {
    /// Another data folder of the same user may have a session, too.
    pub fn of(installation: &str) -> Self {
        Self {
            name: format!("tenant/{installation}/session"),
        }
    }
}

fn told(error: PartsError) -> StoreError {
    match error {
        PartsError::Unreadable => StoreError::Unreadable,
        PartsError::Unavailable { code, why } => StoreError::Unavailable { code, why },
    }
}

async fn load(name: &str) -> Result<Option<Session>, PartsError> {
    let read = |kept: &_| {
        let session = Session::from_secret(kept).ok()?;
        Some((session.revision, session))
    };
    parts::load(name, read).await
}

async fn delete(name: &str, revision: Option<u64>) -> Result<bool, PartsError> {
    if let Some(revision) = revision {
        return parts::delete_revision(name, revision).await;
    }
    match load(name).await {
        Ok(kept) => Ok(kept.is_none()),
        Err(PartsError::Unreadable) => parts::delete(name).await.map(|()| true),
        Err(error) => Err(error),
    }
}

impl SessionStore for KeychainSession {
    fn load(&self) -> Later<'_, Result<Option<Session>, StoreError>> {
        Box::pin(async { load(&self.name).await.map_err(told) })
    }

    fn replace<'a>(
        &'a self,
        before: Option<u64>,
        session: &'a Session,
    ) -> Later<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let kept = (session.revision, &session.to_secret());
            parts::replace(&self.name, before, kept).await.map_err(told)
        })
    }

    fn delete(&self, revision: Option<u64>) -> Later<'_, Result<bool, StoreError>> {
        Box::pin(async move { delete(&self.name, revision).await.map_err(told) })
    }
}
