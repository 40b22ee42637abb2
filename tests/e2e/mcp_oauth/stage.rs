//! What these tests have in common.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use berth_mcp::{
    Broker, Challenge, Grant, Limits, McpError, OauthError, Reach, SignIn, Wish, probe,
};
use berth_tests::oauth::{FileStore, Fixture, browse};

/// The name of the sign-ins.
pub const KEY: &str = "server";

/// A sign-in to the fixture, as it is begun.
pub fn wish(fixture: &Fixture) -> Wish {
    Wish::new(fixture.mcp())
}

/// Signs in, with a browser that follows every redirect.
pub async fn sign_in(wish: Wish) -> Result<Grant, OauthError> {
    let sign_in = SignIn::begin(wish).await?;
    let url = sign_in.url().to_owned();
    let (grant, _) = tokio::join!(sign_in.finish(async |grant| Ok(grant)), browse(&url));
    grant
}

/// A broker of this process over a folder.
pub fn broker(folder: &Path) -> Broker {
    Broker::new(Arc::new(FileStore::new(folder)), folder.join("locks"))
}

/// The server with the tokens of a broker.
pub fn reach(url: &str, broker: &Broker) -> Reach {
    Reach::SignedIn {
        reach: Box::new(Reach::Http {
            url: url.to_owned(),
            headers: BTreeMap::new(),
            bearer: None,
        }),
        tokens: broker.source(KEY, url),
    }
}

/// The challenge of a server that wants a sign-in.
pub async fn challenge(reach: &Reach) -> Challenge {
    match probe(reach, Limits::default()).await {
        Err(McpError::Unauthorized { challenge }) => Challenge::parse(&challenge),
        other => panic!("it wants no sign-in: {other:?}"),
    }
}
