//! The members and the invitations of an organization in words.

use berth_protocol::UserId;
use berth_protocol::tenant::{OrgMember, OrgPerson, OrganizationRole};

use crate::strings::{count, fill, org, org_settings};

/// What a member may be, by its word.
pub const ROLES: [(OrganizationRole, &str); 2] = [
    (OrganizationRole::User, "user"),
    (OrganizationRole::Admin, "admin"),
];

/// Days for which an invitation can be used.
const DAYS: std::ops::RangeInclusive<u32> = 1..=30;

/// Milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// What a member may do, for people.
pub fn role_name(role: OrganizationRole) -> &'static str {
    match role {
        OrganizationRole::Admin => org().role_admin,
        OrganizationRole::User => org().role_user,
    }
}

/// The role that a word stands for.
pub fn role_of(word: &str) -> Option<OrganizationRole> {
    let found = ROLES.iter().find(|(_, known)| *known == word);
    found.map(|(role, _)| *role)
}

/// The roles to select from: their words, and how they are shown.
pub fn roles() -> Vec<(String, String)> {
    let shown = |(role, word): (_, &str)| (word.to_owned(), role_name(role).to_owned());
    ROLES.map(shown).to_vec()
}

/// What a member is called: their name, else their address.
pub fn shown(member: &OrgMember) -> String {
    name_of(member.user, &member.name, &member.email)
}

/// What somebody is called who may have left.
pub fn called(person: &OrgPerson) -> String {
    name_of(person.user, &person.name, &person.email)
}

fn name_of(user: UserId, name: &str, email: &str) -> String {
    match (name.trim(), email.trim()) {
        ("", "") => fill(org_settings().nameless, &[&user.short()]),
        ("", email) => email.to_owned(),
        (name, _) => name.to_owned(),
    }
}

/// Their address, where they are called otherwise.
pub fn beside(member: &OrgMember) -> Option<String> {
    let is_named = !member.name.trim().is_empty() && !member.email.is_empty();
    is_named.then(|| member.email.clone())
}

/// How long an invitation can still be used. Both in milliseconds since 1970.
pub fn left(now: i64, until: i64) -> String {
    let t = org_settings();
    match until - now {
        ..=0 => t.over.to_owned(),
        left if left < DAY => t.hours.to_owned(),
        left => count((left / DAY).unsigned_abs(), t.days_one, t.days_many),
    }
}

/// The number of days that is typed; nothing when no invitation can be used that long.
pub fn days_of(typed: &str) -> Option<u32> {
    let days = typed.trim().parse().ok();
    days.filter(|days| DAYS.contains(days))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn member(name: &str, email: &str) -> OrgMember {
        let member = json!({
            "user": "01890a5d-ac96-774b-bcce-b302099a8057", "name": name, "email": email, "role": "user",
            "is_you": false,
        });
        serde_json::from_value(member).unwrap()
    }

    #[test]
    fn a_member_is_called_by_their_name_else_by_their_address() {
        for (name, email, called, besides) in [
            ("Una", "una@b.example", "Una", Some("una@b.example")),
            (" ", "una@b.example", "una@b.example", None),
            ("Una", "", "Una", None),
            ("", "", "Member 099a8057", None),
        ] {
            let member = member(name, email);
            assert_eq!(shown(&member), called);
            assert_eq!(beside(&member).as_deref(), besides);
        }
    }

    #[test]
    fn what_is_left_of_an_invitation_is_told_in_whole_days() {
        for (left_ms, told) in [
            (-1, "over"),
            (0, "over"),
            (DAY - 1, "less than a day left"),
            (DAY, "1 day left"),
            (7 * DAY - 1, "6 days left"),
        ] {
            assert_eq!(left(1_000, 1_000 + left_ms), told);
        }
    }

    #[test]
    fn an_invitation_can_be_used_for_a_day_up_to_thirty() {
        assert_eq!((days_of(" 7 "), days_of("30")), (Some(7), Some(30)));
        for wrong in ["", "0", "31", "-1", "1.5", "week"] {
            assert_eq!(days_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn each_role_has_a_word_that_leads_back_to_it() {
        for (role, word) in ROLES {
            assert_eq!(role_of(word), Some(role));
        }
        assert_eq!(role_of("owner"), None);
        assert_eq!(roles()[0].0, "user", "less is offered first");
    }
}
