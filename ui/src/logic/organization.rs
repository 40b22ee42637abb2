//! How it stands with organizations: what the page is about, and the sync of one in words.

use berth_protocol::tenant::{OrgAccount, OrgFactor, OrgState, SyncState, SyncStatus};
use berth_protocol::{OrganizationId, Timestamp};

use crate::logic::status::Tone;
use crate::strings::{count, fill, org};

/// Longest name of an organization, in characters.
pub const LONGEST_NAME: usize = 120;

/// What the page is about now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Face {
    /// Nobody has named a backend.
    NoBackend,
    /// Nobody is signed in.
    SignedOut,
    /// The browser is waited for.
    Browser {
        /// The page to open.
        url: String,
        /// Until when it can be used.
        until: Timestamp,
    },
    /// A second factor is asked for.
    Factor(Vec<OrgFactor>),
    /// Somebody is signed in.
    SignedIn,
}

/// What the page is about now.
pub fn face(state: &OrgState) -> Face {
    match &state.account {
        _ if state.backend.is_none() => Face::NoBackend,
        OrgAccount::SignedOut => Face::SignedOut,
        OrgAccount::SigningIn { url, until } => Face::Browser {
            url: url.clone(),
            until: *until,
        },
        OrgAccount::SecondFactor { factors } => Face::Factor(factors.clone()),
        OrgAccount::SignedIn { .. } => Face::SignedIn,
    }
}

/// How the sync of an organization stands, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its colour and shape.
    pub tone: Tone,
    /// The word.
    pub word: &'static str,
    /// The same for programs.
    pub name: &'static str,
}

/// How it stands in a word.
pub fn standing(sync: Option<&SyncState>) -> Standing {
    let t = org();
    let (tone, word, name) = match sync.map(|sync| &sync.status) {
        None => (Tone::Ended, t.sync_unknown, "unknown"),
        Some(SyncStatus::Starting) => (Tone::Running, t.sync_starting, "starting"),
        Some(SyncStatus::Fresh) => (Tone::Waiting, t.sync_fresh, "fresh"),
        Some(SyncStatus::Stale { .. }) => (Tone::Attention, t.sync_stale, "stale"),
        Some(SyncStatus::Offline { .. }) => (Tone::Ended, t.sync_offline, "offline"),
        Some(SyncStatus::SignedOut) => (Tone::Attention, t.sync_signed_out, "signed-out"),
        Some(SyncStatus::Schema { backend, known }) => match is_newer(*backend, *known) {
            true => (Tone::Failed, t.sync_newer, "schema-newer"),
            false => (Tone::Failed, t.sync_older, "schema-older"),
        },
        Some(SyncStatus::Wiped { .. }) => (Tone::Failed, t.sync_wiped, "wiped"),
    };
    Standing { tone, word, name }
}

fn is_newer(backend: Option<u32>, known: u32) -> bool {
    backend.is_some_and(|backend| backend > known)
}

/// What follows from how it stands.
pub fn told(sync: Option<&SyncState>) -> String {
    let t = org();
    let Some(sync) = sync else {
        return t.sync_unknown_text.to_owned();
    };
    match &sync.status {
        SyncStatus::Starting => t.sync_starting_text.to_owned(),
        SyncStatus::Fresh => t.sync_fresh_text.to_owned(),
        SyncStatus::Stale { detail, .. } => fill(t.sync_stale_text, &[detail]),
        SyncStatus::Offline { .. } => t.sync_offline_text.to_owned(),
        SyncStatus::SignedOut => t.sync_signed_out_text.to_owned(),
        SyncStatus::Schema {
            backend: None,
            known,
        } => fill(t.sync_oldest_text, &[&known.to_string()]),
        SyncStatus::Schema {
            backend: Some(backend),
            known,
        } => {
            let text = match is_newer(Some(*backend), *known) {
                true => t.sync_newer_text,
                false => t.sync_older_text,
            };
            fill(text, &[&backend.to_string(), &known.to_string()])
        }
        SyncStatus::Wiped { unsent: 0 } => t.sync_wiped_text.to_owned(),
        SyncStatus::Wiped { unsent } => {
            let unsent = count(*unsent, t.sync_wiped_one, t.sync_wiped_many);
            format!("{} {unsent}", t.sync_wiped_text)
        }
    }
}

/// Since when it is not what the backend has.
pub fn since(sync: &SyncState) -> Option<Timestamp> {
    match &sync.status {
        SyncStatus::Stale { since, .. } | SyncStatus::Offline { since } => Some(*since),
        _ => None,
    }
}

