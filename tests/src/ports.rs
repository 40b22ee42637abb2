//! Ports of this machine: for programs that cannot draw one and tell it, and for what comes and goes at one address.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process,
    sync::atomic::{AtomicU16, Ordering},
};

use tokio::net::{TcpListener, TcpSocket};

/// The ports that are drawn from. They lie below those that Linux and macOS give to whoever asks for any port, and to
/// connections: between its draw and its use nobody is given one of these by chance.
const FIRST: u16 = 20_000;
const MANY: u16 = 10_000;

/// How many this process has looked at.
static LOOKED_AT: AtomicU16 = AtomicU16::new(0);

/// How many connections may wait to be taken.
const WAITING: u32 = 1024;

/// A port that nobody has, and that no other call of this process is given.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    // Processes that run at once begin at different ones.
    let many = u32::from(MANY);
    let begin = process::id().wrapping_mul(61) % many;
    for _ in 0..MANY {
        let place = (begin + u32::from(LOOKED_AT.fetch_add(1, Ordering::Relaxed))) % many;
        let port = FIRST + u16::try_from(place).expect("it is less than there are");
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port from {FIRST} on is free");
}

/// A port that is its owner's until it is dropped, whether somebody listens there or not. While nobody does,
/// connections are refused.
///
/// A socket that never listens has it all the time, and whoever listens does so beside that socket. A port that had
/// nobody for a moment, once its listener has ended, would be given to whoever asks for any port and to connections,
/// and they would answer in its place.
pub(crate) struct OwnPort(TcpSocket);

impl OwnPort {
    /// Any that is free.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn any() -> Self {
        Self(shared(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
    }

    /// Its address.
    pub(crate) fn address(&self) -> SocketAddr {
        let address = self.0.local_addr();
        address.expect("a socket that is bound has an address")
    }

    /// Takes connections until the listener is dropped.
    ///
    /// # Panics
    /// Outside a runtime.
    pub(crate) fn listen(&self) -> TcpListener {
        let socket = shared(self.address());
        socket.listen(WAITING).expect("a bound socket can listen")
    }
}

/// A socket at an address that others of this process have too: the one that never listens, those that listen one after
/// another, and for a while connections that were ended.
fn shared(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket can be made");
    #[cfg(unix)]
    let shared = socket.set_reuseport(true);
    // Windows has one option for both.
    #[cfg(windows)]
    let shared = socket.set_reuseaddr(true);
    shared.expect("a port can be had by several");
    socket
        .bind(address)
        .expect("nobody else has the port, or one is free");
    socket
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_port_that_is_ones_own_refuses_connections_and_others_between_its_listeners() {
        let port = OwnPort::any();
        for _ in 0..3 {
            let refused = TcpStream::connect(port.address()).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            let taken = TcpListener::bind(port.address()).await.unwrap_err();
            assert_eq!(taken.kind(), ErrorKind::AddrInUse);

            let listener = port.listen();
            let (near, far) = tokio::join!(TcpStream::connect(port.address()), listener.accept());
            near.unwrap();
            far.unwrap();
        }
    }
}
