//! What happened in a session, in words for people.

use crate::strings::Strings;
use crate::wire::AuditEntry;

/// The words for an event. What this version does not know is called by its name in the trail.
pub fn words(t: &'static Strings, entry: &AuditEntry) -> String {
    let says = |wanted: &str, what: &str| {
        let mut details = entry.details.iter();
        details.any(|(name, fact)| name == wanted && fact == what)
    };
    let words = match entry.action.as_str() {
        "agent.defined" => t.did_describe_agent,
        "agent.forgotten" => t.did_remove_agent,
        "agent.redefined" => t.did_change_agent,
        "agent.secret_removed" => t.did_remove_secret,
        "agent.secret_set" => t.did_set_secret,
        "approval.answered" => t.did_answer,
        "approval.failed" => t.did_not_answer,
        "mcp.accepted" => t.did_accept_mcp,
        "mcp.called" if says("by", "user") => t.did_call_mcp,
        "mcp.called" => t.did_call_mcp_tool,
        "mcp.changed" => t.did_change_mcp,
        "mcp.consented" => t.did_agree_mcp,
        "mcp.created" => t.did_add_mcp,
        "mcp.deleted" => t.did_remove_mcp,
        "mcp.quarantined" => t.did_quarantine_mcp,
        "mcp.secret_removed" => t.did_remove_secret,
        "mcp.secret_set" => t.did_set_secret,
        "message.added" if says("role", "agent") => t.did_reply,
        "message.added" => t.did_send,
        "message.delivered" => t.did_deliver,
        "policy.changed" => t.did_change_policy,
        "prompt.changed" => t.did_change_prompt,
        "prompt.created" => t.did_add_prompt,
        "prompt.deleted" => t.did_remove_prompt,
        "prompt.moved" => t.did_move_prompt,
        "recording.stopped" => t.did_stop_recording,
        "router.changed" => t.did_change_router,
        "router.created" => t.did_add_router,
        "router.deleted" => t.did_remove_router,
        "router.failed" => t.did_fail_router,
        "router.key_removed" => t.did_remove_key,
        "router.key_set" => t.did_set_key,
        "router.restarted" => t.did_restart_router,
        "screen.known" => t.did_know_screen,
        "screen.unknown" => t.did_not_know_screen,
        "session.archived" => t.did_archive,
        "session.created" => t.did_create,
        "session.ended" => t.did_end,
        "session.interrupted" => t.did_interrupt,
        "session.mcp_given" => t.did_give_mcp,
        "session.renamed" => t.did_rename,
        "session.not_resumed" => t.did_not_resume,
        "session.restarted" => t.did_restart,
        "session.restored" => t.did_restore,
        "session.routed" => t.did_route,
        "session.spawned" => t.did_spawn,
        other => other,
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use berth_protocol::Timestamp;

    use super::*;
    use crate::strings::ENGLISH;

    fn said(action: &str, role: &str) -> String {
        told(action, "role", role)
    }

    fn told(action: &str, name: &str, fact: &str) -> String {
        words(
            &ENGLISH,
            &AuditEntry {
                seq: 1,
                at: Timestamp::UNIX_EPOCH,
                action: action.to_owned(),
                subject_kind: "message".to_owned(),
                subject_id: String::new(),
                session_id: None,
                details: vec![(name.to_owned(), fact.to_owned())],
                hash: String::new(),
            },
        )
    }

    #[test]
    fn a_message_is_told_from_a_reply_and_an_unknown_event_by_its_name() {
        assert_eq!(said("message.added", "user"), "Message sent");
        assert_eq!(said("message.added", "agent"), "Reply");
        assert_eq!(said("agent.secret_set", ""), "Secret stored");
        assert_eq!(said("session.cloned", ""), "session.cloned");
    }

    #[test]
    fn a_tool_is_called_by_hand_only_where_a_user_called_it() {
        let called = |by: &str| told("mcp.called", "by", by);
        assert_eq!(called("user"), "MCP tool called by hand");
        assert_eq!(called("agent"), "MCP tool called");
        assert_eq!(
            told("mcp.called", "tool", "user"),
            "MCP tool called",
            "who it was is not told"
        );
        for action in ["mcp.accepted", "mcp.quarantined", "session.mcp_given"] {
            assert_ne!(told(action, "", ""), action, "it has words");
        }
    }
}
