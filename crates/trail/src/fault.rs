//! Why a file proves nothing.

/// The first thing in a file that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A line is neither an event nor the manifest.
    #[error("line {line} is neither an event nor the manifest: {why}")]
    NotUnderstood {
        /// Number of the line, from 1.
        line: u64,
        /// The event that would stand there, where the one before says it.
        seq: Option<i64>,
        /// What is wrong with it.
        why: String,
    },
    /// The file is of another form than this version knows.
    #[error("the file has the form {format:?}, and this version of Berth knows only {known:?}")]
    Format {
        /// What the manifest says.
        format: String,
        /// What is known.
        known: &'static str,
    },
    /// An event of another chain is among the others.
    #[error("event {seq} (line {line}) belongs to another chain than the events before it")]
    OtherChain {
        /// Number of the line, from 1.
        line: u64,
        /// The event.
        seq: i64,
    },
    /// An event is not what was hashed.
    #[error("event {seq} (line {line}) does not have the hash that its content must have")]
    Changed {
        /// Number of the line, from 1.
        line: u64,
        /// The event.
        seq: i64,
    },
    /// An event does not follow the one before it.
    #[error("event {seq} (line {line}) does not continue the event before it")]
    NotLinked {
        /// Number of the line, from 1.
        line: u64,
        /// The event.
        seq: i64,
    },
    /// An event is not behind the one before it.
    #[error("event {seq} (line {line}) stands behind event {before}")]
    OutOfOrder {
        /// Number of the line, from 1.
        line: u64,
        /// The event.
        seq: i64,
        /// The one before it.
        before: i64,
    },
    /// An event is not in a file that says it has all of them.
    #[error("event {seq} is missing")]
    Missing {
        /// The event.
        seq: i64,
    },
    /// The file breaks off.
    #[error("the file has no manifest at its end: it breaks off, or is no export")]
    NoManifest {
        /// The event that would come next, where the one before says it.
        seq: Option<i64>,
    },
    /// Something stands behind the manifest.
    #[error("line {line} stands behind the manifest")]
    AfterManifest {
        /// Number of the line, from 1.
        line: u64,
    },
    /// The manifest speaks of other events.
    #[error("the manifest says another {what} than the events have: {said} instead of {found}")]
    Manifest {
        /// What of it.
        what: &'static str,
        /// What it says.
        said: String,
        /// What the events have.
        found: String,
    },
}

impl Fault {
    /// The event that is not as it must be, where it is about one.
    pub fn seq(&self) -> Option<i64> {
        match self {
            Self::OtherChain { seq, .. }
            | Self::Changed { seq, .. }
            | Self::NotLinked { seq, .. }
            | Self::OutOfOrder { seq, .. }
            | Self::Missing { seq } => Some(*seq),
            Self::NotUnderstood { seq, .. } | Self::NoManifest { seq } => *seq,
            Self::Format { .. } | Self::AfterManifest { .. } | Self::Manifest { .. } => None,
        }
    }
}
