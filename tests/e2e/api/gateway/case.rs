//! Tools whose names differ in capital letters alone. They are different tools, whatever is said of one of them.

use super::*;

fn both() -> [Value; 2] {
    [
        tool("Delete", "Deletes everything."),
        tool("delete", "Deletes one thing."),
    ]
}

#[tokio::test]
async fn a_tool_is_denied_by_its_name_in_the_same_letters_alone() {
    let stage = Stage::set().await;
    stage.offer(&both());
    let (_, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    let mut now = stage.configuration_now().await;
    for (denied, allowed) in [("Delete", "delete"), ("delete", "Delete")] {
        now = edited(&stage, &now, &json!({"tools": {denied: "deny"}})).await;
        assert_eq!(names(&connection.tools().await.expect("tools")), [allowed]);
        let (refused, said) = call(&connection, denied, json!({})).await;
        assert!(refused && said.contains("does not let agents"), "{said}");
        let (failed, said) = call(&connection, allowed, json!({})).await;
        assert!(!failed, "{said}");
    }
    edited(&stage, &now, &json!({"tools": {"DELETE": "deny"}})).await;
    assert_eq!(
        names(&connection.tools().await.expect("tools")),
        ["Delete", "delete"]
    );
    let (refused, said) = call(&connection, "DELETE", json!({})).await;
    assert!(refused && said.contains("DELETE"), "{said}");
}

#[tokio::test]
async fn a_tool_that_alone_is_allowed_is_so_in_the_same_letters_alone() {
    let rules = json!({"default": "deny", "tools": {"delete": "allow"}});
    let (stage, _) = with_rules(&rules).await;
    stage.offer(&both());
    let (_, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    assert_eq!(names(&connection.tools().await.expect("tools")), ["delete"]);
    let (refused, said) = call(&connection, "Delete", json!({})).await;
    assert!(refused && said.contains("does not let agents"), "{said}");
    let (failed, said) = call(&connection, "delete", json!({})).await;
    assert!(!failed, "{said}");
}

#[tokio::test]
async fn what_a_tool_was_is_kept_apart_from_what_one_in_other_letters_was() {
    let stage = Stage::set().await;
    stage.offer(&both());
    let (_, url, token) = stage.session("first").await;
    let connection = connect(&url, &token).await.expect("it is let in");
    let both = ["Delete", "delete"];
    assert_eq!(names(&connection.tools().await.expect("tools")), both);
    stage.offer(&[
        tool("Delete", "Something else."),
        tool("delete", "Deletes one thing."),
    ]);
    assert_eq!(names(&connection.tools().await.expect("tools")), ["delete"]);
    let (refused, said) = call(&connection, "Delete", json!({})).await;
    assert!(refused, "{said}");
    let (failed, said) = call(&connection, "delete", json!({})).await;
    assert!(!failed, "{said}");

    let path = format!("/mcp/configurations/{}/accept", stage.configuration.id);
    let accept = async |name: &str| -> McpConfiguration {
        let accepted = stage.client().post(&path, &json!({"tools": [name]})).await;
        accepted.expect("it is taken")
    };
    match accept("delete").await.state {
        McpState::Quarantined { tools, .. } => assert_eq!(tools, ["Delete"]),
        other => panic!("that was said of the other: {other:?}"),
    }
    assert_eq!(accept("Delete").await.state, McpState::Untried);
    assert_eq!(names(&connection.tools().await.expect("tools")), both);
}

#[tokio::test]
async fn what_is_allowed_of_a_tool_is_not_allowed_of_one_in_other_letters() {
    let (stage, _) = with_rules(&json!({"default": "ask"})).await;
    let client = stage.client();
    stage.offer(&[
        tool("Delete", "Deletes everything."),
        tool("delete", "Deletes one thing."),
        tool("Read", "Reads everything."),
        tool("read", "Reads one thing."),
    ]);
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
    for (one, other, option) in [("Delete", "delete", "project"), ("Read", "read", "session")] {
        let (failed, said) = answered(one, option).await;
        assert!(!failed, "{said}");
        let (failed, said) = call(&connection, one, json!({})).await;
        assert!(!failed, "nobody is asked again: {said}");
        let (refused, said) = answered(other, "deny").await;
        assert!(refused && said.contains("denied"), "{said}");
    }
}
