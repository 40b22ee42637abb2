//! What a real server asks of its client and tells it on the way.

use std::sync::{Arc, Mutex, PoisonError};

use berth_mcp::{Answered, Asked, Connection, Elicited, Limits, Offers};
use berth_tests::until;
use serde_json::{Map, Value, json};

use crate::{everything, stdio};

/// Answers everything, and remembers what it was told.
#[derive(Default)]
struct Yes(Mutex<Vec<(&'static str, Value)>>);

impl Yes {
    fn note(&self, what: &'static str, said: Value) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push((what, said));
    }

    fn told(&self, what: &str) -> Vec<Value> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let these = told.iter().filter(|(it, _)| *it == what);
        these.map(|(_, said)| said.clone()).collect()
    }
}

impl Asked for Yes {
    fn offers(&self) -> Offers {
        Offers {
            forms: true,
            pages: true,
            sampling: true,
            roots: true,
        }
    }

    fn elicit(&self, request: Value) -> Answered<'_, Elicited> {
        self.note("form", request);
        let content = json!({"name": "Ada Lovelace"});
        Box::pin(std::future::ready(Elicited::Accepted(Some(content))))
    }

    fn sample(&self, request: Value) -> Answered<'_, Option<Value>> {
        self.note("sampling", request);
        let content = json!({"type": "text", "text": "a model's words"});
        let answer = json!({"role": "assistant", "content": content, "model": "none"});
        Box::pin(std::future::ready(Some(answer)))
    }

    fn roots(&self) -> Answered<'_, Vec<String>> {
        Box::pin(std::future::ready(vec!["file:///the/project".to_owned()]))
    }

    fn progress(&self, said: Value) {
        self.note("progress", said);
    }
}

/// Waits until the server has the tool: it offers some only after it has heard what the client can.
async fn has_tool(connection: &Connection, name: &str) {
    let offered = async || {
        let tools = connection.tools().await.expect("it lists them");
        tools.iter().any(|tool| tool.name == name)
    };
    let listed = async { while !offered().await {} };
    let listed = tokio::time::timeout(berth_tests::LIMIT, listed).await;
    listed.unwrap_or_else(|_| panic!("it has no {name}"));
}

async fn called(connection: &Connection, name: &str, arguments: Value) -> String {
    has_tool(connection, name).await;
    let arguments: Option<Map<String, Value>> = arguments.as_object().cloned();
    let result = connection.call(name, arguments).await;
    result.expect("it is called").to_string()
}

#[tokio::test]
async fn forms_sampling_roots_and_progress_reach_who_answers_them() {
    let Some(program) = everything() else { return };
    let yes = Arc::new(Yes::default());
    let reach = stdio(&program, &["stdio"], "asked");
    let asked: Arc<dyn Asked> = yes.clone();
    let connection = Connection::open_for(&reach, Limits::default(), asked).await;
    let connection = connection.expect("it answers");

    let said = called(&connection, "trigger-elicitation-request", json!({})).await;
    assert!(said.contains("Ada Lovelace"), "{said}");
    assert!(yes.told("form")[0]["requestedSchema"].is_object());

    let prompt = json!({"prompt": "say something", "maxTokens": 10});
    let said = called(&connection, "trigger-sampling-request", prompt).await;
    assert!(said.contains("a model's words"), "{said}");
    assert!(
        yes.told("sampling")[0]
            .to_string()
            .contains("say something")
    );

    let said = called(&connection, "get-roots-list", json!({})).await;
    assert!(said.contains("file:///the/project"), "{said}");

    let steps = json!({"duration": 0.2, "steps": 4});
    called(&connection, "trigger-long-running-operation", steps).await;
    until("all of it is told", || yes.told("progress").len() == 4).await;
    assert_eq!(yes.told("progress")[0]["total"], 4.0);
    connection.close().await;
}

#[tokio::test]
async fn nothing_is_offered_by_itself() {
    let Some(program) = everything() else { return };
    let reach = stdio(&program, &["stdio"], "unasked");
    let connection = Connection::open(&reach, Limits::default())
        .await
        .expect("it answers");
    has_tool(&connection, "echo").await;
    let tools = connection.tools().await.expect("it lists them");
    for withheld in [
        "trigger-elicitation-request",
        "trigger-sampling-request",
        "get-roots-list",
    ] {
        assert!(
            !tools.iter().any(|tool| tool.name == withheld),
            "{withheld}"
        );
    }
    connection.close().await;
}
