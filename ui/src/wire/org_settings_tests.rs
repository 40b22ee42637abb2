use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use super::super::read;
use super::*;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const AT: &str = "2026-11-23T19:05:01.25Z";

/// What the engine writes is read as what it meant.
fn check<T: Read + Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    let meant: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let written = serde_json::to_string(&meant).unwrap();
    assert_eq!(read::<T>(&written).as_ref(), Ok(&meant), "{written}");
}

/// What the page writes is read as what it meant.
fn check_body<T: Write + DeserializeOwned + PartialEq + Debug>(body: &T) {
    let written = body.write();
    let read: T = serde_json::from_str(&written).unwrap_or_else(|e| panic!("{written}: {e}"));
    assert_eq!(read, *body, "{written}");
}

fn says(ceiling: &str, sanitize: &str, isolation: &str, rule: &str) -> String {
    format!(
        r#"{{"allowed_agents":["claude","codex"],"autonomy_ceiling":"{ceiling}","sanitize":"{sanitize}",
            "tool_rules":[{{"server":"ä \"q\"","tool":null,"rule":"{rule}"}},{{"rule":"ask"}}],
            "isolation":"{isolation}","retention_days":90}}"#
    )
}

fn drafts() -> Vec<PolicyDraft> {
    let mut all = vec![PolicyDraft::default()];
    for (at, (_, ceiling)) in CEILINGS.iter().enumerate() {
        let (_, sanitize) = POLICIES[at % 3];
        let (_, isolation) = ISOLATIONS[at % 3];
        let rule = ["allow", "ask", "deny"][at % 3];
        let text = says(ceiling, sanitize, isolation, rule);
        all.push(serde_json::from_str(&text).unwrap());
    }
    all
}

#[test]
fn answers_are_read_as_serde_reads_them() {
    for role in ["admin", "user"] {
        check::<OrgMembers>(&format!(
            r#"{{"is_admin":true,"members":[{{"user":"{ID}","name":"Una \"q\"","email":"","role":"{role}",
                "since":"{AT}","is_you":false}},{{"user":"{ID}","name":"","email":"a@b.example","role":"user",
                "since":null,"is_you":true}}],
                "invitations":[{{"id":"{ID}","email":"a@b.example","role":"{role}","expires_at":"{AT}"}}]}}"#
        ));
    }
    check::<OrgMembers>(r#"{"is_admin":false,"members":[]}"#);
    check::<OrgInvited>(&format!(
        r#"{{"id":"{ID}","token":"0123","expires_at":"{AT}"}}"#
    ));
    for draft in drafts() {
        let policy = OrgPolicy {
            is_admin: true,
            policy: OrgPolicyState::Known {
                version: 3,
                says: draft,
            },
        };
        check::<OrgPolicy>(&serde_json::to_string(&policy).unwrap());
    }
    for state in [r#"{"is":"absent"}"#, r#"{"is":"unreadable","reason":"r"}"#] {
        check::<OrgPolicy>(&format!(r#"{{"is_admin":false,"policy":{state}}}"#));
        check::<PolicyConflict>(&format!(
            r#"{{"type":"t","title":"t","status":409,"code":"policy.conflict","detail":"d","hint":"h",
                "newest":{{"is_admin":true,"policy":{state}}}}}"#
        ));
    }
}

#[test]
fn a_policy_with_a_word_that_is_not_known_is_not_understood() {
    let policy = format!(
        r#"{{"is_admin":true,"policy":{{"is":"known","version":1,"says":{}}}}}"#,
        says("everything", "warn", "none", "ask")
    );
    assert_eq!(read::<OrgPolicy>(&policy), Err("policy"));
}

#[test]
fn bodies_are_written_as_serde_reads_them() {
    for role in [OrganizationRole::Admin, OrganizationRole::User] {
        check_body(&SetMemberRole { role });
        check_body(&NewInvitation {
            email: "ä \"q\" \\ 🦀@b.example".to_owned(),
            role,
            days: 30,
        });
    }
    for policy in drafts() {
        check_body(&policy);
        check_body(&OrgPolicyEdit { version: 7, policy });
    }
}
