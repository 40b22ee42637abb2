//! What people ask an organization to erase, and what it asks them to agree to, over the API of a real engine that is
//! signed in to a real backend.

use berth_protocol::{
    Code, Problem,
    tenant::{
        OrgAccount, OrgConsentText, OrgConsents, OrgErasureAsked, OrgErasures, OrganizationRole,
    },
};
use berth_tests::tenant::addition;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    admin_api::{Desk, role_of},
    push,
};

const AT: &str = "2026-11-28T12:00:00Z";

async fn erasures(desk: &Desk) -> OrgErasures {
    let told = desk.engine.client.get(&desk.at("erasures")).await;
    told.expect("they are told")
}

/// Asks for an erasure; gives its identifier.
async fn ask(desk: &Desk, body: Value) -> Result<Uuid, Box<Problem>> {
    let path = desk.at("erasures");
    let asked = desk.engine.client.post::<OrgErasureAsked>(&path, &body);
    asked.await.map(|asked| asked.id)
}

async fn perform(desk: &Desk, id: Uuid) -> Result<(), Box<Problem>> {
    let path = desk.at(&format!("erasures/{id}/perform"));
    let request = desk.engine.client.request(Method::POST, &path);
    desk.engine.client.send(request).await.map(drop)
}

async fn consents(desk: &Desk) -> OrgConsents {
    let told = desk.engine.client.get(&desk.at("consent-texts")).await;
    told.expect("they are told")
}

async fn publish(desk: &Desk, purpose: &str, body: &str) -> Result<OrgConsents, Box<Problem>> {
    let text = json!({"purpose": purpose, "body": body});
    let path = desk.at("consent-texts");
    desk.engine.client.post(&path, &text).await
}

/// Agrees to a text (`PUT`), or takes that back (`DELETE`).
async fn say(desk: &Desk, method: Method, text: Uuid) -> Result<OrgConsents, Box<Problem>> {
    let path = desk.at(&format!("consent-texts/{text}/agreement"));
    let request = desk.engine.client.request(method, &path);
    desk.engine.client.value(request).await
}

/// The text of this version, once it is so.
async fn text_until(
    desk: &Desk,
    what: &str,
    version: u32,
    is_so: impl Fn(&OrgConsentText) -> bool,
) -> OrgConsentText {
    let found = async || {
        let mut texts = consents(desk).await.texts.into_iter();
        texts.find(|text| text.version == version && is_so(text))
    };
    desk.engine.client.until(what, found).await
}

