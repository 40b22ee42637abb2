//! MCP servers that the gateways of a killed engine had started.

use std::{fs, time::Duration};

use berth_protocol::{Code, Status};
use berth_tests::{Setup, mcp, processes, until};
use serde_json::json;

use crate::folder;

/// A server that goes on when its input ends and when it is asked to end, with a program that leads a process session
/// of its own. The identifiers of both are in a file before it answers, and one beside that tells the end of its input.
const DEAF: &str = r"
const fs = require('fs');
for (const signal of ['SIGHUP', 'SIGTERM']) process.on(signal, () => {});
setInterval(() => {}, 1000000);
const child = require('child_process').spawn('sleep', ['1000'], {detached: true, stdio: 'ignore'});
fs.writeFileSync(process.argv[2], JSON.stringify([process.pid, child.pid]));
const send = (message) => process.stdout.write(JSON.stringify({jsonrpc: '2.0', ...message}) + '\n');
const input = require('readline').createInterface({input: process.stdin});
input.on('close', () => fs.writeFileSync(process.argv[2] + '.closed', ''));
input.on('line', (line) => {
  const {id, method} = JSON.parse(line);
  if (id === undefined) return;
  if (method === 'initialize') {
    send({id, result: {protocolVersion: '2025-11-25', capabilities: {tools: {}},
                       serverInfo: {name: 'deaf', version: '1'}}});
  } else if (method === 'tools/list') {
    send({id, result: {tools: [{name: 'one', description: 'The first.', inputSchema: {type: 'object'}}]}});
  } else {
    send({id, error: {code: -32601, message: 'no such method'}});
  }
});";

#[tokio::test]
async fn a_server_that_outlives_a_killed_engine_is_ended_at_the_next_start_with_what_it_has_started()
 {
    let mut engine = mcp::engine(Setup::new()).await;
    let place = folder(&engine, "server");
    let (script, pids) = (place.join("server.js"), place.join("pids.json"));
    fs::write(&script, DEAF).unwrap();
    let draft = json!({"name": "deaf",
        "server": {"type": "stdio", "command": "node", "args": [script, pids]}});
    mcp::agreed(&engine.client, &draft).await;
    let place = folder(&engine, "first");
    let (session, given) = mcp::session_in(&engine.client, &place, "deaf").await;
    let connection = given.expect("it is given the server").connect().await;
    assert_eq!(connection.tools().await.unwrap().len(), 1);
    let left: Vec<u32> = serde_json::from_slice(&fs::read(&pids).unwrap()).unwrap();

    engine.kill();
    let closed = pids.with_extension("json.closed");
    until("the server's input has ended", || closed.exists()).await;
    assert_eq!(
        processes::gone(&left, Duration::ZERO).await,
        left,
        "both go on"
    );

    engine.restart().await;
    assert_eq!(
        processes::gone(&left, Duration::ZERO).await,
        Vec::<u32>::new(),
        "an engine that is ready has ended them"
    );
    let session = engine.client.session(session.id).await;
    let Status::Failed { failure } = session.status else {
        panic!("{:?}", session.status)
    };
    assert_eq!(failure.code, Code::EngineLost);
}
