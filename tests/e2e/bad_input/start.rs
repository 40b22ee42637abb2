//! Starts that cannot be.

use std::net::TcpListener;

use berth_protocol::Code;
use berth_tests::{Engine, Setup};

use crate::plain_project;

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_taken_port_is_told_by_its_number() {
    let holder = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let setup = Setup::new();
    let output = setup.berth(&["serve", "--announce", "--port", &port]).await;
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    assert!(told.contains(&port) && told.contains("--port"), "{told}");
    assert!(
        told.contains(Code::PortTaken.as_str()),
        "the log has the code: {told}"
    );
    assert!(output.stdout.is_empty(), "nothing is announced");
    drop(holder);
    let engine = setup.argument("--port").argument(&port).start().await;
    assert!(engine.client.endpoint().url.ends_with(&format!(":{port}")));
}

#[tokio::test]
async fn a_second_engine_on_the_same_data_leaves_the_first_alone() {
    let engine = Engine::start().await;
    let output = engine.setup().berth(&["serve", "--announce"]).await;
    assert_eq!(output.status.code(), Some(3));
    let told = said(&output);
    assert!(told.contains("another engine is using"), "{told}");
    assert!(told.contains("berth stop"), "it says what to do: {told}");
    assert!(
        told.contains(Code::EngineRunning.as_str()),
        "the log has the code: {told}"
    );
    plain_project(&engine).await;
    let status = engine.setup().berth(&["status"]).await;
    assert!(
        status.status.success(),
        "the endpoint file is still the first one's"
    );
}
