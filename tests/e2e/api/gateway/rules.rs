//! Tools that an agent may not call, or only when its user says so.

use super::*;

#[tokio::test]
async fn a_tool_that_is_denied_is_neither_seen_nor_called() {
    let (stage, now) = with_rules(&json!({"tools": {"one": "deny"}})).await;
    let (_, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    assert_eq!(names(&connection.tools().await.expect("tools")), ["fails"]);
    let (refused, _) = call(&connection, "one", json!({})).await;
    assert!(refused);
    // What its user allows now holds for the session that runs.
    let now = edited(&stage, &now, &json!({})).await;
    assert_eq!(
        names(&connection.tools().await.expect("tools")),
        ["one", "fails"]
    );
    let (failed, _) = call(&connection, "one", json!({})).await;
    assert!(!failed);
    // And what they deny now, before the tools are looked at again.
    edited(&stage, &now, &json!({"default": "deny"})).await;
    let (refused, said) = call(&connection, "one", json!({})).await;
    assert!(refused && said.contains("does not let agents"), "{said}");
}

#[tokio::test]
async fn a_tool_that_is_asked_about_waits_for_its_users_answer() {
    let (stage, _) = with_rules(&json!({"default": "ask"})).await;
    let client = stage.client();
    let (session, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");

    let calls = async {
        let denied = call(&connection, "one", json!({"path": "/a/secret-word"})).await;
        let once = call(&connection, "one", json!({})).await;
        let in_session = call(&connection, "one", json!({})).await;
        let again = call(&connection, "one", json!({})).await;
        [denied, once, in_session, again]
    };
    let answers = async {
        let first = question(client, session.id).await;
        assert!(first.question.contains("secret-word"), "{first:?}");
        let options: Vec<_> = first.options.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(options, ["once", "session", "project", "deny"]);
        let wrong = client.answer(session.id, &first.id, "always").await;
        assert_eq!(wrong.expect_err("there is none").code, Code::AttentionGone);
        let mut last = first;
        for option in ["deny", "once", "session"] {
            let answered = client.answer(session.id, &last.id, option).await;
            answered.expect("it is taken");
            let late = client.answer(session.id, &last.id, option).await;
            assert_eq!(late.expect_err("it is gone").code, Code::AttentionGone);
            if option == "session" {
                break;
            }
            let before = last.id.clone();
            let asked = client.session_until(session.id, "asks again", |session| {
                matches!(&session.status, Status::NeedsAttention { attention } if attention.id != before)
            });
            match asked.await.status {
                Status::NeedsAttention { attention } => last = attention,
                other => unreachable!("it was looked for: {other:?}"),
            }
        }
    };
    let (called, ()) = tokio::join!(calls, answers);
    assert!(called[0].0 && called[0].1.contains("denied"), "{called:?}");
    assert!(called[1..].iter().all(|(failed, _)| !failed), "{called:?}");
    client.waiting(session.id).await;

    // Another session of the project is asked again, and what is allowed in the project is not asked any more.
    let other = connect(&url, &token).await.expect("it is let in");
    let (failed, _) = call(&other, "one", json!({})).await;
    assert!(!failed, "it is allowed in this session");
    let asked = call(&other, "fails", json!({}));
    let answered = async {
        let attention = question(client, session.id).await;
        let answered = client.answer(session.id, &attention.id, "project").await;
        answered.expect("it is taken");
    };
    let ((failed, _), ()) = tokio::join!(asked, answered);
    assert!(failed, "the tool itself fails");
    client.stop(session.id).await;
    let restarted: Session = client
        .post(&format!("/sessions/{}/restart", session.id), &json!({}))
        .await
        .expect("it begins again");
    client.waiting(restarted.id).await;
    let (url, token) = stage.given("first");
    let connection = connect(&url, &token).await.expect("it is let in");
    let (failed, said) = call(&connection, "fails", json!({})).await;
    assert!(failed && said.contains("argv"), "it was called: {said}");

    let audit = client.audit().await;
    let answered = audit.iter().filter(|it| it.action == "approval.answered");
    assert_eq!(answered.count(), 4);
    assert!(audit.iter().any(|it| it.action == "mcp.allowed"));
    let trail = serde_json::to_string(&audit).expect("it is JSON");
    assert!(!trail.contains("secret-word"));
    client.assert_audit_valid().await;
}

#[tokio::test]
async fn a_question_goes_with_the_call_that_it_is_about() {
    let (stage, _) = with_rules(&json!({"default": "ask"})).await;
    let client = stage.client();
    let (session, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    let asked = async {
        let call = call(&connection, "one", json!({}));
        let attention = question(client, session.id);
        tokio::select! {
            answered = call => panic!("nobody has answered: {answered:?}"),
            attention = attention => attention,
        }
    };
    let attention = asked.await;
    // The agent does not want it any more.
    client.waiting(session.id).await;
    let late = client.answer(session.id, &attention.id, "once").await;
    assert_eq!(late.expect_err("it is gone").code, Code::AttentionGone);

    // A run that ends takes its questions along: the next one is not asked about them.
    let asked = tokio::spawn(async move { connection.call("one", None).await });
    question(client, session.id).await;
    client.stop(session.id).await;
    let restarted: Session = client
        .act(&format!("/sessions/{}/restart", session.id))
        .await
        .expect("it begins again");
    client.waiting(restarted.id).await;
    // Whatever it was told, it is not the tool's answer.
    let ended = tokio::time::timeout(LIMIT, asked).await;
    let ended = ended.expect("it ends with the run").expect("it goes on");
    assert!(ended.is_err() || ended.is_ok_and(|said| said["isError"] == true));
}

#[tokio::test]
async fn what_was_allowed_is_asked_about_again_once_it_is_something_else() {
    let (stage, now) = with_rules(&json!({"default": "ask"})).await;
    let client = stage.client();
    let (session, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    let answered = async |tool: &str, option: &str| {
        let answer = async {
            let attention = question(client, session.id).await;
            let answered = client.answer(session.id, &attention.id, option).await;
            answered.expect("it is taken");
        };
        let (called, ()) = tokio::join!(call(&connection, tool, json!({})), answer);
        client.waiting(session.id).await;
        called
    };
    let (failed, _) = answered("one", "session").await;
    assert!(!failed);
    answered("fails", "project").await;
    // Another rule and back: what was answered before does not count any more.
    let allowing = json!({"default": "ask", "tools": {"fails": "allow"}});
    let now = edited(&stage, &now, &allowing).await;
    edited(&stage, &now, &json!({"default": "ask"})).await;
    let (refused, said) = answered("fails", "deny").await;
    assert!(refused && said.contains("denied"), "{said}");
    let (failed, _) = call(&connection, "one", json!({})).await;
    assert!(!failed, "nothing has changed for this one");

    // A tool that has become another one and was accepted.
    stage.offer(&[tool("one", "Another."), tool("fails", "The other.")]);
    assert_eq!(names(&connection.tools().await.expect("tools")), ["fails"]);
    let path = format!("/mcp/configurations/{}/accept", stage.configuration.id);
    let tools = json!({"tools": ["one"]});
    let accepted = client.post::<McpConfiguration>(&path, &tools).await;
    accepted.expect("it is accepted");
    connection.tools().await.expect("tools");
    let (refused, said) = answered("one", "deny").await;
    assert!(refused && said.contains("denied"), "{said}");

    // A server that becomes another one while the question stands is not allowed in the project by the answer.
    let now = stage.configuration_now().await;
    let other = json!({"rules": {"default": "ask"}, "name": "fixture", "server":
        {"type": "stdio", "command": "node", "args": ["/elsewhere.js"]}});
    let back = serde_json::to_value(&now.draft).expect("it is JSON");
    let moved = async {
        let attention = question(client, session.id).await;
        let now = put(&stage, &now, &other).await;
        let answered = client.answer(session.id, &attention.id, "project").await;
        answered.expect("it is taken");
        now
    };
    let ((refused, said), now) = tokio::join!(call(&connection, "one", json!({})), moved);
    assert!(refused && said.contains("its user"), "{said}");
    put(&stage, &now, &back).await;
    let audit = client.audit().await;
    let allowed = audit.iter().filter(|it| it.action == "mcp.allowed");
    assert_eq!(allowed.count(), 1, "that of before");
    let ruled = audit.iter().rfind(|it| it.action == "mcp.changed");
    let ruled = ruled.expect("it was changed");
    assert_eq!(ruled.details["rules"]["default"], "ask");

    // A rule that changes while the question stands.
    let now = stage.configuration_now().await;
    let changed = async {
        let attention = question(client, session.id).await;
        edited(&stage, &now, &json!({"default": "deny"})).await;
        let answered = client.answer(session.id, &attention.id, "once").await;
        answered.expect("it is taken");
    };
    let ((refused, said), ()) = tokio::join!(call(&connection, "one", json!({})), changed);
    assert!(refused && said.contains("does not let agents"), "{said}");
}
