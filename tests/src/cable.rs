//! A connection that a test can cut.

use std::{net::SocketAddr, sync::Mutex};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// A connection to a server that can be cut.
pub struct Cable {
    /// The near end.
    pub address: SocketAddr,
    server: SocketAddr,
    /// Present while the cable is whole.
    inside: Mutex<Option<JoinHandle<()>>>,
}

impl Cable {
    /// Leads to a port of this machine.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn plug_in(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a port is free");
        let cable = Self {
            address: listener.local_addr().expect("it has an address"),
            server: SocketAddr::from(([127, 0, 0, 1], port)),
            inside: Mutex::default(),
        };
        cable.carry(listener);
        cable
    }

    /// Ends all connections and refuses new ones: once it returns, nobody listens any more.
    ///
    /// # Panics
    /// When a test has panicked meanwhile.
    pub async fn cut(&self) {
        let inside = self.inside.lock().expect("no test panicked").take();
        if let Some(inside) = inside {
            inside.abort();
            // Only that it has ended matters.
            let _ = inside.await;
        }
    }

    /// Takes connections again.
    ///
    /// # Panics
    /// When somebody has taken the port meanwhile.
    pub fn mend(&self) {
        let listener = std::net::TcpListener::bind(self.address).expect("the port is still free");
        listener
            .set_nonblocking(true)
            .expect("a socket can be told not to wait");
        self.carry(TcpListener::from_std(listener).expect("the runtime takes the socket"));
    }

    fn carry(&self, listener: TcpListener) {
        let server = self.server;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                connections.spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(server).await {
                        // Either side may end it at any time.
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        let before = self.inside.lock().expect("no test panicked").replace(task);
        assert!(before.is_none(), "the cable was whole");
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        if let Some(inside) = self.inside.lock().ok().and_then(|mut inside| inside.take()) {
            inside.abort();
        }
    }
}
