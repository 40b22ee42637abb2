//! What people ask an organization for, and what it asks of them, in both directions. Only the settings of one need it.

use berth_protocol::tenant::{
    NewConsentText, NewErasure, OrgAgreement, OrgConsentText, OrgConsents, OrgErasure, OrgErasures,
    OrgPerson,
};

use super::json::Json;
use super::read::{Read, Wrong, member, or_default, structs};
use super::write::{Object, Write};

structs! {
    OrgAgreement { person, at }
    OrgConsents { is_admin, texts }
    OrgErasures { is_admin, requests, people }
    OrgPerson { user, name, email, is_you }
}

impl Read for OrgErasure {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let id = json.get("id").text().and_then(|id| id.parse().ok());
        Ok(Self {
            id: id.ok_or("id")?,
            person: member(json, "person")?,
            requested_by: member(json, "requested_by")?,
            requested_at: member(json, "requested_at")?,
            performed_at: member(json, "performed_at")?,
        })
    }
}

impl Read for OrgConsentText {
    fn take(json: &Json<'_>) -> Result<Self, Wrong> {
        let id = json.get("id").text().and_then(|id| id.parse().ok());
        Ok(Self {
            id: id.ok_or("id")?,
            purpose: member(json, "purpose")?,
            version: member(json, "version")?,
            body: member(json, "body")?,
            published_at: member(json, "published_at")?,
            is_current: member(json, "is_current")?,
            waits: member(json, "waits")?,
            agreed_at: member(json, "agreed_at")?,
            agreements: or_default(json, "agreements")?,
        })
    }
}

impl Write for NewErasure {
    fn write(&self) -> String {
        let Self { user } = self;
        let user = user.map(|user| user.to_string());
        Object::new().optional("user", user.as_ref()).end()
    }
}

impl Write for NewConsentText {
    fn write(&self) -> String {
        let Self { purpose, body } = self;
        Object::new()
            .text("purpose", purpose)
            .text("body", body)
            .end()
    }
}

#[cfg(test)]
#[path = "org_requests_tests.rs"]
mod tests;
