//! A connection that a test can cut.

use std::{net::SocketAddr, sync::Mutex};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::ports::OwnPort;

/// A connection to a server that can be cut.
pub struct Cable {
    /// The near end.
    pub address: SocketAddr,
    server: SocketAddr,
    /// The near end's, whether the cable is whole or cut.
    port: OwnPort,
    /// Present while the cable is whole.
    inside: Mutex<Option<JoinHandle<()>>>,
}

impl Cable {
    /// Leads to a port of this machine.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn plug_in(port: u16) -> Self {
        let own = OwnPort::any();
        let cable = Self {
            address: own.address(),
            server: SocketAddr::from(([127, 0, 0, 1], port)),
            port: own,
            inside: Mutex::default(),
        };
        cable.mend();
        cable
    }

    /// Ends all connections and refuses new ones: once it returns, nobody listens any more.
    ///
    /// # Panics
    /// When a test has panicked meanwhile.
    pub async fn cut(&self) {
        let inside = self.inside.lock().expect("no test panicked").take();
        let Some(inside) = inside else { return };
        inside.abort();
        // Only that it has ended matters.
        let _ = inside.await;
    }

    /// Takes connections again. A listener of [`Self::fall_silent`] is gone by then, or it would take some of them.
    ///
    /// # Panics
    /// When it is whole.
    pub fn mend(&self) {
        let mut inside = self.inside.lock().expect("no test panicked");
        assert!(inside.is_none(), "the cable is whole");
        *inside = Some(tokio::spawn(carry(self.port.listen(), self.server)));
    }

    /// Is cut, and takes connections on which nobody answers until the listener is dropped.
    ///
    /// # Panics
    /// As [`Self::cut`].
    pub async fn fall_silent(&self) -> TcpListener {
        self.cut().await;
        self.port.listen()
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        if let Some(inside) = self.inside.lock().ok().and_then(|mut inside| inside.take()) {
            inside.abort();
        }
    }
}

async fn carry(listener: TcpListener, server: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        connections.spawn(async move {
            if let Ok(mut far) = TcpStream::connect(server).await {
                // Either side may end it at any time.
                let _ = copy_bidirectional(&mut near, &mut far).await;
            }
        });
    }
}
