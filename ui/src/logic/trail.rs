//! A part of the audit trail as it is shown: the newest first, with older events fetched page by
//! page and new ones put on top as they happen.

use std::rc::Rc;

use crate::wire::{AuditEntries, AuditEntry};

/// The events that are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    entries: Vec<Rc<AuditEntry>>,
    older: Option<i64>,
}

impl Trail {
    /// The newest page. What was heard of while it was on its way and is newer stays.
    pub fn begin(&mut self, page: AuditEntries) {
        let newest = page.events.first().map_or(0, |entry| entry.seq);
        self.entries.retain(|entry| entry.seq > newest);
        self.append(page);
    }

    /// The page behind the last one.
    pub fn append(&mut self, page: AuditEntries) {
        self.entries.extend(page.events.into_iter().map(Rc::new));
        self.older = page.next;
    }

    /// Something happened.
    pub fn add(&mut self, entry: &Rc<AuditEntry>) {
        if self
            .entries
            .first()
            .is_none_or(|first| first.seq < entry.seq)
        {
            self.entries.insert(0, Rc::clone(entry));
        }
    }

    /// The events, the newest first.
    pub fn entries(&self) -> &[Rc<AuditEntry>] {
        &self.entries
    }

    /// Behind which event there are older ones that were not fetched.
    pub fn older(&self) -> Option<i64> {
        self.older
    }
}

#[cfg(test)]
mod tests {
    use berth_protocol::Timestamp;

    use super::*;

    fn entry(seq: i64) -> AuditEntry {
        AuditEntry {
            seq,
            at: Timestamp::UNIX_EPOCH,
            action: "session.created".to_owned(),
            subject_kind: "session".to_owned(),
            subject_id: String::new(),
            session_id: None,
            details: Vec::new(),
            hash: String::new(),
        }
    }

    fn page(seqs: &[i64], next: Option<i64>) -> AuditEntries {
        AuditEntries {
            events: seqs.iter().map(|seq| entry(*seq)).collect(),
            next,
        }
    }

    fn seqs(trail: &Trail) -> Vec<i64> {
        trail.entries().iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn every_event_stands_once_whatever_comes_first() {
        let mut trail = Trail::default();
        trail.add(&Rc::new(entry(8)));
        trail.add(&Rc::new(entry(9)));
        // The answer was written before the last event.
        trail.begin(page(&[8, 5], Some(5)));
        trail.add(&Rc::new(entry(9)));
        assert_eq!(seqs(&trail), [9, 8, 5]);
        trail.append(page(&[3], None));
        assert_eq!((seqs(&trail), trail.older()), (vec![9, 8, 5, 3], None));
        // Fetched anew after the connection was lost.
        trail.begin(page(&[12, 11], Some(11)));
        assert_eq!((seqs(&trail), trail.older()), (vec![12, 11], Some(11)));
    }
}