/// When it last was; nothing once it is gone.
pub fn fresh_at(sync: &SyncState) -> Option<Timestamp> {
    match sync.status {
        SyncStatus::Wiped { .. } => None,
        _ => sync.fresh_at,
    }
}

/// What has not arrived, in words.
pub fn counts(sync: &SyncState) -> Vec<String> {
    let t = org();
    let refused = |number, one, many, code: &Option<String>| {
        let words = count(number, one, many);
        match code {
            Some(code) => fill(t.refused_why, &[&words, code]),
            None => words,
        }
    };
    let told = &sync.told;
    [
        (
            sync.waiting,
            count(sync.waiting, t.waiting_one, t.waiting_many),
        ),
        (
            sync.conflicts,
            count(sync.conflicts, t.conflict_one, t.conflict_many),
        ),
        (
            sync.parked,
            refused(
                sync.parked,
                t.refused_one,
                t.refused_many,
                &sync.parked_code,
            ),
        ),
        (told.waiting, count(told.waiting, t.told_one, t.told_many)),
        (
            told.refused,
            refused(
                told.refused,
                t.told_refused_one,
                t.told_refused_many,
                &told.refused_code,
            ),
        ),
        (
            sync.audit_waiting,
            count(sync.audit_waiting, t.audit_one, t.audit_many),
        ),
        (
            sync.audit_refused,
            count(
                sync.audit_refused,
                t.audit_refused_one,
                t.audit_refused_many,
            ),
        ),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(_, words)| words)
    .collect()
}

/// The sign of the active organization: its name, and how it stands. What somebody must do something about stands
/// before what goes by itself.
pub fn sign(state: &OrgState) -> Option<(OrganizationId, String, Standing)> {
    let active = state.active?;
    let entry = state.organizations.iter().find(|it| it.id == active)?;
    let sync = entry.sync.as_ref();
    let asks = sync.is_some_and(|sync| sync.conflicts + sync.parked + sync.told.refused > 0);
    let standing = match standing(sync) {
        well if asks && matches!(well.tone, Tone::Waiting | Tone::Running) => Standing {
            tone: Tone::Attention,
            word: org().needs_you,
            name: "needs-you",
        },
        other => other,
    };
    Some((active, entry.name.clone(), standing))
}

/// How long is left until a moment, in minutes and seconds; nothing once it is over. Both in milliseconds since 1970.
pub fn left(now: i64, until: i64) -> Option<String> {
    // A second that has begun counts.
    let seconds = (until - now + 999) / 1_000;
    let (minutes, rest) = (seconds / 60, seconds % 60);
    let tens = if rest < 10 { "0" } else { "" };
    (seconds > 0).then(|| format!("{minutes}:{tens}{rest}"))
}

/// A code as it is sent: people type it in groups.
pub fn code_of(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace()).collect()
}

/// It may be an e-mail address.
pub fn is_email(typed: &str) -> bool {
    let parts = typed.trim().split_once('@');
    parts.is_some_and(|(user, domain)| {
        !user.is_empty() && !domain.is_empty() && !domain.contains('@')
    })
}

/// The name of a provider as it writes itself.
pub fn provider_name(word: &str) -> String {
    const KNOWN: [(&str, &str); 8] = [
        ("azure", "Microsoft"),
        ("bitbucket", "Bitbucket"),
        ("github", "GitHub"),
        ("gitlab", "GitLab"),
        ("google", "Google"),
        ("keycloak", "Keycloak"),
        ("linkedin_oidc", "LinkedIn"),
        ("slack_oidc", "Slack"),
    ];
    let known = KNOWN.iter().find(|(known, _)| *known == word);
    known.map_or(word, |(_, name)| name).to_owned()
}

/// The factors that can be entered here, by identifier and name, and the names of those that cannot.
pub fn factors(all: &[OrgFactor]) -> (Vec<(String, String)>, Vec<String>) {
    let (mut usable, mut others) = (Vec::new(), Vec::new());
    for (at, factor) in all.iter().enumerate() {
        let nameless = || fill(org().factor_nameless, &[&(at + 1).to_string()]);
        let name = factor.name.clone().unwrap_or_else(nameless);
        match factor.is_supported {
            true => usable.push((factor.id.to_string(), name)),
            false => others.push(name),
        }
    }
    (usable, others)
}

#[cfg(test)]
#[path = "organization_tests.rs"]
mod tests;
