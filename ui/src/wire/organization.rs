//! Organizations, in both directions. Only their page and their sign need them, so they stand apart.

use berth_protocol::tenant::{
    DriftAbout, JoinOrganization, NewOrganization, OrgAccount, OrgBackend, OrgEntry, OrgFactor,
    OrgFactorCode, OrgSignIn, OrgState, OrgWays, OrganizationRole, SetActiveOrg, SetOrgBackend,
    SyncState, SyncStatus, ToldCounts,
};
use berth_protocol::{OrganizationId, UserId};

use super::json::Json;
use super::read::{Read, Wrong, member, or_default, parsed, structs, words};
use super::write::{Object, Write};

/// An organization is active, as an answer of the engine says. At start nothing more is read of it.
pub fn has_active(answer: &str) -> bool {
    Json::parse(answer).is_some_and(|org| org.get("active").text().is_some())
}

/// Which organization is active, as an answer of the engine says: empty while none is, nothing where it does not tell.
pub fn active(answer: &str) -> Option<String> {
    let org = Json::parse(answer)?;
    Some(org.get("active").text().unwrap_or_default().to_owned())
}

/// In what this machine differs from what an organization wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differences {
    /// The organization.
    pub organization: OrganizationId,
    /// The differences.
    pub findings: Vec<Difference>,
}

/// A difference, in the words of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The word for what it is.
    pub kind: String,
    /// What it is about.
    pub about: DriftAbout,
    /// The name of that.
    pub name: String,
    /// What differs.
    pub detail: String,
    /// What to do.
    pub hint: String,
}

parsed!(OrganizationId, UserId);

words! {
    OrganizationRole { Admin = "admin", User = "user" }
}

structs! {
    Difference { kind, about, name, detail, hint }
    Differences { organization, findings }
    OrgBackend { url, fixed }
    OrgEntry { id, name, role, sync }
    OrgWays { email, providers, domain }
    SyncState {
        status, fresh_at, waiting, conflicts, parked, parked_code, told, audit_waiting, audit_refused, rounds,
        listening,
    }
    ToldCounts { waiting, refused, refused_code }
}

impl Read for DriftAbout {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(match json.get("is").text().unwrap_or_default() {
            "organization" => Self::Organization,
            "prompt" => Self::Prompt {
                id: member(json, "id")?,
            },
            "server" => Self::Server {
                id: member(json, "id")?,
            },
            "servers" => Self::Servers,
            "session" => Self::Session {
                id: member(json, "id")?,
            },
            _ => return Err("is"),
        })
    }
}

impl Read for OrgState {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(Self {
            backend: member(json, "backend")?,
            account: member(json, "account")?,
            failed: member(json, "failed")?,
            organizations: or_default(json, "organizations")?,
            active: member(json, "active")?,
        })
    }
}

impl Read for OrgAccount {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(match json.get("is").text().unwrap_or_default() {
            "signed_out" => Self::SignedOut,
            "signing_in" => Self::SigningIn {
                url: member(json, "url")?,
                until: member(json, "until")?,
            },
            "second_factor" => Self::SecondFactor {
                factors: member(json, "factors")?,
            },
            "signed_in" => Self::SignedIn {
                user: member(json, "user")?,
                email: member(json, "email")?,
                second_factor: member(json, "second_factor")?,
            },
            _ => return Err("is"),
        })
    }
}

impl Read for OrgFactor {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let id = json.get("id").text().and_then(|id| id.parse().ok());
        Ok(Self {
            id: id.ok_or("id")?,
            name: member(json, "name")?,
            is_supported: member(json, "is_supported")?,
        })
    }
}

impl Read for SyncStatus {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        Ok(match json.get("is").text().unwrap_or_default() {
            "starting" => Self::Starting,
            "fresh" => Self::Fresh,
            "stale" => Self::Stale {
                since: member(json, "since")?,
                code: member(json, "code")?,
                detail: member(json, "detail")?,
            },
            "offline" => Self::Offline {
                since: member(json, "since")?,
            },
            "signed_out" => Self::SignedOut,
            "schema" => Self::Schema {
                backend: member(json, "backend")?,
                known: member(json, "known")?,
            },
            "wiped" => Self::Wiped {
                unsent: member(json, "unsent")?,
            },
            _ => return Err("is"),
        })
    }
}

impl Write for SetOrgBackend {
    fn write(&self) -> String {
        let Self { url, key } = self;
        Object::new().text("url", url).text("key", key).end()
    }
}

impl Write for OrgSignIn {
    fn write(&self) -> String {
        let way = |way| Object::new().text("way", way);
        match self {
            Self::Password { email, password } => way("password")
                .text("email", email)
                .text("password", password.expose()),
            Self::SendCode { email } => way("send_code").text("email", email),
            Self::Code { email, code } => {
                way("code").text("email", email).text("code", code.expose())
            }
            Self::Provider { provider } => way("provider").text("provider", provider),
            Self::Domain { domain } => way("domain").text("domain", domain),
        }
        .end()
    }
}

impl Write for OrgFactorCode {
    fn write(&self) -> String {
        let Self { factor, code } = self;
        Object::new()
            .text("factor", &factor.to_string())
            .text("code", code.expose())
            .end()
    }
}

impl Write for SetActiveOrg {
    fn write(&self) -> String {
        let Self { organization } = self;
        let organization = organization.map(|id| id.to_string());
        Object::new()
            .optional("organization", organization.as_ref())
            .end()
    }
}

impl Write for NewOrganization {
    fn write(&self) -> String {
        let Self { name } = self;
        Object::new().text("name", name).end()
    }
}

impl Write for JoinOrganization {
    fn write(&self) -> String {
        let Self { token } = self;
        Object::new().text("token", token.expose()).end()
    }
}

#[cfg(test)]
#[path = "organization_tests.rs"]
mod tests;
