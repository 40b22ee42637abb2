//! How a server is reached for the gateway of a session.

use std::sync::Arc;

use berth_mcp::{Connection, Limits, McpError, Reach, gateway::Agents};
use tokio_util::task::AbortOnDropHandle;

use super::{Of, asker::Asker};
use crate::mcp;

/// A server that is about to be reached.
enum Prepared {
    Open(Box<Connection>),
    Known(Reach, Arc<Asker>),
}

impl Of {
    /// Looking for a program and starting it may take a while, in which the thread that answers agents has others to
    /// answer. What is reached over HTTP is reached from there, where its answers go on to.
    pub(super) async fn connect(&self, agents: Agents) -> Result<Connection, McpError> {
        let of = self.clone();
        let prepared = self
            .state
            .runtime
            .spawn(async move { of.prepared(agents).await });
        let prepared = AbortOnDropHandle::new(prepared).await;
        let failed = |_| McpError::Unreachable("the engine failed while it reached it".to_owned());
        match prepared.map_err(failed)?? {
            Prepared::Open(connection) => Ok(*connection),
            Prepared::Known(reach, asker) => {
                Connection::open_for(&reach, Limits::default(), asker).await
            }
        }
    }

    async fn prepared(&self, agents: Agents) -> Result<Prepared, McpError> {
        let now = self.now().await.map_err(McpError::Withheld)?;
        let reach = mcp::reach_of(&self.state, &now, Some(&self.folder)).await;
        let mut reach = reach.map_err(|error| McpError::Unreachable(error.0.detail.clone()))?;
        mcp::reach::mark(&mut reach, self.session);
        let asker = Arc::new(Asker::new(self.clone(), now.draft.offers, agents));
        if !matches!(reach, Reach::Stdio { .. }) {
            return Ok(Prepared::Known(reach, asker));
        }
        let opened = Connection::open_for(&reach, Limits::default(), asker).await?;
        Ok(Prepared::Open(Box::new(opened)))
    }
}
