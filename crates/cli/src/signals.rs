//! What asks a command to end.

use tokio::sync::mpsc;

/// The exit code after Ctrl-C, as shells have it: 128 and the signal's number.
const INTERRUPTED: u8 = 130;

/// Listens from now on. Each request comes as the exit code that it asks for. The second one ends the
/// program at once, whatever it is doing.
pub fn requests() -> mpsc::Receiver<u8> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut asked = listen();
        if let Some(code) = asked.recv().await {
            // The command may be ending already.
            let _ = sender.send(code).await;
        }
        if let Some(code) = asked.recv().await {
            crate::console::leave();
            std::process::exit(code.into());
        }
        // A closed channel would be taken for a request.
        std::future::pending::<()>().await;
    });
    receiver
}

#[cfg(unix)]
fn listen() -> mpsc::Receiver<u8> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut kinds = vec![
        (SignalKind::interrupt(), INTERRUPTED),
        (SignalKind::terminate(), 143),
    ];
    if !hangup_is_ignored() {
        kinds.push((SignalKind::hangup(), 129));
    }
    let (sender, receiver) = mpsc::channel(kinds.len());
    for (kind, code) in kinds {
        // One that cannot be listened for ends the program, as it always does.
        let Ok(mut signals) = signal(kind) else {
            continue;
        };
        let sender = sender.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() && sender.send(code).await.is_ok() {}
        });
    }
    receiver
}

/// Somebody has started this with `nohup`, so that it outlives its terminal.
#[cfg(unix)]
pub fn hangup_is_ignored() -> bool {
    // The mask of ignored signals in hexadecimal, SIGHUP being the lowest bit (proc_pid_status(5)).
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Where nothing tells: `nohup` also takes the output away from a terminal.
    mask.map_or_else(
        || !std::io::IsTerminal::is_terminal(&std::io::stdout()),
        |mask| mask & 1 == 1,
    )
}

#[cfg(not(unix))]
fn listen() -> mpsc::Receiver<u8> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && sender.send(INTERRUPTED).await.is_ok() {}
    });
    receiver
}
