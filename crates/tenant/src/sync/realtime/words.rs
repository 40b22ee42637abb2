//! The messages of Realtime: JSON of version 1.0.0 of the protocol of Phoenix channels. What is not understood, or is
//! about something else, says nothing.

use berth_protocol::{OrganizationId, Secret};
use serde::Deserialize;
use serde_json::{Value, json};

/// The version of the protocol.
pub(super) const VERSION: &str = "1.0.0";

/// The topic of the connection itself.
const CONNECTION: &str = "phoenix";

/// What the backend calls its own message, in `private.tell_members`.
const MOVED: &str = "moved";

/// By these numbers an answer is known. One channel is joined once, and one heartbeat at a time is under way.
const JOIN: &str = "1";
const HEARTBEAT: &str = "2";
const ACCESS: &str = "3";

/// Longest reason that is repeated, in characters.
const LONGEST_REASON: usize = 200;

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The channel is joined.
    Joined,
    /// The user may not listen, or nobody may.
    Refused(String),
    /// The channel is over, or was not joined this time.
    Ended(String),
    /// The heartbeat was heard.
    Alive,
    /// The organization has this revision.
    Moved(i64),
    /// Nothing that matters here.
    Nothing,
}

#[derive(Deserialize)]
struct Received {
    topic: String,
    event: String,
    #[serde(default)]
    payload: Value,
    #[serde(default, rename = "ref")]
    reference: Option<String>,
}

/// The topic of an organization's channel. Realtime calls each `realtime:` and its name.
pub(super) fn topic(org: OrganizationId) -> String {
    format!("realtime:org:{org}")
}

/// Joins a channel that is private: the backend says who may listen.
pub(super) fn join(topic: &str, token: &Secret) -> String {
    let config = json!({
        "broadcast": {"ack": false, "self": false},
        "presence": {"enabled": false},
        "postgres_changes": [],
        "private": true,
    });
    let payload = json!({"config": config, "access_token": token.expose()});
    of_channel(topic, "phx_join", JOIN, &payload)
}

/// Shows a newer token.
pub(super) fn access(topic: &str, token: &Secret) -> String {
    let payload = json!({"access_token": token.expose()});
    of_channel(topic, "access_token", ACCESS, &payload)
}

fn of_channel(topic: &str, event: &str, reference: &str, payload: &Value) -> String {
    json!({"topic": topic, "event": event, "payload": payload, "ref": reference, "join_ref": JOIN})
        .to_string()
}

/// Shows that somebody is there.
pub(super) fn heartbeat() -> String {
    json!({"topic": CONNECTION, "event": "heartbeat", "payload": {}, "ref": HEARTBEAT}).to_string()
}

/// What a message says to who has joined a topic, or wants to.
pub(super) fn heard(topic: &str, text: &str) -> Heard {
    let Ok(received) = serde_json::from_str::<Received>(text) else {
        return Heard::Nothing;
    };
    let payload = &received.payload;
    let answers = |reference| received.reference.as_deref() == Some(reference);
    let is_ours = received.topic == topic;
    match received.event.as_str() {
        "phx_reply" if received.topic == CONNECTION && answers(HEARTBEAT) => Heard::Alive,
        "phx_reply" if is_ours && answers(JOIN) => answered(payload),
        "broadcast" if is_ours && payload["event"] == MOVED => {
            let rev = payload["payload"]["rev"].as_i64();
            rev.map_or(Heard::Nothing, Heard::Moved)
        }
        event @ ("phx_close" | "phx_error") if is_ours => Heard::Ended(event.to_owned()),
        _ => Heard::Nothing,
    }
}

