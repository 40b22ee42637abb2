//! What admins ask a backend for beside its functions, and how it refuses them.

use berth_protocol::{Code, OrganizationId, Secret};
use serde_json::Value;

use super::{Remote, RemoteError};

impl RemoteError {
    /// The code of what somebody who administers an organization was refused, and the backend's words for it.
    pub fn refusal(&self) -> Option<(Code, &str)> {
        let Self::Refused { code, message, .. } = self else {
            return None;
        };
        let code = match code.as_str() {
            "org.not_admin" => Code::NotAnAdmin,
            "membership.not_found" => Code::MemberNotFound,
            "membership.last_admin" => Code::LastAdmin,
            "invitation.not_found" => Code::InvitationNotFound,
            "policy.invalid" => Code::PolicyInvalid,
            "policy.conflict" => Code::PolicyConflict,
            "erasure.not_found" => Code::ErasureNotFound,
            "erasure.self" => Code::ErasureOfOneself,
            _ => return None,
        };
        Some((code, message))
    }
}

impl Remote {
    /// The policy of an organization as the backend has it now, if the caller may read it.
    ///
    /// # Errors
    /// Any but [`RemoteError::Address`].
    pub async fn policy(
        &self,
        token: &Secret,
        org: OrganizationId,
    ) -> Result<Option<Value>, RemoteError> {
        const TABLE: &str = "policies";
        let mut url = self.url(TABLE, TABLE)?;
        let fields = "id,allowed_agents,autonomy_ceiling,sanitize,tool_rules,isolation,retention_days,version";
        url.query_pairs_mut()
            .append_pair("select", fields)
            .append_pair("org_id", &format!("eq.{org}"))
            .append_pair("limit", "1");
        let request = self.http.get(url);
        let rows: Vec<Value> = self.answer(TABLE, token, request).await?;
        Ok(rows.into_iter().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> RemoteError {
        RemoteError::Refused {
            function: "change_role",
            status: 409,
            code: code.to_owned(),
            message: "an organization keeps at least one admin".to_owned(),
            pause: None,
        }
    }

    #[test]
    fn a_refusal_of_an_admin_has_a_code_of_its_own_and_keeps_the_words_of_the_backend() {
        let error = refused("membership.last_admin");
        let words = "an organization keeps at least one admin";
        assert_eq!(error.refusal(), Some((Code::LastAdmin, words)));
        assert_eq!(error.code(), Code::LastAdmin);
        let other = refused("42501");
        assert_eq!((other.refusal(), other.code()), (None, Code::TenantRefused));
    }
}
