//! Servers whose client acts for itself: nobody signs in, and their tokens are in memory alone.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use berth_mcp::{ClientHome, ClientProof, Later, StoreError, TokenTerms, Unattended};
use berth_protocol::{McpAuth, McpConfigurationId, McpDraft, OauthGrant, Secret};
use berth_store::Store;

use super::sign_in::address;
use crate::error::ApiError;

/// Who takes the tokens of each server.
pub struct Clients {
    store: Store,
    known: Mutex<HashMap<McpConfigurationId, Arc<Unattended>>>,
}

impl Clients {
    /// The store keeps where each client belongs.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            known: Mutex::default(),
        }
    }

    /// The one of a server, which all its connections share while its tokens are taken with the same. One that is not
    /// kept has its own.
    pub fn of(&self, id: Option<McpConfigurationId>, terms: TokenTerms) -> Arc<Unattended> {
        let Some(id) = id else {
            return Arc::new(Unattended::new(terms));
        };
        let mut known = self.known();
        if let Some(same) = known.get(&id).filter(|it| *it.terms() == terms) {
            return Arc::clone(same);
        }
        let home = Home {
            store: self.store.clone(),
            id,
            client: terms.client_id.clone(),
        };
        let made = Arc::new(Unattended::at_home(terms, Arc::new(home)));
        known.insert(id, Arc::clone(&made));
        made
    }

    /// Forgets the token of a server, so that the next one is taken anew.
    pub fn forget(&self, id: McpConfigurationId) {
        self.known().remove(&id);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<McpConfigurationId, Arc<Unattended>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the tokens of a server are taken with, if its client acts for itself.
pub fn terms(draft: &McpDraft, secrets: &mut BTreeMap<String, Secret>) -> Option<TokenTerms> {
    let McpAuth::Oauth {
        provider,
        client_id: Some(client_id),
        scopes,
        without_resource,
        grant: OauthGrant::ClientCredentials,
    } = &draft.auth
    else {
        return None;
    };
    Some(TokenTerms {
        server: address(&draft.server)?.to_owned(),
        client_id: client_id.clone(),
        proof: ClientProof::of(secrets.remove("client_secret")?),
        provider: *provider,
        scopes: scopes.clone(),
        resource: !without_resource && berth_mcp::takes_resource(*provider),
        vouched: None,
    })
}

/// Where the client of a server belongs, as the store has it.
struct Home {
    store: Store,
    id: McpConfigurationId,
    client: String,
}

fn told(error: berth_store::StoreError) -> StoreError {
    let problem = ApiError::from(error).0;
    StoreError::Unavailable {
        code: problem.code,
        why: problem.detail,
    }
}

impl ClientHome for Home {
    fn issuer(&self) -> Later<'_, Result<Option<String>, StoreError>> {
        Box::pin(async move { self.store.mcp_client_issuer(self.id).await.map_err(told) })
    }

    fn used<'a>(&'a self, issuer: &'a str) -> Later<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let used = self.store.mcp_client_used(self.id, &self.client, issuer);
            used.await.map_err(told)
        })
    }
}
