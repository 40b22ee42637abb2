//! Lists that follow the engine's events.

use berth_protocol::{Project, ProjectId, Session, SessionId};

/// Something with an identifier.
pub trait Identified {
    /// Type of the identifier.
    type Id: PartialEq + Copy;
    /// The identifier.
    fn id(&self) -> Self::Id;
}

impl Identified for Session {
    type Id = SessionId;
    fn id(&self) -> SessionId {
        self.id
    }
}

impl Identified for Project {
    type Id = ProjectId;
    fn id(&self) -> ProjectId {
        self.id
    }
}

/// Replaces the item with the same identifier, or adds it.
pub fn upsert<T: Identified>(list: &mut Vec<T>, item: T) {
    match list.iter_mut().find(|old| old.id() == item.id()) {
        Some(old) => *old = item,
        None => list.push(item),
    }
}

/// Removes the item with this identifier, if it is there.
pub fn remove<T: Identified>(list: &mut Vec<T>, id: T::Id) {
    list.retain(|item| item.id() != id);
}
