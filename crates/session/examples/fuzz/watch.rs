//! Ends a run whose case takes too much time or memory: neither can be caught where it happens.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::case::Case;

/// Longest time that a case may take. One of 2 MB that clears the screen with every few bytes takes more
/// than a minute in a build for tests, and other programs run too: only what does not end is looked for.
const TIME: Duration = Duration::from_secs(600);

/// Most memory that each thread may take, in bytes. The largest terminals that a case has take some
/// 50 MB, and it has three.
const MEMORY: u64 = 400 * 1024 * 1024;

/// How often is looked.
const EVERY: Duration = Duration::from_millis(50);

type Slots = Arc<Vec<Mutex<Option<(Instant, Case)>>>>;

/// The cases that run now.
pub struct Watch(Slots);

impl Watch {
    /// Watches so many threads; a case that is ended is written into the folder.
    pub fn start(threads: usize, into: &Path) -> Self {
        let slots: Slots = Arc::new((0..threads).map(|_| Mutex::new(None)).collect());
        let (watched, into) = (Arc::clone(&slots), into.to_owned());
        thread::spawn(move || watch(&watched, &into));
        Self(slots)
    }

    /// Runs a case on a thread.
    pub fn watched<T>(&self, slot: usize, case: &Case, run: impl FnOnce() -> T) -> T {
        *lock(&self.0[slot]) = Some((Instant::now(), case.clone()));
        let result = run();
        *lock(&self.0[slot]) = None;
        result
    }
}

fn watch(slots: &Slots, into: &Path) {
    loop {
        thread::sleep(EVERY);
        let memory = memory().unwrap_or(0);
        if memory > MEMORY * slots.len() as u64 {
            println!("fuzz: too much memory: {} MB", memory / 1_000_000);
            // Which of them takes it is not known.
            for slot in slots.iter() {
                if let Some((_, case)) = &*lock(slot) {
                    case.write(into);
                }
            }
            std::process::exit(1);
        }
        for slot in slots.iter() {
            if let Some((since, case)) = &*lock(slot)
                && since.elapsed() > TIME
            {
                println!("fuzz: a case takes longer than {} s", TIME.as_secs());
                case.write(into);
                std::process::exit(1);
            }
        }
    }
}

/// What this process takes, in bytes; known on Linux only.
fn memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1024)
}

fn lock(slot: &Mutex<Option<(Instant, Case)>>) -> MutexGuard<'_, Option<(Instant, Case)>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
