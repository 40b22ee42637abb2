//! Who is signed in to a tenant backend here, and with which organizations.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    OrganizationId, Problem, Secret, UserId,
    tenant::{OrganizationRole, SyncState},
};

/// How it stands with organizations: answer of `GET /org`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgState {
    /// The backend; absent as long as nobody has named one.
    #[serde(default)]
    pub backend: Option<OrgBackend>,
    /// Who is signed in to it.
    pub account: OrgAccount,
    /// Why the last sign-in came to nothing.
    #[serde(default)]
    pub failed: Option<Problem>,
    /// The user's organizations, by name.
    #[serde(default)]
    pub organizations: Vec<OrgEntry>,
    /// The one whose prompts, servers and policy hold here now; without one the user is alone.
    #[serde(default)]
    pub active: Option<OrganizationId>,
}

/// A tenant backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgBackend {
    /// Address of the project, https or on this machine.
    pub url: String,
    /// Whoever runs the engine has chosen it: it cannot be changed here.
    pub fixed: bool,
}

/// Body of `PUT /org/backend`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetOrgBackend {
    /// Address of the project, https or on this machine.
    pub url: String,
    /// Its publishable key, which opens nothing that a sign-in does not.
    pub key: String,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum OrgAccount {
    /// Nobody.
    SignedOut,
    /// Somebody is about to be, in the browser.
    SigningIn {
        /// The page to open.
        url: String,
        /// Until when it can be used.
        until: Timestamp,
    },
    /// Somebody is about to be, once they have given a second factor.
    SecondFactor {
        /// Those that they have.
        factors: Vec<OrgFactor>,
    },
    /// Somebody.
    SignedIn {
        /// Who.
        user: UserId,
        /// Their address, if they have one.
        #[serde(default)]
        email: Option<String>,
        /// They have given a second factor.
        second_factor: bool,
    },
}

/// A second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgFactor {
    /// Identifier.
    pub id: Uuid,
    /// What its user calls it.
    #[serde(default)]
    pub name: Option<String>,
    /// Its codes can be entered here; others are not supported.
    pub is_supported: bool,
}

/// An organization of the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgEntry {
    /// Identifier.
    pub id: OrganizationId,
    /// Name.
    pub name: String,
    /// What the user may do there.
    pub role: OrganizationRole,
    /// How it stands with its sync; absent while it is not synced, because nobody is signed in.
    #[serde(default)]
    pub sync: Option<SyncState>,
}

/// How somebody signs in: body of `POST /org/sign-in`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "way", rename_all = "snake_case", deny_unknown_fields)]
pub enum OrgSignIn {
    /// With a password.
    Password {
        /// Address.
        email: String,
        /// Password.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        password: Secret,
    },
    /// Asks for a code by e-mail, which [`OrgSignIn::Code`] takes.
    SendCode {
        /// Address.
        email: String,
    },
    /// With a code that came by e-mail.
    Code {
        /// Address.
        email: String,
        /// The code.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        code: Secret,
    },
    /// In the browser, at a provider such as `github`; [`OrgWays`] names those that the backend has.
    Provider {
        /// Its name.
        provider: String,
    },
    /// In the browser, by the single sign-on of a domain.
    Domain {
        /// The domain, such as `example.com`.
        domain: String,
    },
}

/// The ways to sign in that a backend has: answer of `GET /org/ways`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrgWays {
    /// By password, or by a code that is mailed.
    pub email: bool,
    /// Providers in the browser.
    pub providers: Vec<String>,
    /// The single sign-on of a domain.
    pub domain: bool,
}

/// A second factor's code: body of `POST /org/sign-in/factor`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OrgFactorCode {
    /// Which factor.
    pub factor: Uuid,
    /// Its code of the moment.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub code: Secret,
}

/// Body of `POST /org/active`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetActiveOrg {
    /// One of the user's organizations; nothing to be alone.
    #[serde(default)]
    pub organization: Option<OrganizationId>,
}

/// Body of `POST /org/organizations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewOrganization {
    /// Name, 1 to 120 characters.
    pub name: String,
}

/// Body of `POST /org/join`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct JoinOrganization {
    /// The token of the invitation, as it was sent.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub token: Secret,
}
