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

/// Why there is no thread that sees ends; absent when there is one.
static UNWATCHED: LazyLock<Option<String>> =
    LazyLock::new(|| start().err().map(|error| error.to_string()));

/// Tells the end of a child of this process, once.
pub(super) fn watch(pid: u32) -> Result<oneshot::Receiver<Exit>, String> {
    if let Some(reason) = &*UNWATCHED {
        return Err(format!("the ends of programs cannot be seen: {reason}"));
    }
    let pid = i32::try_from(pid).map_err(|_| format!("{pid} is no process id"))?;
    let (exited, exit) = oneshot::channel();
    let mut awaited = awaited();
    awaited.insert(pid, exited);
    // It may have ended before anybody waited for it.
    look(&mut awaited, pid);
    Ok(exit)
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
