//! The endpoints of an organization's audit trail by name.

use berth_protocol::OrganizationId;
use berth_protocol::tenant::{OrgTrailOrigin, OrgTrailPeople, OrgTrailVerification};
use js_sys::Date;

use crate::web::api::Api;
use crate::web::calls::encode;
use crate::web::error::ApiError;
use crate::web::files::Download;
use crate::wire::{OrgTrailEntries, read};

type Answer<T> = Result<T, ApiError>;

impl Api {
    /// Events that fit a question, `a=b&c=d`.
    pub async fn org_trail(&self, org: OrganizationId, question: &str) -> Answer<OrgTrailEntries> {
        self.get(&format!("{}?{question}", path(org))).await
    }

    pub async fn org_trail_people(&self, org: OrganizationId) -> Answer<OrgTrailPeople> {
        self.get(&format!("{}/people", path(org))).await
    }

    /// Where an event came from.
    pub async fn org_trail_origin(&self, org: OrganizationId, seq: i64) -> Answer<OrgTrailOrigin> {
        self.get(&format!("{}/{seq}/origin", path(org))).await
    }

    pub async fn verify_org_trail(&self, org: OrganizationId) -> Answer<OrgTrailVerification> {
        let answer = self.act("POST", &format!("{}/verify", path(org))).await?;
        read(&answer).map_err(|_| ApiError::Unreadable)
    }

    /// The events that fit a question, in a file.
    pub async fn export_org_trail(&self, org: OrganizationId, question: &str) -> Answer<Download> {
        Ok(Download {
            name: format!("berth-audit-{org}.ndjson"),
            content: self
                .blob(&format!("{}/export?{question}", path(org)))
                .await?,
        })
    }
}

fn path(org: OrganizationId) -> String {
    format!("/org/organizations/{org}/audit")
}

/// A part of a question, unless nothing is asked for.
pub fn asked(question: &mut String, name: &str, value: &str) {
    let value = value.trim();
    if !value.is_empty() {
        let between = if question.is_empty() { "" } else { "&" };
        question.push_str(&format!("{between}{name}={}", encode(value)));
    }
}

/// The moment at which a day begins where the user is, some days later; nothing for what is no day. The day is written
/// as a field for dates gives it: `2026-11-29`.
pub fn day_begins(day: &str, later: i32) -> Option<String> {
    let mut parts = day.split('-');
    let mut part = || parts.next()?.parse::<i32>().ok();
    let (year, month, day) = (part()?, part()?, part()?);
    let year = u32::try_from(year).ok()?;
    let date = Date::new_with_year_month_day(year, month - 1, day + later);
    (!date.get_time().is_nan()).then(|| date.to_iso_string().into())
}
