use std::process::Command;

use super::*;

#[tokio::test]
async fn a_server_is_ended_with_what_a_crash_left_and_not_with_its_session() {
    let id = format!("{:032x}", rand::random::<u128>());
    let session: SessionId = id.parse().unwrap();
    let mut server = Command::new("sleep")
        .arg("1000")
        .env(GATEWAY_VARIABLE, session.to_string())
        .spawn()
        .unwrap();
    let reaper = Reaper::start();
    let family = Family {
        session,
        leader: None,
        servers: false,
    };
    assert_eq!(reaper.end(family, Duration::ZERO).await, 0);
    let left = Family {
        servers: true,
        ..family
    };
    assert_eq!(reaper.members(left).await, [server.id()].into());
    assert_eq!(reaper.end(left, GRACE).await, 1);
    assert!(!server.wait().unwrap().success());
}
