//! Ports for programs that cannot draw one and tell it.

use std::{
    net::TcpListener,
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// The ports that are drawn from. They lie below those that Linux and macOS give to whoever asks for any port, and to
/// connections: between its draw and its use nobody is given one of these by chance.
const FIRST: u16 = 20_000;
const MANY: u16 = 10_000;

/// How many this process has looked at.
static LOOKED_AT: AtomicU16 = AtomicU16::new(0);

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
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port from {FIRST} on is free");
}
