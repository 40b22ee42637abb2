//! Sign-ins to MCP servers in the keychain, in parts: `mcp/<id>/sign_in`.

use berth_mcp::{Grant, Later, StoreError, TokenStore};
use berth_protocol::McpConfigurationId;
use berth_store::Store;

use crate::parts::{self, PartsError};

/// The keychain as the place of sign-ins; their keys are the identifiers of configurations.
pub struct KeychainGrants {
    /// Told when tokens are renewed, for the organization whose server it is.
    store: Store,
}

impl KeychainGrants {
    /// Tells the store what may be told of them.
    pub fn telling(store: Store) -> Self {
        Self { store }
    }

    /// What is told is behind what is kept: a sign-in is worth more than what others know of it.
    async fn tell(&self, key: &str, grant: &Grant) {
        let Ok(id) = key.parse::<McpConfigurationId>() else {
            return;
        };
        if let Err(error) = self.store.mcp_renewed(id, &grant.facts()).await {
            tracing::warn!(server = %id, %error, "that a sign-in was renewed is not told");
        }
    }
}

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
            if let Ok(true) = replaced {
                self.tell(key, grant).await;
            }
            replaced.map_err(told)
        })
    }

    fn delete<'a>(&'a self, key: &'a str) -> Later<'a, Result<(), StoreError>> {
        Box::pin(async move { parts::delete(&name(key)).await.map_err(told) })
    }
}
