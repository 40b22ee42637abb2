//! What the organization's settings do: members, roles, invitations, policy and locked prompts.

use berth_tests::tenant::{Backend, addition};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{prompt, push};

#[tokio::test]
async fn an_organization_keeps_an_admin_and_nobody_raises_themselves() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let role = |who: Uuid, role: &str| json!({"org": org.id, "member": who, "role": role});
    let mine = |who: Uuid| format!("memberships?org_id=eq.{}&user_id=eq.{who}", org.id);

    let raised = org
        .user
        .call("change_role", role(org.user.id, "admin"))
        .await;
    assert_eq!((raised.status, raised.refusal()), (403, "org.not_admin"));
    let patched = org
        .user
        .send(
            Method::PATCH,
            &mine(org.user.id),
            Some(json!({"role": "admin"})),
        )
        .await;
    assert!(patched.rows().is_empty());

    for attempt in [
        org.admin
            .call("change_role", role(org.admin.id, "user"))
            .await,
        org.admin
            .call(
                "remove_member",
                json!({"org": org.id, "member": org.admin.id}),
            )
            .await,
        org.admin
            .send(
                Method::PATCH,
                &mine(org.admin.id),
                Some(json!({"role": "user"})),
            )
            .await,
    ] {
        assert_eq!(
            (attempt.status, attempt.refusal()),
            (409, "membership.last_admin")
        );
    }
    let invalid = org
        .admin
        .call("change_role", role(org.user.id, "owner"))
        .await;
    assert_eq!(invalid.refusal(), "23514");

    // With a second admin the first may go, and a user may always.
    org.admin
        .call("change_role", role(org.user.id, "admin"))
        .await
        .ok();
    org.admin
        .call(
            "remove_member",
            json!({"org": org.id, "member": org.admin.id}),
        )
        .await
        .ok();
    let gone = org.admin.call("sync_head", json!({"org": org.id})).await;
    assert_eq!(gone.refusal(), "org.not_member");
    // Not even the service removes a membership without a trace.
    let removed = "delete from public.memberships";
    backend
        .cluster
        .run("service_role", removed)
        .await
        .expect_err("nobody signs in like this");
    backend
        .cluster
        .run("postgres", removed)
        .await
        .expect_err("rows are kept");
}

#[tokio::test]
async fn an_invitation_lets_in_once_whom_it_names_and_nobody_else() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let invite = |email: &str, role: &str| json!({"org": org.id, "email": email, "role": role});
    let denied = org.user.call("invite", invite("a@b.example", "user")).await;
    assert_eq!(denied.refusal(), "org.not_admin");
    let made = org
        .admin
        .call("invite", invite(" New@Acme.Example ", "user"))
        .await
        .ok();
    let accept = json!({"token": made["token"]});

    let other = backend.person("other@acme.example").await;
    let reply = other.call("accept_invitation", accept.clone()).await;
    assert_eq!(
        (reply.status, reply.refusal()),
        (403, "invitation.other_address")
    );
    let new = backend.person("new@acme.example").await;
    // An address that was not proved is nobody's.
    let unconfirmed = format!(
        "update auth.users set email_confirmed_at = null where id = '{}'",
        new.id
    );
    backend.cluster.superuser(&unconfirmed).await;
    let reply = new.call("accept_invitation", accept.clone()).await;
    assert_eq!(reply.refusal(), "invitation.other_address");
    let confirmed = format!(
        "update auth.users set email_confirmed_at = now() where id = '{}'",
        new.id
    );
    backend.cluster.superuser(&confirmed).await;

    assert_eq!(
        new.call("accept_invitation", accept.clone()).await.ok(),
        json!(org.id)
    );
    // The answer was lost: asking again tells the same.
    assert_eq!(
        new.call("accept_invitation", accept.clone()).await.ok(),
        json!(org.id)
    );
    org.admin
        .call("remove_member", json!({"org": org.id, "member": new.id}))
        .await
        .ok();
    let again = new.call("accept_invitation", accept).await;
    assert_eq!(again.refusal(), "invitation.not_valid");

    let withdrawn = org
        .admin
        .call("invite", invite("other@acme.example", "admin"))
        .await
        .ok();
    org.admin
        .call(
            "withdraw_invitation",
            json!({"invitation": withdrawn["id"]}),
        )
        .await;
    let late = other
        .call("accept_invitation", json!({"token": withdrawn["token"]}))
        .await;
    assert_eq!(late.refusal(), "invitation.not_valid");
    let old = org
        .admin
        .call("invite", invite("other@acme.example", "user"))
        .await
        .ok();
    backend
        .cluster
        .superuser("update public.invitations set expires_at = now() - interval '1 s'")
        .await;
    let late = other
        .call("accept_invitation", json!({"token": old["token"]}))
        .await;
    assert_eq!(late.refusal(), "invitation.not_valid");

    // Nothing that is stored lets anybody in.
    let stored = backend
        .cluster
        .ask("select to_jsonb(t)::text from public.invitations as t")
        .await
        .join("");
    let token = made["token"].as_str().expect("it is text");
    assert!(!stored.contains(token));
}

