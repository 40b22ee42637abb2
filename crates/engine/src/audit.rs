//! The audit trail of this machine as a file that proves itself.

use std::{io, sync::Arc};

use berth_protocol::Timestamp;
use berth_trail::{Chain, Event, Sealed, Sealer};
use bytes::Bytes;
use futures::{Stream, stream};
use serde_json::{Map, json};

use crate::{error::ApiError, state::State};

/// Events that are in memory at a time.
const PART: u32 = 500;

/// An export that goes on.
struct Export {
    state: Arc<State>,
    sealer: Sealer,
    sealed: Sealed,
    after: i64,
    until: i64,
}

/// All events up to now, then the manifest. That somebody exports is noted behind them.
pub async fn export(
    state: Arc<State>,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + 'static, ApiError> {
    let (until, head) = state.store.audit_head().await?;
    let details = json!({"count": until, "until_seq": until});
    let noted = state
        .store
        .note("audit.exported", "audit", "local", details)
        .await;
    noted?;
    let export = Export {
        state,
        sealer: Sealer::new(),
        sealed: Sealed {
            chain: Chain::Local,
            org_id: None,
            filter: Map::new(),
            until_seq: (until > 0).then_some(until),
            head_hash: (until > 0).then_some(head),
            exported_at: Timestamp::now().to_string(),
        },
        after: 0,
        until,
    };
    Ok(stream::try_unfold(Some(export), |export| async move {
        match export {
            Some(export) => export.part().await.map(Some),
            None => Ok(None),
        }
    }))
}

impl Export {
    /// The next events, or the manifest behind the last one.
    async fn part(mut self) -> io::Result<(Bytes, Option<Self>)> {
        let hashed = self.state.store.audit_hashed(self.after, self.until, PART);
        let events = hashed.await.map_err(io::Error::other)?;
        let Some(last) = events.last() else {
            let manifest = self.sealer.manifest(self.sealed);
            return Ok((manifest.into(), None));
        };
        self.after = last.seq;
        let lines: String = events
            .into_iter()
            .map(|event| self.sealer.event(&Event::Local(event)))
            .collect();
        Ok((lines.into(), Some(self)))
    }
}
