//! The keychain, as long as the engine runs: it may ask its user for a password, and whoever stops the engine
//! meanwhile does not wait for that.

use berth_protocol::{Code, Secret};
use berth_secrets::SecretsError;

use crate::{error::ApiError, state::State};

/// The secret of this name; nothing when there is none.
pub async fn get(state: &State, name: &str) -> Result<Option<Secret>, ApiError> {
    unless_stopping(state, berth_secrets::get(name)).await
}

/// Keeps a secret under a name, instead of any before it.
pub async fn set(state: &State, name: &str, secret: Secret) -> Result<(), ApiError> {
    unless_stopping(state, berth_secrets::set(name, secret)).await
}

/// Removes the secret of this name. There being none is no error.
pub async fn remove(state: &State, name: &str) -> Result<(), ApiError> {
    unless_stopping(state, berth_secrets::remove(name)).await
}

async fn unless_stopping<T>(
    state: &State,
    asked: impl Future<Output = Result<T, SecretsError>>,
) -> Result<T, ApiError> {
    tokio::select! {
        answer = asked => Ok(answer?),
        () = state.stopping.cancelled() => Err(ApiError::new(
            Code::ShuttingDown,
            format!("the engine stops while {} is asked", berth_secrets::place()),
        )),
    }
}
