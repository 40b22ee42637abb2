//! One of several processes that need a new access token at the same moment.

use std::{path::Path, sync::Arc};

use berth_mcp::Broker;
use berth_tests::{oauth::FileStore, until};

use crate::Error;

pub async fn run(folder: &str, key: &str, server: &str) -> Result<(), Error> {
    let folder = Path::new(folder);
    let broker = Broker::new(Arc::new(FileStore::new(folder)), folder.join("locks"));
    std::fs::write(folder.join(format!("ready.{}", std::process::id())), "")?;
    until("the others are ready too", || folder.join("go").exists()).await;
    let token = broker.access_token(key, server).await?;
    std::fs::write(
        folder.join(format!("token.{}", std::process::id())),
        token.expose(),
    )?;
    broker.settle().await;
    Ok(())
}