#[tokio::test]
async fn an_admin_performs_what_a_member_has_asked_for_and_the_request_names_nobody_any_more() {
    let Some(desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    let user = desk.org.user.id;
    let of_org = json!({"org": desk.org.id});
    let asked = desk.org.user.call("request_erasure", of_org.clone()).await;
    let asked: Uuid = serde_json::from_value(asked.ok()).expect("it is an id");
    let known = erasures(&desk).await;
    assert!(known.is_admin);
    let open = &known.requests[0];
    assert_eq!((open.id, open.performed_at), (asked, None));
    for person in [&open.person, &open.requested_by] {
        let person = person.as_ref().expect("they are named");
        assert_eq!(
            (person.user.0, person.email.as_str()),
            (user, "user@acme.example")
        );
    }
    let people: Vec<Uuid> = known.people.iter().map(|it| it.user.0).collect();
    assert_eq!(people, [desk.org.admin.id], "for the other one is open");
    let again = ask(&desk, json!({"user": user})).await;
    assert_eq!(again.expect("it is taken"), asked);

    perform(&desk, asked).await.expect("an admin performs");
    desk.until("they are gone", |it| role_of(it, user).is_none())
        .await;
    let known = erasures(&desk).await;
    let done = &known.requests[0];
    assert!(done.performed_at.is_some(), "{done:?}");
    assert_eq!((&done.person, &done.requested_by), (&None, &None));
    assert_eq!(known.people.len(), 1, "{:?}", known.people);
    perform(&desk, asked).await.expect("once more is once");
    let gone = desk.org.user.call("sync_head", of_org.clone()).await;
    assert_eq!(gone.refusal(), "org.not_member");
    let verified = desk.org.admin.call("audit_verify", of_org).await.ok();
    assert_eq!(verified["valid"], true, "{verified}");

    // The trail of this machine has what was done, and not to whom.
    let trail = desk.engine.client.audit().await;
    let noted = trail
        .iter()
        .filter(|event| event.action.starts_with("org.erasure_"));
    let noted: Vec<String> = noted.map(|event| event.details.to_string()).collect();
    assert!(noted.len() >= 2, "{noted:?}");
    for details in noted {
        assert!(details.contains(&asked.to_string()), "{details}");
        assert!(!details.contains(&user.to_string()), "{details}");
    }
    desk.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn an_admin_erases_neither_themselves_nor_anybody_of_another_organization() {
    let Some(desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    let own = ask(&desk, json!({})).await.expect("it is taken");
    let refused = perform(&desk, own).await.expect_err("it is refused");
    assert_eq!(refused.code, Code::ErasureOfOneself);
    assert_eq!(refused.detail, "nobody can erase themselves");
    let stranger = ask(&desk, json!({"user": Uuid::now_v7()})).await;
    assert_eq!(
        stranger.expect_err("it is refused").code,
        Code::MemberNotFound
    );

    // What another organization has is neither seen nor touched from here.
    let other = desk.project.backend.organization("globex").await;
    let theirs = other.user.call("request_erasure", json!({"org": other.id}));
    let theirs: Uuid = serde_json::from_value(theirs.await.ok()).expect("it is an id");
    let refused = perform(&desk, theirs).await.expect_err("it is refused");
    assert_eq!(refused.code, Code::ErasureNotFound);
    for what in ["erasures", "consent-texts"] {
        let path = format!("/org/organizations/{}/{what}", other.id);
        let refused = desk.engine.client.get::<Value>(&path).await;
        let refused = refused.expect_err("it is refused");
        assert_eq!(refused.code, Code::TenantNotFound, "{what}");
    }
    let known = erasures(&desk).await;
    let ids: Vec<Uuid> = known.requests.iter().map(|it| it.id).collect();
    assert_eq!(ids, [own]);
}

#[tokio::test]
async fn a_member_asks_for_themselves_sees_their_own_request_and_performs_none() {
    let Some(desk) = Desk::of(OrganizationRole::User).await else {
        return;
    };
    let of_admin = json!({"org": desk.org.id});
    let of_admin = desk.org.admin.call("request_erasure", of_admin).await.ok();
    let of_admin: Uuid = serde_json::from_value(of_admin).expect("it is an id");
    let known = erasures(&desk).await;
    assert!(!known.is_admin && known.requests.is_empty(), "{known:?}");
    let people: Vec<bool> = known.people.iter().map(|it| it.is_you).collect();
    assert_eq!(people, [true]);

    let own = ask(&desk, json!({})).await.expect("everybody may ask");
    let refused = ask(&desk, json!({"user": desk.org.admin.id})).await;
    assert_eq!(refused.expect_err("it is refused").code, Code::NotAnAdmin);
    let known = erasures(&desk).await;
    let ids: Vec<Uuid> = known.requests.iter().map(|it| it.id).collect();
    assert_eq!(ids, [own]);
    assert!(known.people.is_empty(), "{:?}", known.people);
    for id in [own, of_admin] {
        let refused = perform(&desk, id).await.expect_err("it is refused");
        assert_eq!(refused.code, Code::ErasureNotFound, "{}", refused.detail);
    }

    let performed = json!({"request": own});
    desk.org.admin.call("perform_erasure", performed).await.ok();
    desk.look().await;
    let gone = async || desk.state().await.organizations.is_empty().then_some(());
    desk.engine.client.until("nothing is left", gone).await;
}

#[tokio::test]
async fn an_admin_publishes_texts_and_sees_who_agrees() {
    let Some(desk) = Desk::of(OrganizationRole::Admin).await else {
        return;
    };
    for (purpose, body, field) in [
        ("Recording", "words", "purpose"),
        ("recording", " ", "body"),
    ] {
        let refused = publish(&desk, purpose, body)
            .await
            .expect_err("it is refused");
        assert_eq!(refused.code, Code::BadRequest);
        assert_eq!(refused.fields[0].field, field);
    }
    let first = publish(&desk, "recording", "first words").await;
    let first = first.expect("an admin publishes").texts.remove(0);
    assert_eq!((first.version, first.is_current), (1, true));
    text_until(&desk, "it has arrived", 1, |text| !text.waits).await;
    let consent = json!({"consent_text_id": first.id, "granted_at": AT});
    let consent = addition("consent", Uuid::now_v7(), consent);
    push(&desk.org.user, desk.org.id, &[consent]).await;

    let second = publish(&desk, "recording", "second words").await;
    let second = second.expect("an admin publishes").texts.remove(0);
    assert_eq!((second.version, second.body.as_str()), (2, "second words"));
    text_until(&desk, "it has arrived", 2, |text| !text.waits).await;
    desk.look().await;
    // Who has agreed to an older text has not agreed to the newest.
    let agreed = |text: &OrgConsentText| text.agreements.len() == 1;
    let older = text_until(&desk, "the agreement is seen", 1, agreed).await;
    let agreement = &older.agreements[0];
    assert_eq!(agreement.person.user.0, desk.org.user.id);
    assert_eq!(agreement.at.to_string(), AT);
    assert!(!older.is_current && older.agreed_at.is_none(), "{older:?}");
    let newest = text_until(&desk, "it is there", 2, |_| true).await;
    assert!(
        newest.is_current && newest.agreements.is_empty(),
        "{newest:?}"
    );
    desk.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn a_member_agrees_takes_it_back_and_publishes_nothing() {
    let Some(mut desk) = Desk::of(OrganizationRole::User).await else {
        return;
    };
    let refused = publish(&desk, "recording", "words").await;
    assert_eq!(refused.expect_err("it is refused").code, Code::NotAnAdmin);
    let missing = say(&desk, Method::PUT, Uuid::now_v7()).await;
    let missing = missing.expect_err("it is refused");
    assert_eq!(missing.code, Code::TenantRowNotFound);
    let texts = [("recording", 1), ("telemetry", 2)].map(|(purpose, version)| {
        let words = json!({"purpose": purpose, "version": version, "body": "words"});
        addition("consent_text", Uuid::now_v7(), words)
    });
    push(&desk.org.admin, desk.org.id, &texts).await;
    desk.look().await;
    let text = text_until(&desk, "it is there", 1, |_| true).await;
    let rows = async || {
        let path = format!("consents?user_id=eq.{}", desk.org.user.id);
        desk.org.admin.get(&path).await.rows()
    };

    for _ in 0..2 {
        let agreed = say(&desk, Method::PUT, text.id).await;
        agreed.expect("everybody agrees for themselves");
    }
    let agreed = |text: &OrgConsentText| text.agreed_at.is_some() && !text.waits;
    let agreed = text_until(&desk, "it has arrived", 1, agreed).await;
    assert!(agreed.agreements[0].person.is_you, "{agreed:?}");
    let stored = rows().await;
    assert_eq!(stored.len(), 1, "once is enough: {stored:?}");
    assert_eq!(stored[0]["consent_text_id"], json!(text.id));
    assert_eq!(stored[0]["withdrawn_at"], Value::Null);

    let withdrawn = say(&desk, Method::DELETE, text.id).await;
    withdrawn.expect("it is taken back");
    let is_over = |text: &OrgConsentText| text.agreed_at.is_none() && !text.waits;
    text_until(&desk, "it has arrived", 1, is_over).await;
    let stored = rows().await;
    assert!(stored[0]["withdrawn_at"].is_string(), "{stored:?}");

    // Without a network it waits, and can be taken back all the same.
    desk.project.unplug().await;
    desk.engine.restart().await;
    let is_signed_in = async || {
        let account = desk.state().await.account;
        matches!(account, OrgAccount::SignedIn { .. }).then_some(())
    };
    let client = &desk.engine.client;
    client.until("they are signed in", is_signed_in).await;
    let other = text_until(&desk, "it is there", 2, |_| true).await;
    let of_other = |told: Result<OrgConsents, Box<Problem>>| {
        let mut texts = told.expect("it is taken").texts.into_iter();
        texts.find(|text| text.id == other.id).expect("it is there")
    };
    let agreed = of_other(say(&desk, Method::PUT, other.id).await);
    assert!(agreed.agreed_at.is_some() && agreed.waits, "{agreed:?}");
    let withdrawn = of_other(say(&desk, Method::DELETE, other.id).await);
    assert!(withdrawn.agreed_at.is_none(), "{withdrawn:?}");
}
