//! Every text that the UI shows, in one place and by name, so that it can be translated.

mod agent_editor;
mod attach;
mod audit;
mod dialogs;
mod english;
mod form_parts;
mod mcp_servers;
mod org_changes;
mod org_prompts;
mod org_requests;
mod org_sessions;
mod org_settings;
mod org_trail;
mod organization;
mod pages;
mod place;
mod prompt_pages;
mod router_editor;
mod session_tabs;

/// Makes the texts of a language: their type, and its value in English.
macro_rules! strings {
    ($(#[$doc:meta])* $type:ident, $english:ident; $($name:ident: $text:literal,)*) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $type {
            $(#[doc = concat!("In English: ", $text)] pub $name: &'static str,)*
        }

        /// English.
        pub const $english: $type = $type { $($name: $text,)* };
    };
}
use strings;

pub use agent_editor::{AGENT_EDITOR_ENGLISH, AgentEditorStrings};
pub use attach::{ATTACH_ENGLISH, AttachStrings};
pub use audit::{AUDIT_ENGLISH, AuditStrings};
pub use dialogs::{DIALOG_ENGLISH, DialogStrings};
pub use english::{ENGLISH, Strings};
pub use form_parts::{FORM_PART_ENGLISH, FormPartStrings};
pub use mcp_servers::{MCP_ENGLISH, McpStrings};
pub use org_changes::{ORG_CHANGE_ENGLISH, OrgChangeStrings};
pub use org_prompts::{ORG_PROMPT_ENGLISH, OrgPromptStrings};
pub use org_requests::{ORG_REQUEST_ENGLISH, OrgRequestStrings};
pub use org_sessions::{ORG_SESSION_ENGLISH, OrgSessionStrings};
pub use org_settings::{ORG_SETTINGS_ENGLISH, OrgSettingsStrings};
pub use org_trail::{ORG_TRAIL_ENGLISH, OrgTrailStrings};
pub use organization::{ORG_ENGLISH, OrgStrings};
pub use pages::{PAGE_ENGLISH, PageStrings};
pub use place::{PLACE_ENGLISH, PlaceStrings};
pub use prompt_pages::{PROMPT_PAGE_ENGLISH, PromptPageStrings};
pub use router_editor::{ROUTER_EDITOR_ENGLISH, RouterEditorStrings};
pub use session_tabs::{SESSION_TAB_ENGLISH, SessionTabStrings};

/// The texts of the current language. There is one so far.
pub fn t() -> &'static Strings {
    &ENGLISH
}

/// The texts of the editor of agents, apart for the same reason as those of [`org`].
pub fn agent_editor() -> &'static AgentEditorStrings {
    &AGENT_EDITOR_ENGLISH
}

/// The texts about files that a session is handed, apart for the same reason as those of [`org`].
pub fn attach() -> &'static AttachStrings {
    &ATTACH_ENGLISH
}

/// The texts of the audit page and of a session's activity, apart for the same reason as those of [`org`].
pub fn audit() -> &'static AuditStrings {
    &AUDIT_ENGLISH
}

/// The texts of the palette and of dialogs without a form of their own, apart for the same reason as those of [`org`].
pub fn dialogs() -> &'static DialogStrings {
    &DIALOG_ENGLISH
}

/// The texts that several forms share.
pub fn form_parts() -> &'static FormPartStrings {
    &FORM_PART_ENGLISH
}

/// The texts of MCP servers, apart for the same reason as those of [`org`].
pub fn mcp() -> &'static McpStrings {
    &MCP_ENGLISH
}

/// The texts of the organization page. They stand apart, so that they are loaded only with what shows them.
pub fn org() -> &'static OrgStrings {
    &ORG_ENGLISH
}

/// The texts about changes of what an organization shares, for the organization page.
pub fn org_changes() -> &'static OrgChangeStrings {
    &ORG_CHANGE_ENGLISH
}

/// The texts about prompts of an organization, for the pages of prompts.
pub fn org_prompts() -> &'static OrgPromptStrings {
    &ORG_PROMPT_ENGLISH
}

/// The texts of what people ask an organization for, and of what it asks them, beside those of its settings.
pub fn org_requests() -> &'static OrgRequestStrings {
    &ORG_REQUEST_ENGLISH
}

/// The texts of the sessions of an organization, beside those of its settings.
pub fn org_sessions() -> &'static OrgSessionStrings {
    &ORG_SESSION_ENGLISH
}

/// The texts of an organization's settings, which stand beside those of [`org`].
pub fn org_settings() -> &'static OrgSettingsStrings {
    &ORG_SETTINGS_ENGLISH
}

/// The texts of an organization's audit trail, apart for the same reason.
pub fn org_trail() -> &'static OrgTrailStrings {
    &ORG_TRAIL_ENGLISH
}

/// The texts of the pages of projects and of settings, apart for the same reason as those of [`org`].
pub fn pages() -> &'static PageStrings {
    &PAGE_ENGLISH
}

/// How texts name the place of secrets.
pub fn place() -> &'static PlaceStrings {
    &PLACE_ENGLISH
}

/// The texts of the pages and dialogs of prompts, apart for the same reason as those of [`org`].
pub fn prompt_pages() -> &'static PromptPageStrings {
    &PROMPT_PAGE_ENGLISH
}

/// The texts of the editor of routers, apart for the same reason as those of [`org`].
pub fn router_editor() -> &'static RouterEditorStrings {
    &ROUTER_EDITOR_ENGLISH
}

/// The texts of a session's terminal and changes, apart for the same reason as those of [`org`].
pub fn session_tabs() -> &'static SessionTabStrings {
    &SESSION_TAB_ENGLISH
}

/// Puts the values in the places of `{}`, in order. A place without a value stays as it is.
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut parts = text.split("{}");
    filled.push_str(parts.next().unwrap_or_default());
    for (at, part) in parts.enumerate() {
        filled.push_str(values.get(at).copied().unwrap_or("{}"));
        filled.push_str(part);
    }
    filled
}

/// Chooses between one and many, and puts the number in the place of `{}`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    fill(if number == 1 { one } else { many }, &[&number.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_their_places() {
        assert_eq!(fill("{} of {}", &["1", "2"]), "1 of 2");
        assert_eq!(fill("{} of {}", &["1"]), "1 of {}");
        assert_eq!(count(1, "{} file", "{} files"), "1 file");
        assert_eq!(count(3, "{} file", "{} files"), "3 files");
    }
}
