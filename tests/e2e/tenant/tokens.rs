//! Tokens that nobody should take.

use berth_tests::tenant::{Backend, Token};
use serde_json::json;

/// A day, in seconds.
const DAY: u64 = 24 * 60 * 60;

#[tokio::test]
async fn a_token_that_the_sign_in_server_did_not_issue_for_this_backend_is_refused() {
    let Some(backend) = Backend::with_own_tokens().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let good = Token::of(org.admin.id);
    let now = berth_tests::tenant::now();
    let altered = {
        // Another's words under one's own signature.
        let words = good.clone().with("role", "service_role").signed();
        let signature = good.signed();
        let (words, _) = words.rsplit_once('.').expect("a token has three parts");
        let (_, signature) = signature.rsplit_once('.').expect("a token has three parts");
        format!("{words}.{signature}")
    };
    let refused = [
        ("expired", good.clone().with("exp", now - DAY).signed()),
        ("of tomorrow", good.clone().with("nbf", now + DAY).signed()),
        (
            "signed by somebody else",
            good.signed_with("another-key-that-is-long-enough-0123456789"),
        ),
        (
            "for service_role, signed by somebody else",
            good.clone()
                .with("role", "service_role")
                .signed_with("another-key-that-is-long-enough-0123456789"),
        ),
        ("altered", altered),
        ("not signed", good.unsigned()),
        (
            "for another service",
            good.clone().with("aud", "somebody-else").signed(),
        ),
        (
            "as the owner",
            good.clone().with("role", "postgres").signed(),
        ),
        (
            "as the superuser",
            good.clone().with("role", "supabase_admin").signed(),
        ),
        (
            "as the owner of the trail",
            good.clone().with("role", "berth_audit").signed(),
        ),
        (
            "as a role that is none",
            good.clone().with("role", "no_such_role").signed(),
        ),
        ("no token", "abc".to_owned()),
    ];
    for (what, token) in refused {
        let reply = backend.caller(Some(token)).get("organizations").await;
        assert!((400..500).contains(&reply.status), "{what}: {reply:?}");
    }
    // And the same with nothing wrong is taken.
    let rows = backend
        .caller(Some(good.signed()))
        .get("organizations")
        .await
        .rows();
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn what_a_token_claims_beyond_who_somebody_is_gives_no_right() {
    let Some(backend) = Backend::with_own_tokens().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let stranger = backend.person("stranger@example.org").await;
    let claims = json!({"organizations": [{"id": org.id, "role": "admin"}]});
    let boastful = Token::of(stranger.id)
        .with("berth", claims.clone())
        .with("user_metadata", claims.clone())
        .with("app_metadata", claims)
        .signed();
    let boastful = backend.caller(Some(boastful));
    assert!(boastful.get("organizations").await.rows().is_empty());
    let head = boastful.call("sync_head", json!({"org": org.id})).await;
    assert_eq!((head.status, head.refusal()), (403, "org.not_member"));

    // Without anybody, or with somebody who is no UUID, there is nothing either.
    for subject in [json!(null), json!(""), json!("x' or 'a'='a")] {
        let token = Token::of(stranger.id).with("sub", subject).signed();
        let reply = backend.caller(Some(token)).get("organizations").await;
        assert!(reply.is_nothing(), "{reply:?}");
    }
}

#[tokio::test]
async fn without_a_token_only_the_number_of_the_schema_is_told() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let nobody = backend.caller(None);
    let version = nobody.call("schema_version", json!({})).await.ok();
    assert_eq!(version, json!({"version": 1, "oldest_client": 1}));
    for table in ["organizations", "system_prompts", "audit_logs", "profiles"] {
        let reply = nobody.get(table).await;
        assert_eq!((reply.status, reply.refusal()), (401, "42501"), "{table}");
    }
}

#[tokio::test]
async fn the_hook_tells_the_app_its_organizations_and_only_the_sign_in_server_may_call_it() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let event = json!({"user_id": org.user.id, "claims": {"sub": org.user.id}});
    let denied = org
        .user
        .call("custom_access_token_hook", json!({"event": event}))
        .await;
    assert_eq!(denied.refusal(), "42501");
    let ask =
        format!("set role supabase_auth_admin; select public.custom_access_token_hook('{event}')");
    backend.cluster.superuser(&ask).await;
    let claims = backend
        .cluster
        .ask(&format!(
            "select (public.custom_access_token_hook('{event}') -> 'claims')::text"
        ))
        .await;
    let claims: serde_json::Value = serde_json::from_str(&claims[0]).expect("it is JSON");
    let hints = json!([{"id": org.id, "role": "user"}]);
    assert_eq!(claims["berth"]["organizations"], hints);
    assert_eq!(claims["sub"], json!(org.user.id));
}