#[tokio::test]
async fn a_policy_is_replaced_whole_and_only_where_it_was_looked_at() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let set =
        |version: i64, policy: Value| json!({"org": org.id, "version": version, "policy": policy});
    let strict = json!({"allowed_agents": ["claude"], "autonomy_ceiling": "ask", "sanitize": "reject",
        "isolation": "process", "retention_days": 90});
    let stored = org.admin.call("set_policy", set(1, strict)).await.ok();
    assert_eq!(
        (&stored["version"], &stored["retention_days"]),
        (&json!(2), &json!(90))
    );
    let late = org.admin.call("set_policy", set(1, json!({}))).await;
    assert_eq!((late.status, late.refusal()), (409, "policy.conflict"));
    for bad in [json!({"autonomy": "all"}), json!([]), json!(null)] {
        assert_eq!(
            org.admin.call("set_policy", set(2, bad)).await.refusal(),
            "policy.invalid"
        );
    }
    for bad in [
        json!({"autonomy_ceiling": "everything"}),
        json!({"retention_days": 1}),
        json!({"tool_rules": {}}),
    ] {
        assert_eq!(
            org.admin.call("set_policy", set(2, bad)).await.refusal(),
            "23514"
        );
    }
    let denied = org.user.call("set_policy", set(2, json!({}))).await;
    assert_eq!(denied.refusal(), "org.not_admin");
    let now = org.user.get("policies").await.rows().remove(0);
    assert_eq!(
        (&now["version"], &now["allowed_agents"]),
        (&json!(2), &json!(["claude"]))
    );
}

#[tokio::test]
async fn admins_lock_prompts_of_the_organization_and_of_nobody_else() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let (shared, own) = (Uuid::now_v7(), Uuid::now_v7());
    push(
        &org.admin,
        org.id,
        &[addition("prompt", shared, prompt("organization", "rules"))],
    )
    .await;
    push(
        &org.user,
        org.id,
        &[addition("prompt", own, prompt("user", "mine"))],
    )
    .await;
    let lock = |prompt: Uuid| json!({"prompt": prompt, "locked": true});
    org.admin.call("lock_prompt", lock(shared)).await;
    let row = org
        .user
        .get(&format!("system_prompts?id=eq.{shared}"))
        .await
        .rows()
        .remove(0);
    assert_eq!(row["locked"], true);
    for (caller, id) in [(&org.user, shared), (&org.user, own), (&org.admin, own)] {
        assert_eq!(
            caller.call("lock_prompt", lock(id)).await.refusal(),
            "prompt.not_found"
        );
    }
    // Nor by another way.
    let path = format!("system_prompts?id=eq.{own}");
    let patched = org
        .user
        .send(Method::PATCH, &path, Some(json!({"locked": true})))
        .await;
    assert_eq!(patched.refusal(), "23514");
}

