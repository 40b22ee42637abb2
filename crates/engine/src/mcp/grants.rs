//! Sign-ins to MCP servers in the keychain, in parts: `mcp/<id>/sign_in`.

use berth_mcp::{Grant, Later, StoreError, TokenStore};

use crate::parts::{self, PartsError};

/// The keychain as the place of sign-ins; their keys are the identifiers of configurations.
pub struct KeychainGrants;

fn name(key: &str) -> String {
    format!("mcp/{key}/sign_in")
}

fn told(error: PartsError) -> StoreError {
    match error {
        PartsError::Unreadable => StoreError::Unreadable,
        PartsError::Unavailable { code, why } => StoreError::Unavailable { code, why },
    }
}

impl TokenStore for KeychainGrants {
    fn load<'a>(&'a self, key: &'a str) -> Later<'a, Result<Option<Grant>, StoreError>> {
        Box::pin(async move {
            let read = |kept: &_| {
                let grant = Grant::from_secret(kept).ok()?;
                Some((grant.revision, grant))
            };
            parts::load(&name(key), read).await.map_err(told)
        })
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        before: Option<u64>,
        grant: &'a Grant,
    ) -> Later<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let kept = (grant.revision, &grant.to_secret());
            let replaced = parts::replace(&name(key), before, kept).await;
            replaced.map_err(told)
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> Later<'a, Result<(), StoreError>> {
        Box::pin(async move { parts::delete(&name(key)).await.map_err(told) })
    }
}