fn answered(payload: &Value) -> Heard {
    if payload["status"] == "ok" {
        return Heard::Joined;
    }
    let reason = payload["response"]["reason"].as_str().unwrap_or_default();
    let reason: String = reason.chars().take(LONGEST_REASON).collect();
    // There is no code for it: the word is in front since 2024, and was not before.
    match reason.starts_with("Unauthorized") || reason.contains("not have permissions") {
        true => Heard::Refused(reason),
        false => Heard::Ended(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "realtime:org:019a0000-0000-7000-8000-000000000001";

    fn check(message: Value, says: Heard) {
        assert_eq!(heard(TOPIC, &message.to_string()), says, "{message}");
    }

    #[test]
    fn a_channel_is_joined_as_a_private_one_with_the_users_token() {
        let org = "019a0000-0000-7000-8000-000000000001".parse().unwrap();
        assert_eq!(topic(org), TOPIC);
        let token = Secret::new("a.b.c".to_owned());
        let said: Value = serde_json::from_str(&join(TOPIC, &token)).unwrap();
        assert_eq!(
            (&said["topic"], &said["event"]),
            (&json!(TOPIC), &json!("phx_join"))
        );
        assert_eq!(said["payload"]["access_token"], "a.b.c");
        assert_eq!(said["payload"]["config"]["private"], true);
        let said: Value = serde_json::from_str(&access(TOPIC, &token)).unwrap();
        assert_eq!(said["payload"], json!({"access_token": "a.b.c"}));
        assert_eq!(
            said["join_ref"], "1",
            "it is about the channel that was joined"
        );
    }

    #[test]
    fn answers_and_revisions_are_heard() {
        let reply = |reference: &str, payload: Value| json!({"topic": TOPIC, "event": "phx_reply", "payload": payload, "ref": reference});
        check(
            reply("1", json!({"status": "ok", "response": {}})),
            Heard::Joined,
        );
        let refused =
            "Unauthorized: You do not have permissions to read from this Channel topic: a";
        check(
            reply(
                "1",
                json!({"status": "error", "response": {"reason": refused}}),
            ),
            Heard::Refused(refused.to_owned()),
        );
        check(
            reply(
                "1",
                json!({"status": "error", "response": {"reason": "too many"}}),
            ),
            Heard::Ended("too many".to_owned()),
        );
        check(reply("3", json!({"status": "ok"})), Heard::Nothing);
        check(
            json!({"topic": "phoenix", "event": "phx_reply", "payload": {"status": "ok"}, "ref": "2"}),
            Heard::Alive,
        );
        let told = json!({"event": "moved", "type": "broadcast", "payload": {"rev": 7, "id": "x"}});
        check(
            json!({"topic": TOPIC, "event": "broadcast", "payload": told, "ref": null}),
            Heard::Moved(7),
        );
        check(
            json!({"topic": TOPIC, "event": "phx_close", "payload": {}, "ref": "1"}),
            Heard::Ended("phx_close".to_owned()),
        );
    }

    #[test]
    fn what_is_foreign_or_not_understood_says_nothing() {
        let told = |rev: Value| json!({"event": "moved", "payload": {"rev": rev}});
        for message in [
            json!({"topic": "realtime:org:other", "event": "broadcast", "payload": told(json!(7))}),
            json!({"topic": "realtime:org:other", "event": "phx_close", "payload": {}}),
            json!({"topic": TOPIC, "event": "broadcast", "payload": told(json!("7"))}),
            json!({"topic": TOPIC, "event": "broadcast", "payload": told(json!(7.5))}),
            json!({"topic": TOPIC, "event": "broadcast", "payload": told(json!(u64::MAX))}),
            json!({"topic": TOPIC, "event": "broadcast", "payload": {"event": "other", "payload": {"rev": 7}}}),
            json!({"topic": TOPIC, "event": "broadcast", "payload": [7]}),
            json!({"topic": TOPIC, "event": "system", "payload": {"status": "error"}}),
            json!({"topic": TOPIC, "event": 7}),
            json!([TOPIC, "broadcast"]),
            json!(null),
        ] {
            check(message, Heard::Nothing);
        }
        for text in ["", "{", "\u{0}", &"[".repeat(100_000)] {
            assert_eq!(heard(TOPIC, text), Heard::Nothing);
        }
    }
}
