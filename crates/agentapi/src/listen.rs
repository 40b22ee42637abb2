//! The sockets of a server.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// Listens on both addresses at the same port, which is returned; 0 takes a free one. `localhost` may
/// mean either, and clients differ in which one they try first.
///
/// Machines without IPv6 are served over IPv4 alone. A port that somebody else has on either address is
/// an error, because they would get some of the requests.
pub async fn listen(
    (v4, v6): (Ipv4Addr, Ipv6Addr),
    port: u16,
) -> io::Result<(Vec<TcpListener>, u16)> {
    let first = bind(v4.into(), port)?;
    let bound = first.local_addr()?.port();
    let mut listeners = vec![first];
    match bind(v6.into(), bound) {
        Ok(second) => listeners.push(second),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
        Err(error) => tracing::debug!(%error, "not served over IPv6"),
    }
    Ok((listeners, bound))
}

fn bind(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(SocketAddr::new(address, port)),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        // IPv4 has a socket of its own.
        socket.set_only_v6(true)?;
    }
    // Elsewhere it means that the port of the last run can be had at once; on Windows it would mean
    // that of somebody else.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(address, port).into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
