//! A connection that a test can cut.

use std::{net::SocketAddr, sync::Mutex};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// How many connections may wait to be taken.
const WAITING: u32 = 1024;

/// A connection to a server that can be cut.
pub struct Cable {
    /// The near end.
    pub address: SocketAddr,
    server: SocketAddr,
    /// Present while the cable is whole.
    inside: Mutex<Option<JoinHandle<()>>>,
    /// Has the port while the cable is cut, and listens to nobody: whoever asks for any port would be given it.
    held: Mutex<Option<TcpSocket>>,
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
            held: Mutex::default(),
        };
        cable.carry(listener);
        cable
    }

    /// Ends all connections and refuses new ones: once it returns, nobody listens any more.
    ///
    /// # Panics
    /// When a test has panicked meanwhile, or somebody was faster to take the port.
    pub async fn cut(&self) {
        let inside = self.inside.lock().expect("no test panicked").take();
        let Some(inside) = inside else { return };
        inside.abort();
        // Only that it has ended matters.
        let _ = inside.await;
        let socket = hold(self.address);
        self.held.lock().expect("no test panicked").replace(socket);
    }

    /// Takes connections again.
    ///
    /// # Panics
    /// When it is whole.
    pub fn mend(&self) {
        self.carry(self.listen());
    }

    /// Is cut, and takes connections on which nobody answers until the listener is dropped.
    ///
    /// # Panics
    /// As [`Self::cut`].
    pub async fn fall_silent(&self) -> TcpListener {
        self.cut().await;
        self.listen()
    }

    fn listen(&self) -> TcpListener {
        let held = self.held.lock().expect("no test panicked").take();
        let held = held.expect("the cable is cut");
        held.listen(WAITING).expect("nobody listens there")
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

/// Has a port of which nobody listens any more, and listens to nobody either.
pub(crate) fn hold(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket can be made");
    // Connections that were just ended have the port too, for a while.
    socket
        .set_reuseaddr(true)
        .expect("a port can be had beside them");
    socket.bind(address).expect("the port is still free");
    socket
}

impl Drop for Cable {
    fn drop(&mut self) {
        if let Some(inside) = self.inside.lock().ok().and_then(|mut inside| inside.take()) {
            inside.abort();
        }
    }
}
