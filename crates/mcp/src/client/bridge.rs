//! An endpoint of the gateway for programs that speak to their servers over standard input and output only.

use berth_protocol::Secret;
use futures::future::OptionFuture;
use rmcp::{
    RoleClient, RoleServer,
    transport::{
        StreamableHttpClientTransport, Transport, async_rw::AsyncRwTransport,
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use tokio::io::{AsyncRead, AsyncWrite};
use url::{Host, Url};

use super::{
    McpError,
    http::{self, Authorized, Proof},
};

/// Passes messages on between a program and the gateway at `url`, until one of both ends.
///
/// # Errors
/// [`McpError::Withheld`] when the address is not one of this machine, which alone may have the token;
/// [`McpError::Ended`] when the gateway has ended it.
pub async fn bridge(
    (input, output): (
        impl AsyncRead + Send + Unpin + 'static,
        impl AsyncWrite + Send + Unpin + 'static,
    ),
    url: &str,
    token: Secret,
) -> Result<(), McpError> {
    if !is_here(url) {
        let why = format!("{url} is no address of this machine");
        return Err(McpError::Withheld(why));
    }
    let authorized = Authorized {
        http: http::near_client()?,
        proof: Proof::Fixed(Some(token)),
    };
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    let mut gateway = StreamableHttpClientTransport::with_client(authorized, config);
    let mut program = AsyncRwTransport::<RoleServer, _, _>::new_server(input, output);
    let ended = |error: &dyn std::error::Error| McpError::Ended {
        said: error.to_string(),
    };
    // One at a time, in their order; what comes back is passed on meanwhile.
    let mut sending = None;
    let passed = loop {
        tokio::select! {
            sent = OptionFuture::from(sending.as_mut()), if sending.is_some() => {
                sending = None;
                if let Some(Err(error)) = sent {
                    break Err(ended(&error));
                }
            }
            message = program.receive(), if sending.is_none() => match message {
                Some(message) => {
                    sending = Some(Box::pin(Transport::<RoleClient>::send(&mut gateway, message)));
                }
                None => break Ok(()),
            },
            message = gateway.receive() => match message {
                Some(message) => {
                    // It may have gone meanwhile, which is no failure.
                    if program.send(message).await.is_err() {
                        break Ok(());
                    }
                }
                // Why it has ended, a message that is under way may tell.
                None => break match OptionFuture::from(sending.take()).await {
                    Some(Err(error)) => Err(ended(&error)),
                    _ => Err(McpError::Ended { said: String::new() }),
                },
            },
        }
    };
    // What the gateway keeps of it ends with it.
    let _ = gateway.close().await;
    passed
}

fn is_here(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    is_here && url.scheme() == "http"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_token_goes_to_this_machine_only() {
        for url in [
            "http://example.com/mcp",
            "https://127.0.0.1/mcp",
            "http://127.0.0.1.example.com/mcp",
            "http://127.0.0.1@example.com/mcp",
            "http://localhost/mcp",
            "file:///mcp",
            "",
        ] {
            let passed = bridge(
                (tokio::io::empty(), tokio::io::sink()),
                url,
                Secret::new(String::new()),
            );
            assert!(matches!(passed.await, Err(McpError::Withheld(_))), "{url}");
        }
    }
}
