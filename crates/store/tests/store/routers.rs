use berth_protocol::{
    Code, ProviderProtocol, RouterDraft, RouterId, RouterKind, RouterProvider, RouterRoutes,
    RouterSettings,
};
use berth_store::StoreError;
use uuid::Uuid;

use crate::support::{Fixture, assert_consistent, new_session};

fn draft(name: &str) -> RouterDraft {
    RouterDraft {
        name: name.to_owned(),
        settings: RouterSettings {
            kind: RouterKind::CcrV1,
            providers: vec![RouterProvider {
                name: "openai".to_owned(),
                protocol: ProviderProtocol::OpenaiChat,
                base_url: Some("https://api.example.com/v1".to_owned()),
                models: vec!["m1".to_owned()],
                transformers: Vec::new(),
            }],
            routes: Some(RouterRoutes {
                default: "openai,m1".to_owned(),
                background: None,
                think: None,
                long_context: None,
                long_context_threshold: None,
                web_search: None,
                image: None,
            }),
            vertex: None,
        },
    }
}

#[tokio::test]
async fn a_router_can_be_added_read_changed_and_removed() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let made = store.create_router(&draft("work")).await.unwrap();
    assert_eq!((made.version, made.keys.len()), (1, 0));
    assert_eq!(store.router(made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(store.routers().await.unwrap(), std::slice::from_ref(&made));

    let mut other = draft("Home");
    other.settings.kind = RouterKind::CcrV3;
    let changed = store.update_router(made.id, &other).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.version), ("Home", 2));
    assert_eq!(changed.settings, other.settings);
    assert_eq!(store.router(made.id).await.unwrap(), Some(changed));

    store.delete_router(made.id).await.unwrap();
    assert_eq!(store.routers().await.unwrap(), []);
    assert_consistent(store).await;
}

#[tokio::test]
async fn names_of_routers_are_unique_without_regard_to_case() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let work = store.create_router(&draft("work")).await.unwrap();
    let home = store.create_router(&draft("home")).await.unwrap();
    let refused = store.create_router(&draft("WORK")).await.unwrap_err();
    assert!(matches!(refused, StoreError::RouterExists { id } if id == work.id));
    assert_eq!(refused.code(), Code::RouterExists);
    let refused = store.update_router(home.id, &draft("Work")).await;
    assert!(matches!(refused, Err(StoreError::RouterExists { .. })));
    store.update_router(work.id, &draft("Work")).await.unwrap();
    assert_consistent(store).await;
}

#[tokio::test]
async fn the_audit_trail_tells_whose_key_changed_and_never_which() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let made = store.create_router(&draft("work")).await.unwrap();
    for name in ["openai", "b", "openai"] {
        store.set_router_key(made.id, name, true).await.unwrap();
    }
    let router = store.router(made.id).await.unwrap().unwrap();
    assert_eq!(router.keys, ["b", "openai"]);
    let router = store.set_router_key(made.id, "b", false).await.unwrap();
    assert_eq!(
        (router.keys, router.version),
        (vec!["openai".to_owned()], 1)
    );
    let events = store.audit(0, 10).await.unwrap().events;
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "router.created",
            "router.key_set",
            "router.key_set",
            "router.key_set",
            "router.key_removed"
        ]
    );
    assert_consistent(store).await;
}

#[tokio::test]
async fn a_router_that_a_running_session_uses_stays() {
    let (fixture, project, _) = Fixture::with_session().await;
    let store = &fixture.store;
    let router = store.create_router(&draft("work")).await.unwrap();
    let new = berth_store::NewSession {
        router: Some(router.id),
        ..new_session(project.id)
    };
    let session = store.create_session(new).await.unwrap();
    assert_eq!(session.router, Some(router.id));
    let unknown = berth_store::NewSession {
        router: Some(RouterId(Uuid::now_v7())),
        ..new_session(project.id)
    };
    let refused = store.create_session(unknown).await.unwrap_err();
    assert_eq!(refused.code(), Code::RouterNotFound);
    let refused = store.delete_router(router.id).await.unwrap_err();
    assert!(matches!(refused, StoreError::RouterInUse { count: 1, .. }));

    let ended = berth_store::Phase::Exited {
        code: Some(0),
        signal: None,
    };
    store.session_ended(session.id, ended).await.unwrap();
    store.delete_router(router.id).await.unwrap();
    let record = store.session(session.id).await.unwrap().unwrap();
    assert_eq!(record.router, Some(router.id), "it says what it was");
    assert_consistent(store).await;
}

#[tokio::test]
async fn what_is_not_there_cannot_be_changed() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let id = RouterId(Uuid::now_v7());
    let gone = |error| matches!(error, StoreError::RouterNotFound(found) if found == id);
    assert!(gone(
        store.update_router(id, &draft("a")).await.unwrap_err()
    ));
    assert!(gone(store.set_router_key(id, "a", true).await.unwrap_err()));
    assert!(gone(store.delete_router(id).await.unwrap_err()));
    assert_eq!(store.router(id).await.unwrap(), None);
    assert_consistent(store).await;
}
