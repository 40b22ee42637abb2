//! Who was connected to an engine that was killed is connected to the next one; who was connected
//! to one that was stopped is not.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use berth_protocol::{Code, EngineInfo, Event, ProjectList};
use berth_tests::{Client, Engine, Setup, free_port, until};

use crate::folder;

/// The old client is refused by the engine that runs now, if it finds one at all.
async fn assert_locked_out(old: &Client) {
    let asked = old.request(reqwest::Method::GET, "/engine").send().await;
    if let Ok(answer) = asked {
        let problem = berth_tests::problem(answer).await;
        assert_eq!(problem.code, Code::Unauthorized);
    }
}

#[tokio::test]
async fn clients_of_a_killed_engine_go_on_with_the_next_one() {
    let mut engine = Engine::start().await;
    let old = engine.client.clone();
    let mut events = old.events(None).await;
    let project = old.add_project(&folder(&engine, "plain")).await;
    let seen = events.next().await.id.unwrap();
    // A second time too: the token comes from the file that the second engine wrote.
    for _ in 0..2 {
        engine.kill();
        engine.restart().await;
        let (before, now) = (old.endpoint(), engine.client.endpoint());
        assert_eq!((&before.url, &before.token), (&now.url, &now.token));
        let info: EngineInfo = old.get("/engine").await.unwrap();
        assert_eq!(info.pid, engine.pid());
        assert_ne!(before.pid, now.pid);
        // A stream goes on with the request to fetch everything anew.
        let mut events = old.events(Some(&seen)).await;
        assert_eq!(events.next().await.event, Event::Reset);
        let listed: ProjectList = old.get("/projects").await.unwrap();
        assert_eq!(listed.projects, std::slice::from_ref(&project));
    }
}

#[tokio::test]
async fn a_stopped_engine_s_token_is_good_for_nothing() {
    let port = free_port().to_string();
    let setup = Setup::new().argument("--port").argument(&port);
    let mut engine = setup.start().await;
    let old = engine.client.clone();
    engine.restart().await;
    assert_eq!(old.endpoint().url, engine.client.endpoint().url);
    assert_ne!(old.endpoint().token, engine.client.endpoint().token);
    assert_locked_out(&old).await;

    // Also when the stopped one had taken the token over.
    engine.kill();
    engine.restart().await;
    let old = engine.client.clone();
    engine.restart().await;
    assert_locked_out(&old).await;
}

/// An endpoint file that is spoilt by this while no engine runs is worth nothing.
async fn check_spoilt(spoil: impl FnOnce(&Path)) {
    let mut engine = Engine::start().await;
    let old = engine.client.clone();
    engine.kill();
    spoil(&engine.data_dir().join("engine.json"));
    engine.restart().await;
    assert_ne!(old.endpoint().token, engine.client.endpoint().token);
    assert_locked_out(&old).await;
    let file = engine.data_dir().join("engine.json");
    let about = file.symlink_metadata().expect("the file is there");
    assert!(about.is_file());
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_file_that_others_could_read_is_not_trusted() {
    check_spoilt(|file| {
        fs::set_permissions(file, fs::Permissions::from_mode(0o640)).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_not_trusted() {
    check_spoilt(|file| {
        let text = fs::read_to_string(file).unwrap();
        fs::write(file, &text[..text.len() / 2]).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_link_in_the_file_s_place_is_not_followed() {
    check_spoilt(|file| {
        let elsewhere = file.with_extension("elsewhere");
        fs::rename(file, &elsewhere).unwrap();
        symlink(elsewhere, file).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_port_that_somebody_else_took_is_left_to_them_and_the_token_with_it() {
    let mut engine = Engine::start().await;
    let old = engine.client.clone();
    engine.kill();
    let address = old.endpoint().url.trim_start_matches("http://").to_owned();
    // What the engine was just starting has the port until it runs a program of its own.
    let other = std::cell::OnceCell::new();
    until("the port is free", || {
        std::net::TcpListener::bind(&address).is_ok_and(|listener| other.set(listener).is_ok())
    })
    .await;
    engine.restart().await;
    assert_ne!(old.endpoint().url, engine.client.endpoint().url);
    assert_ne!(
        old.endpoint().token,
        engine.client.endpoint().token,
        "whoever has the port was perhaps sent the token"
    );
}
