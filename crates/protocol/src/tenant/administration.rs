//! What admins do with an organization: who belongs to it, who may come, and what binds its sessions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Autonomy, Isolation, OrganizationRole, Policy, PolicyState, PolicyToolRule};
use crate::{AgentId, Problem, SanitizePolicy, UserId};

/// Who belongs to an organization and who may come, as this machine last heard: answer of
/// `GET /org/organizations/{id}/members`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgMembers {
    /// Whoever is signed in may change it.
    pub is_admin: bool,
    /// The members, by name.
    pub members: Vec<OrgMember>,
    /// Invitations that nobody has used, the newest first, also those that are over. Only admins see them.
    #[serde(default)]
    pub invitations: Vec<OrgInvitation>,
}

/// A member of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgMember {
    /// Who.
    pub user: UserId,
    /// Their name; empty when they have said none.
    pub name: String,
    /// Their address; empty when it is not known.
    pub email: String,
    /// What they may do.
    pub role: OrganizationRole,
    /// When they came.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// It is whoever is signed in.
    pub is_you: bool,
}

/// An invitation that nobody has used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgInvitation {
    /// Identifier.
    pub id: Uuid,
    /// The only address that it lets in.
    pub email: String,
    /// What they will be.
    pub role: OrganizationRole,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// Body of `PUT /org/organizations/{id}/members/{user}/role`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetMemberRole {
    /// What the member may do from now on.
    pub role: OrganizationRole,
}

/// Body of `POST /org/organizations/{id}/invitations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// The only address that it lets in, at most 254 bytes.
    pub email: String,
    /// What they will be.
    pub role: OrganizationRole,
    /// How long it can be used, 1 to 30 days.
    #[serde(default = "week")]
    pub days: u32,
}

/// An invitation that was made. Its token is told here, once: it is kept nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgInvited {
    /// Identifier.
    pub id: Uuid,
    /// What whoever was invited joins with.
    pub token: String,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// The token lets somebody in, so it is not printed.
impl std::fmt::Debug for OrgInvited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OrgInvited")
            .field("id", &self.id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What binds the sessions of an organization's users, as this machine last heard: answer of
/// `GET /org/organizations/{id}/policy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgPolicy {
    /// Whoever is signed in may change it.
    pub is_admin: bool,
    /// The policy.
    pub policy: OrgPolicyState,
}

/// What is known of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum OrgPolicyState {
    /// It has not come to this machine yet. Until it has, nothing begins.
    Absent,
    /// It binds.
    Known {
        /// 1 at first, one more with each change.
        version: u32,
        /// What it says.
        says: PolicyDraft,
    },
    /// This version of Berth cannot read it. Nothing begins under it.
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
}

/// What a policy says. What is absent binds nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
// A word that is not known must not be taken for one that binds nothing.
#[serde(deny_unknown_fields)]
pub struct PolicyDraft {
    /// Agents that may be started, at most 200; all of them when absent.
    #[serde(default)]
    pub allowed_agents: Option<Vec<AgentId>>,
    /// The most that an agent may do without asking.
    #[serde(default)]
    pub autonomy_ceiling: Option<Autonomy>,
    /// What becomes of prompts with suspicious words.
    #[serde(default)]
    pub sanitize: Option<SanitizePolicy>,
    /// What happens when an agent calls a tool: the first rule that fits holds. At most 200, in at most 60 KiB.
    #[serde(default)]
    pub tool_rules: Vec<PolicyToolRule>,
    /// The least that must stand between agents and the machine.
    #[serde(default)]
    pub isolation: Option<Isolation>,
    /// How long the backend keeps audit events, 30 to 3,660 days; as long as before when absent.
    #[serde(default)]
    pub retention_days: Option<u32>,
}

/// Body of `PUT /org/organizations/{id}/policy`: replaces the whole policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OrgPolicyEdit {
    /// The version that was looked at.
    pub version: u32,
    /// What it says from now on.
    pub policy: PolicyDraft,
}

/// A policy that came too late: the problem `policy.conflict`, and what binds instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyConflict {
    /// The problem.
    #[serde(flatten)]
    pub problem: Problem,
    /// The policy as the backend has it now.
    pub newest: OrgPolicy,
}

impl From<&Policy> for PolicyDraft {
    fn from(policy: &Policy) -> Self {
        Self {
            allowed_agents: policy.allowed_agents.clone(),
            autonomy_ceiling: policy.autonomy_ceiling,
            sanitize: policy.sanitize,
            tool_rules: policy.tool_rules.clone(),
            isolation: policy.isolation,
            retention_days: policy.retention_days,
        }
    }
}

impl From<&PolicyState> for OrgPolicyState {
    fn from(state: &PolicyState) -> Self {
        match state {
            PolicyState::Absent => Self::Absent,
            PolicyState::Known(policy) => Self::Known {
                version: policy.version,
                says: PolicyDraft::from(&**policy),
            },
            PolicyState::Unreadable { reason } => Self::Unreadable {
                reason: reason.clone(),
            },
        }
    }
}

fn week() -> u32 {
    7
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn a_conflict_is_a_problem_with_the_newest_policy_beside_it() {
        let conflict = PolicyConflict {
            problem: Problem::new(Code::PolicyConflict, "it was changed"),
            newest: OrgPolicy {
                is_admin: true,
                policy: OrgPolicyState::Known {
                    version: 3,
                    says: PolicyDraft::default(),
                },
            },
        };
        let written = serde_json::to_value(&conflict).unwrap();
        assert_eq!(written["code"], "policy.conflict");
        assert_eq!(written["newest"]["policy"]["version"], 3);
        let problem: Problem = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(problem, conflict.problem);
        let read: PolicyConflict = serde_json::from_value(written).unwrap();
        assert_eq!(read, conflict);
    }

    #[test]
    fn a_draft_with_a_word_that_is_not_known_is_none() {
        for wrong in [
            r#"{"autonomy": "ask"}"#,
            r#"{"tool_rules": [{"rule": "deny", "when": "late"}]}"#,
        ] {
            assert!(
                serde_json::from_str::<PolicyDraft>(wrong).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_lets_somebody_in_is_not_printed() {
        let invited = OrgInvited {
            id: Uuid::nil(),
            token: "open sesame".to_owned(),
            expires_at: Timestamp::UNIX_EPOCH,
        };
        assert!(!format!("{invited:?}").contains("sesame"));
    }
}
