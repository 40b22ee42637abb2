//! What servers ask the user of a session.

use berth_protocol::{AttentionNeeds, McpForm};
use berth_tests::{programs, skip, this_test, until};

use super::*;

fn form(fields: Value) -> Value {
    json!({"mode": "form", "message": "Who are you?\u{202e}",
        "requestedSchema": {"type": "object", "properties": fields, "required": ["name"]}})
}

/// What a server that asks this is answered, while the user does something.
async fn answered(connection: &Connection, ask: Value, act: impl Future<Output = ()>) -> Value {
    let asked = call(connection, "one", json!({"ask": ask}));
    let ((failed, said), ()) = tokio::join!(asked, act);
    assert!(!failed, "{said}");
    serde_json::from_str(&said).expect("it is JSON")
}

async fn fetched(client: &Client, id: SessionId) -> McpForm {
    let path = format!("/sessions/{id}/form");
    client.get(&path).await.expect("there is a form")
}

async fn filled(
    client: &Client,
    id: SessionId,
    attention: &str,
    content: Value,
) -> Result<(), Code> {
    let body = json!({"attention_id": attention, "content": content});
    let told = client.tell(&format!("/sessions/{id}/form"), &body).await;
    told.map_err(|problem| problem.code)
}

#[tokio::test]
async fn a_form_of_a_server_is_filled_in_by_the_user_and_its_values_stand_nowhere() {
    let stage = Stage::set().await;
    let client = stage.client();
    let (session, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    let fields = json!({"name": {"type": "string", "title": "Your\u{200b} name"}, "age": {"type": "integer"}});
    let fill = async {
        let attention = question(client, session.id).await;
        assert_eq!(attention.needs, Some(AttentionNeeds::Form));
        assert_eq!(
            attention.question,
            "MCP server fixture asks you:\nWho are you?"
        );
        let form = fetched(client, session.id).await;
        assert_eq!(
            (form.attention_id.as_str(), form.server.as_str()),
            (attention.id.as_str(), "fixture")
        );
        assert!(!form.schema.to_string().contains('\u{200b}'));
        // An option alone is no answer, and neither is what was not asked for.
        let bare = client.answer(session.id, &attention.id, "accept").await;
        assert_eq!(bare.expect_err("it is refused").code, Code::BadRequest);
        for wrong in [
            json!({}),
            json!({"name": "Ada", "age": "old"}),
            json!({"name": "Ada", "more": 1}),
        ] {
            let refused = filled(client, session.id, &attention.id, wrong).await;
            assert_eq!(refused, Err(Code::FormInvalid));
        }
        let other = filled(client, session.id, "mcp-1", json!({"name": "Ada"})).await;
        assert_eq!(other, Err(Code::AttentionGone));
        let right = json!({"name": "Ada Secret-Word", "age": 36});
        let taken = filled(client, session.id, &attention.id, right.clone()).await;
        assert_eq!(taken, Ok(()));
        let late = filled(client, session.id, &attention.id, right).await;
        assert_eq!(late, Err(Code::AttentionGone));
    };
    let said = answered(&connection, form(fields), fill).await;
    assert_eq!(
        said,
        json!({"action": "accept", "content": {"name": "Ada Secret-Word", "age": 36}})
    );
    client.waiting(session.id).await;

    let audit = client.audit().await;
    let told = audit
        .iter()
        .find(|it| it.action == "approval.answered")
        .expect("it is told");
    assert_eq!(told.details["fields"], json!(["name", "age"]));
    let trail = serde_json::to_string(&audit).expect("it is JSON");
    assert!(!trail.contains("Secret-Word"));
    client.assert_audit_valid().await;
}

#[tokio::test]
async fn a_user_may_decline_and_who_is_gone_has_said_nothing() {
    let stage = Stage::set().await;
    let client = stage.client();
    let (session, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    let name = json!({"name": {"type": "string"}});
    let decline = async {
        let attention = question(client, session.id).await;
        let declined = client.answer(session.id, &attention.id, "decline").await;
        declined.expect("it is taken");
    };
    let said = answered(&connection, form(name.clone()), decline).await;
    assert_eq!(said, json!({"action": "decline"}));

    // What nobody could fill in is not shown to anybody.
    let odd = json!({"mode": "url", "message": "Look", "url": "file:///etc/passwd", "elicitationId": "1"});
    let said = answered(&connection, odd, async {}).await;
    assert_eq!(said, json!({"action": "cancel"}));
    // Neither is what the server of a test asks, which has no session.
    let path = format!("/mcp/configurations/{}/call", stage.configuration.id);
    let body = json!({"tool": "one", "arguments": {"ask": form(name)}});
    let tried: Value = client.post(&path, &body).await.expect("it is called");
    assert!(tried.to_string().contains("cancel"), "{tried}");
    assert!(matches!(
        client.session(session.id).await.status,
        Status::Waiting
    ));
}

#[tokio::test]
async fn a_server_asks_nothing_while_nobody_calls_it() {
    let stage = Stage::set().await;
    let client = stage.client();
    let (session, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    let name = json!({"name": {"type": "string"}});
    call(&connection, "one", json!({"late": form(name.clone())})).await;
    // The call is over by now, whoever is how slow.
    connection.tools().await.expect("tools");
    let late = stage.tools.with_extension("json.late");
    let heard = || fs::read_to_string(&late).unwrap_or_default();
    // The engine tells of nothing that the server does after its answer.
    until("the server hears", || !heard().is_empty()).await;
    assert_eq!(heard(), r#"{"action":"cancel"}"#);
    assert!(matches!(
        client.session(session.id).await.status,
        Status::Waiting
    ));

    // A call that is given up takes its question along.
    let given_up = async {
        let call = call(&connection, "one", json!({"ask": form(name)}));
        let attention = question(client, session.id);
        tokio::select! {
            answered = call => panic!("nobody has answered: {answered:?}"),
            attention = attention => attention,
        }
    };
    given_up.await;
    client.waiting(session.id).await;
}

#[tokio::test]
async fn a_server_that_is_disabled_meanwhile_gets_no_answer() {
    let stage = Stage::set().await;
    let client = stage.client();
    let (session, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    let fill = async {
        let attention = question(client, session.id).await;
        let now = stage.configuration_now().await;
        let mut draft = serde_json::to_value(&now.draft).expect("it is JSON");
        draft["enabled"] = json!(false);
        put(&stage, &now, &draft).await;
        let content = json!({"name": "hidden-word"});
        let taken = filled(client, session.id, &attention.id, content).await;
        assert_eq!(taken, Ok(()));
    };
    let name = json!({"name": {"type": "string"}});
    let said = answered(&connection, form(name), fill).await;
    assert_eq!(said, json!({"action": "cancel"}));
}

#[tokio::test]
async fn a_page_of_a_server_is_shown_whole_and_opened_by_nobody_else() {
    let stage = Stage::set().await;
    let client = stage.client();
    let (session, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    let page = "https://bank.example/pay?to=me";
    let ask = json!({"mode": "url", "message": "Pay here", "url": page, "elicitationId": "1"});
    let agree = async {
        let attention = question(client, session.id).await;
        let url = page.to_owned();
        assert_eq!(attention.needs, Some(AttentionNeeds::Page { url }));
        assert!(attention.question.contains(page), "{attention:?}");
        let refused = client
            .get::<McpForm>(&format!("/sessions/{}/form", session.id))
            .await;
        assert_eq!(refused.expect_err("it is none").code, Code::AttentionGone);
        let agreed = client.answer(session.id, &attention.id, "accept").await;
        agreed.expect("it is taken");
    };
    let said = answered(&connection, ask, agree).await;
    assert_eq!(said, json!({"action": "accept"}));
}

#[tokio::test]
async fn a_real_server_asks_through_the_gateway() {
    let Some(program) = programs::mcp_server("mcp-server-everything") else {
        return skip(&this_test(), "mcp-server-everything is not installed");
    };
    let engine = mcp::engine(Setup::new()).await;
    let client = &engine.client;
    let draft = json!({"name": "everything",
        "server": {"type": "stdio", "command": program, "args": ["stdio"]}});
    mcp::agreed(client, &draft).await;
    let (session, given) = mcp::session_in(client, &folder(&engine, "first"), "everything").await;
    let given = given.expect("it is given the server");
    let connection = connect(&given.url, &given.token)
        .await
        .expect("it is let in");
    let asked = call(&connection, "trigger-elicitation-request", json!({}));
    let fill = async {
        let attention = question(client, session.id).await;
        let content = json!({"name": "Ada Lovelace", "check": true, "firstLine": "It was a dark and stormy night."});
        let known = fetched(client, session.id).await.schema["properties"].clone();
        let content: serde_json::Map<_, _> = content
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| !known[name.as_str()].is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let taken = filled(client, session.id, &attention.id, Value::Object(content)).await;
        assert_eq!(taken, Ok(()), "{known}");
    };
    let ((failed, said), ()) = tokio::join!(asked, fill);
    assert!(!failed, "{said}");
    let called = connection.call("echo", json!({"message": "still"}).as_object().cloned());
    called.await.expect("it goes on");
}
