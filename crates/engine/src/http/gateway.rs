//! `/mcp/{session}/{server}`: where agents reach the MCP servers that their session is given.

use std::sync::Arc;

use axum::{
    extract::{Request, State as Shared},
    response::Response,
};
use berth_protocol::SessionId;

use super::{auth, extract::Path};
use crate::{error::ApiError, gateway, state::State};

/// Streamable HTTP, for whoever has the token of the session.
pub async fn answer(
    Shared(state): Shared<Arc<State>>,
    Path((session, server)): Path<(SessionId, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let token = auth::bearer(request.headers()).map(str::to_owned);
    gateway::answer(&state, (session, &server), token.as_deref(), request).await
}
