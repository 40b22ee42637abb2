//! Sees the ends of programs, all of them with one thread.
//!
//! A thread for each would cost a stack and its guard pages, and with a thousand sessions the pages
//! of a thousand stacks have to be copied for each program that is started.

use std::{
    collections::HashMap,
    io,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use nix::{
    errno::Errno,
    sys::wait::{WaitPidFlag, WaitStatus, waitpid},
    unistd::Pid,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use super::Exit;

/// The programs whose ends are awaited.
type Awaited = HashMap<i32, oneshot::Sender<Exit>>;

static AWAITED: LazyLock<Mutex<Awaited>> = LazyLock::new(Mutex::default);

/// The thread that sees ends runs.
static STARTED: Mutex<bool> = Mutex::new(false);

/// Starts the thread, unless it runs. Call it before the program is started, for its end could not
/// be seen otherwise.
pub(super) fn prepare() -> Result<(), String> {
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*started {
        start().map_err(|error| format!("the ends of programs cannot be seen: {error}"))?;
        *started = true;
    }
    Ok(())
}

/// Tells the end of a child of this process, once.
pub(super) fn watch(pid: i32) -> oneshot::Receiver<Exit> {
    let (exited, exit) = oneshot::channel();
    let mut awaited = awaited();
    awaited.insert(pid, exited);
    // It may have ended before anybody waited for it.
    look(&mut awaited, pid);
    exit
}

fn awaited() -> MutexGuard<'static, Awaited> {
    AWAITED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread, which lasts as long as the process.
fn start() -> io::Result<()> {
    let (ready, is_ready) = mpsc::channel();
    thread::Builder::new()
        .name("pty-exits".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return drop(ready.send(Err(error))),
            };
            runtime.block_on(async {
                let mut ends = match signal(SignalKind::child()) {
                    Ok(ends) => ends,
                    Err(error) => return drop(ready.send(Err(error))),
                };
                // The other side waits for nothing else.
                let _ = ready.send(Ok(()));
                // One signal may stand for many ends, so it is only a reason to look.
                while ends.recv().await.is_some() {
                    let mut awaited = awaited();
                    let pids: Vec<i32> = awaited.keys().copied().collect();
                    for pid in pids {
                        look(&mut awaited, pid);
                    }
                }
            });
        })?;
    is_ready.recv().map_err(io::Error::other)?
}

/// Tells the end of a program, if it has ended.
fn look(awaited: &mut Awaited, pid: i32) {
    let exit = match waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Exited(_, code)) => Exit {
            code: Some(code),
            signal: None,
        },
        Ok(WaitStatus::Signaled(_, signal, _)) => Exit {
            code: None,
            signal: Some(signal.as_str().to_owned()),
        },
        Ok(_) | Err(Errno::EINTR) => return,
        // It is nobody's child any more: its end is past.
        Err(_) => Exit {
            code: None,
            signal: None,
        },
    };
    if let Some(exited) = awaited.remove(&pid) {
        // The session may be gone; then nobody needs to know.
        let _ = exited.send(exit);
    }
}
