//! The stream of state changes, which clients can resume.
//!
//! The last changes are kept in memory. A client that comes back names the last one it saw; when
//! that is no longer kept, or belongs to an earlier engine, it is told to fetch everything anew.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use berth_protocol::Event;
use tokio::sync::broadcast;

/// Changes kept for clients that come back.
const KEPT: usize = 2_000;

/// A change with its place in the stream.
#[derive(Debug)]
pub struct Numbered {
    /// Place in the stream, from 1.
    pub seq: u64,
    /// The change.
    pub event: Event,
}

/// Sends changes to all clients.
pub struct Bus {
    /// Tells the streams of one engine from those of another.
    epoch: String,
    log: Mutex<Log>,
    live: broadcast::Sender<Arc<Numbered>>,
}

#[derive(Default)]
struct Log {
    last: u64,
    kept: VecDeque<Arc<Numbered>>,
}

/// Where a client joins the stream.
pub struct Joined {
    /// What it missed, or [`Event::Reset`] alone when that is not known.
    pub missed: Vec<Arc<Numbered>>,
    /// What comes from now on.
    pub live: broadcast::Receiver<Arc<Numbered>>,
}

impl Bus {
    pub fn new(epoch: String) -> Self {
        Self {
            epoch,
            log: Mutex::default(),
            live: broadcast::Sender::new(KEPT),
        }
    }

    pub fn publish(&self, event: Event) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.last += 1;
        let numbered = Arc::new(Numbered {
            seq: log.last,
            event,
        });
        if log.kept.len() == KEPT {
            log.kept.pop_front();
        }
        log.kept.push_back(Arc::clone(&numbered));
        // Sent under the lock, so that everybody sees the same order.
        let _ = self.live.send(numbered);
    }

    /// Joins after the change of an id, or at the present when there is none.
    pub fn join(&self, last_id: Option<&str>) -> Joined {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let live = self.live.subscribe();
        let Some(last_id) = last_id else {
            return Joined {
                missed: Vec::new(),
                live,
            };
        };
        let first_kept = log.last + 1 - log.kept.len() as u64;
        let missed = match self.seq_of(last_id) {
            Some(seen) if seen <= log.last && seen + 1 >= first_kept => log
                .kept
                .iter()
                .filter(|kept| kept.seq > seen)
                .cloned()
                .collect(),
            _ => vec![Arc::new(Numbered {
                seq: log.last,
                event: Event::Reset,
            })],
        };
        Joined { missed, live }
    }

    /// The id of a change on the wire.
    pub fn id_of(&self, seq: u64) -> String {
        format!("{}-{seq}", self.epoch)
    }

    fn seq_of(&self, id: &str) -> Option<u64> {
        id.strip_prefix(&self.epoch)?
            .strip_prefix('-')?
            .parse()
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seqs(joined: &Joined) -> Vec<u64> {
        joined.missed.iter().map(|numbered| numbered.seq).collect()
    }

    #[test]
    fn a_client_that_comes_back_gets_what_it_missed_or_is_told_to_start_anew() {
        let bus = Bus::new("a".to_owned());
        for _ in 0..3 {
            bus.publish(Event::Reset);
        }
        assert_eq!(seqs(&bus.join(None)), Vec::<u64>::new());
        assert_eq!(seqs(&bus.join(Some("a-1"))), [2, 3]);
        assert_eq!(seqs(&bus.join(Some("a-3"))), Vec::<u64>::new());
        for foreign in ["b-1", "a-9", "a-x", "", "a"] {
            assert_eq!(
                bus.join(Some(foreign)).missed[0].event,
                Event::Reset,
                "{foreign}"
            );
        }
        for _ in 0..KEPT {
            bus.publish(Event::AgentsChanged { agents: Vec::new() });
        }
        assert_eq!(bus.join(Some("a-1")).missed[0].event, Event::Reset);
        assert_eq!(bus.join(Some("a-3")).missed.len(), KEPT);
    }
}
