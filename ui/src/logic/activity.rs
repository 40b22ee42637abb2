//! What happened in a session, in words for people.

use crate::strings::{audit, fill};
use crate::wire::AuditEntry;

/// The words for an event. What this version does not know is called by its name in the trail.
pub fn words(entry: &AuditEntry) -> String {
    let t = audit();
    let says = |wanted: &str, what: &str| {
        let mut details = entry.details.iter();
        details.any(|(name, fact)| name == wanted && fact == what)
    };
    if let Some(words) = called(entry) {
        return words;
    }
    let words = match entry.action.as_str() {
        "agent.defined" => t.did_describe_agent,
        "agent.forgotten" => t.did_remove_agent,
        "agent.redefined" => t.did_change_agent,
        "agent.secret_removed" => t.did_remove_secret,
        "agent.secret_set" => t.did_set_secret,
        "approval.answered" => t.did_answer,
        "approval.failed" => t.did_not_answer,
        "mcp.accepted" => t.did_accept_mcp,
        "mcp.allowed" => t.did_allow_mcp_tool,
        "mcp.called" if says("by", "user") => t.did_call_mcp,
        "mcp.called" => t.did_call_mcp_tool,
        "mcp.calling" => t.did_call_mcp_tool,
        "mcp.changed" => t.did_change_mcp,
        "mcp.cleared" => t.did_clear_mcp,
        "mcp.consented" => t.did_agree_mcp,
        "mcp.created" => t.did_add_mcp,
        "mcp.deleted" => t.did_remove_mcp,
        "mcp.read" => t.did_read_mcp,
        "mcp.sampled" => t.did_sample_mcp,
        "mcp.quarantined" => t.did_quarantine_mcp,
        "mcp.secret_removed" => t.did_remove_secret,
        "mcp.secret_set" => t.did_set_secret,
        "mcp.signed_in" => t.did_sign_in_mcp,
        "mcp.signed_out" => t.did_sign_out_mcp,
        "message.added" if says("role", "agent") => t.did_reply,
        "message.added" => t.did_send,
        "message.delivered" => t.did_deliver,
        "message.lost" => t.did_lose_messages,
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
        "session.uploaded" => t.did_upload,
        other => other,
    };
    words.to_owned()
}

/// What became of a call of an agent, by the name of the tool.
fn called(entry: &AuditEntry) -> Option<String> {
    let t = audit();
    let fact = |wanted: &str| {
        let mut details = entry.details.iter();
        let found = details.find(|(name, _)| name == wanted);
        found.map(|(_, fact)| fact.as_str())
    };
    if fact("by") != Some("agent") {
        return None;
    }
    if entry.action == "mcp.calling" {
        return Some(fill(t.tool_lasts, &[fact("tool")?]));
    }
    if entry.action != "mcp.called" {
        return None;
    }
    let words = match fact("outcome")? {
        "answered" => t.tool_answered,
        "failed" => t.tool_reported_failure,
        "refused" => t.tool_refused,
        "lost" => t.tool_lost,
        "cancelled" => t.tool_cancelled,
        _ => return None,
    };
    let took = fact("took_ms").unwrap_or_default();
    Some(fill(words, &[fact("tool")?, took]))
}

#[cfg(test)]
mod tests {
    use berth_protocol::Timestamp;

    use super::*;

    fn said(action: &str, role: &str) -> String {
        told(action, "role", role)
    }

    fn told(action: &str, name: &str, fact: &str) -> String {
        words(&AuditEntry {
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            action: action.to_owned(),
            subject_kind: "message".to_owned(),
            subject_id: String::new(),
            session_id: None,
            details: vec![(name.to_owned(), fact.to_owned())],
            hash: String::new(),
        })
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
        for action in [
            "mcp.accepted",
            "mcp.allowed",
            "mcp.cleared",
            "mcp.quarantined",
            "mcp.signed_in",
            "mcp.signed_out",
            "session.mcp_given",
        ] {
            assert_ne!(told(action, "", ""), action, "it has words");
        }
    }
    #[test]
    fn a_call_of_an_agent_is_told_with_its_tool_and_what_became_of_it() {
        let told_of = |action: &str, outcome: &str| {
            let facts = [("by", "agent"), ("outcome", outcome), ("took_ms", "12")];
            let mut details: Vec<_> = facts
                .map(|(name, fact)| (name.to_owned(), fact.to_owned()))
                .into();
            details.push(("tool".to_owned(), "echo".to_owned()));
            words(&AuditEntry {
                seq: 1,
                at: Timestamp::UNIX_EPOCH,
                action: action.to_owned(),
                subject_kind: "mcp".to_owned(),
                subject_id: String::new(),
                session_id: None,
                details,
                hash: String::new(),
            })
        };
        let told = |outcome: &str| told_of("mcp.called", outcome);
        assert_eq!(told("answered"), "Tool echo answered in 12 ms");
        assert_eq!(told("refused"), "Tool echo refused");
        assert_eq!(told("eaten"), "MCP tool called");
        assert_eq!(
            told_of("mcp.calling", "answered"),
            "Tool echo is still running"
        );
    }
}
