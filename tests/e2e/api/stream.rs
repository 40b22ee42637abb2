//! State changes as a client gets them.

use berth_protocol::{Event, Role, Session, UpdateSession};
use berth_tests::Engine;
use futures::future::join_all;
use reqwest::Method;

use crate::folder;

#[tokio::test]
async fn a_stream_is_resumed_with_exactly_what_was_missed() {
    let engine = Engine::start().await;
    let client = &engine.client;
    let mut whole = client.events(None).await;
    let first = client.add_project(&folder(&engine, "first")).await;
    let mut known = whole.next().await;
    while known.event
        != (Event::ProjectChanged {
            project: first.clone(),
        })
    {
        known = whole.next().await;
    }
    let last_id = known.id.unwrap();

    let mut names = Vec::new();
    for name in ["second", "third"] {
        names.push(client.add_project(&folder(&engine, name)).await.name);
    }
    let mut expected = Vec::new();
    while expected
        .iter()
        .filter(|sent: &&berth_tests::Sent| matches!(sent.event, Event::ProjectChanged { .. }))
        .count()
        < 2
    {
        expected.push(whole.next().await);
    }
    let mut resumed = client.events(Some(&last_id)).await;
    for sent in &expected {
        assert_eq!(
            resumed.next().await,
            *sent,
            "nothing is missed and nothing comes twice"
        );
    }
    let fourth = client.add_project(&folder(&engine, "fourth")).await;
    loop {
        let (one, two) = (whole.next().await, resumed.next().await);
        assert_eq!(one, two, "both go on alike");
        if one.event
            == (Event::ProjectChanged {
                project: fourth.clone(),
            })
        {
            break;
        }
    }
    for foreign in ["0190a1b2c3d4e5f60190a1b2c3d4e5f6-1", "nonsense", "999999"] {
        let mut reset = client.events(Some(foreign)).await;
        assert_eq!(reset.next().await.event, Event::Reset, "{foreign}");
    }
}

#[tokio::test]
async fn a_stream_of_an_earlier_engine_is_reset() {
    let mut engine = Engine::start().await;
    let mut events = engine.client.events(None).await;
    engine.client.add_project(&folder(&engine, "plain")).await;
    let last_id = events.next().await.id.unwrap();
    engine.restart().await;
    let mut events = engine.client.events(Some(&last_id)).await;
    assert_eq!(events.next().await.event, Event::Reset);
}

#[tokio::test]
async fn the_chat_stream_tells_of_one_session_only() {
    let engine = Engine::start().await;
    let project = engine.client.add_project(&folder(&engine, "plain")).await;
    let mine = engine.client.shell(project.id).await.id;
    let other = engine.client.shell(project.id).await.id;
    let mut events = engine.client.chat_events(mine, None).await;
    for (id, text) in [(other, "echo not-mine"), (mine, "echo min''e")] {
        engine.client.chat(id, text).await.unwrap();
        engine.client.message_with(id, Role::Agent, "mine").await;
        engine.client.waiting(id).await;
    }
    loop {
        match events.next().await.event {
            Event::MessageChanged { message } => {
                assert_eq!(message.session_id, mine);
                if message.role == Role::Agent && !message.partial {
                    assert_eq!(message.content, "mine");
                    break;
                }
            }
            Event::SessionChanged { session } => assert_eq!(session.id, mine),
            other => panic!("{other:?} is no matter of the chat"),
        }
    }
}

#[tokio::test]
async fn what_is_told_last_of_a_session_is_what_it_is() {
    const CHANGES: usize = 60;
    let engine = Engine::start().await;
    let client = &engine.client;
    let project = client.add_project(&folder(&engine, "plain")).await;
    let id = client.shell(project.id).await.id;
    client.waiting(id).await;
    let mut events = client.events(None).await;
    let path = format!("/sessions/{id}");
    // None waits for another one, so that many are told of at once.
    let renamed = (0..CHANGES).map(|number| {
        let title = format!("name {number}");
        let request = client.request(Method::PATCH, &path);
        client.value::<Session>(request.json(&UpdateSession { title }))
    });
    for renamed in join_all(renamed).await {
        renamed.expect("it is renamed");
    }
    let mut told = Vec::new();
    while told.len() < CHANGES {
        if let Event::SessionChanged { session } = events.next().await.event
            && session.title.starts_with("name ")
        {
            told.push(session.title);
        }
    }
    assert_eq!(told.last(), Some(&client.session(id).await.title));
}