#[tokio::test]
async fn making_an_organization_again_does_nothing_and_a_person_makes_not_too_many() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let person = backend.person("founder@acme.example").await;
    let id = Uuid::now_v7();
    for _ in 0..2 {
        let made = person
            .call("create_organization", json!({"id": id, "name": "acme"}))
            .await
            .ok();
        assert_eq!(made, json!(id));
    }
    assert_eq!(person.get("memberships").await.rows().len(), 1);
    for name in ["", " ", "two\nlines"] {
        let reply = person
            .call(
                "create_organization",
                json!({"id": Uuid::now_v7(), "name": name}),
            )
            .await;
        assert_eq!(reply.refusal(), "23514", "{name:?}");
    }
    for _ in 1..20 {
        person
            .call(
                "create_organization",
                json!({"id": Uuid::now_v7(), "name": "more"}),
            )
            .await
            .ok();
    }
    let reply = person
        .call(
            "create_organization",
            json!({"id": Uuid::now_v7(), "name": "more"}),
        )
        .await;
    assert_eq!(reply.refusal(), "org.too_many");
}

#[tokio::test]
async fn names_of_people_reach_their_organizations() {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let before = org
        .admin
        .call("sync_head", json!({"org": org.id}))
        .await
        .ok();
    let path = format!("profiles?id=eq.{}", org.user.id);
    org.user
        .send(Method::PATCH, &path, Some(json!({"display_name": "Una"})))
        .await
        .rows();
    let pull = json!({"org": org.id, "since": before["rev"], "token": before["token"]});
    let page = org.admin.call("sync_pull", pull).await.ok();
    assert_eq!(page["changes"][0]["row"]["display_name"], "Una");
    assert_eq!(page["changes"].as_array().map(Vec::len), Some(1));
}

/// Ends the rights of an admin who has invited somebody; the invitation must end with them.
async fn nobody_comes_back(function: &str, more: Value) {
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let second = backend
        .member(org.id, &org.admin, "second@acme.example", "admin")
        .await;
    let invite = |email: &str| json!({"org": org.id, "email": email, "role": "admin"});
    let own = second
        .call("invite", invite("again@acme.example"))
        .await
        .ok();
    let of_first = org
        .admin
        .call("invite", invite("third@acme.example"))
        .await
        .ok();
    let mut request = json!({"org": org.id, "member": second.id});
    for (name, value) in more.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    org.admin.call(function, request).await.ok();

    let open = org
        .admin
        .get("invitations?select=id&accepted_at=is.null&deleted_at=is.null")
        .await
        .rows();
    assert_eq!(
        open,
        [json!({"id": of_first["id"]})],
        "theirs are withdrawn, and nobody else's"
    );
    let again = backend.person("again@acme.example").await;
    let accept = json!({"token": own["token"]});
    let reply = again.call("accept_invitation", accept.clone()).await;
    assert_eq!(
        (reply.status, reply.refusal()),
        (404, "invitation.not_valid")
    );
    // Nor if it had stayed open: who has invited counts when it is accepted.
    backend
        .cluster
        .superuser("update public.invitations set deleted_at = null")
        .await;
    let reply = again.call("accept_invitation", accept).await;
    assert_eq!(reply.refusal(), "invitation.not_valid");

    let third = backend.person("third@acme.example").await;
    let accept = json!({"token": of_first["token"]});
    assert_eq!(
        third.call("accept_invitation", accept).await.ok(),
        json!(org.id)
    );
}

#[tokio::test]
async fn an_admin_who_was_removed_does_not_come_back_by_an_invitation_of_their_own() {
    nobody_comes_back("remove_member", json!({})).await;
}

#[tokio::test]
async fn an_admin_who_was_demoted_does_not_rise_by_an_invitation_of_their_own() {
    nobody_comes_back("change_role", json!({"role": "user"})).await;
}
