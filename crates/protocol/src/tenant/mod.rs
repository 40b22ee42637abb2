//! What organizations share through a tenant backend, as this version reads it, and how it stands with sync.
//!
//! Rows are read tolerantly: a newer backend may say more of them. Policies alone are read strictly in their
//! words, because a rule that is not understood must not be taken for none ([`PolicyState`]).

mod account;
mod administration;
mod changes;
mod drift;
mod kind;
mod policy;
mod requests;
mod rows;
mod sessions;
mod state;
mod trail;

use serde::{Deserialize, Serialize};

use crate::{OrganizationId, UserId};

pub use account::*;
pub use administration::*;
pub use changes::*;
pub use drift::*;
pub use kind::*;
pub use policy::*;
pub use requests::*;
pub use rows::*;
pub use sessions::*;
pub use state::*;
pub use trail::*;

/// The schema of a tenant backend that this version knows.
pub const SCHEMA: u32 = 1;

/// A user in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tenant {
    /// The organization.
    pub org: OrganizationId,
    /// The user.
    pub user: UserId,
}

impl Tenant {
    /// It stands for what belongs to no organization: that is read, and never written.
    pub fn is_global(&self) -> bool {
        self.org.0.is_nil()
    }
}

impl std::fmt::Display for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "organization {} of user {}", self.org, self.user)
    }
}

#[cfg(test)]
mod tests;
