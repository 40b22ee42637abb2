//! A second factor that is asked for once somebody is signed in: the session that is kept goes on with it, and with
//! nothing else.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use berth_protocol::Code;
use berth_tenant::auth::{Aal, AuthError, Keeper, SignedIn, StepUp};
use berth_tests::tenant::{SessionFile, SignInServer};
use tempfile::TempDir;
use uuid::Uuid;

use super::{
    refresh::{access, keeper_in, keeper_over, kept, signed_in},
    sign_in::{PASSWORD, secret, session},
};

/// Somebody who is signed in, and has a second factor since then. No refresh token may come again.
struct Fixture {
    server: SignInServer,
    keeper: Keeper,
    folder: TempDir,
    account: Uuid,
    factor: Uuid,
}

impl Fixture {
    async fn new() -> Self {
        let (server, keeper, folder, account) = signed_in(3600).await;
        server.grace(Duration::ZERO);
        let factor = server.add_factor(account, "totp", "123456");
        Self {
            server,
            keeper,
            folder,
            account,
            factor,
        }
    }

    async fn second(&self) -> StepUp {
        let second = self.keeper.step_up().await.expect("it can be asked");
        second.expect("there is one")
    }

    async fn enter(&self, second: &StepUp, code: &str) -> Result<SignedIn, AuthError> {
        let code = secret(code);
        self.keeper.verify(second, self.factor, &code).await
    }

    fn verify(&self) -> String {
        format!("/factors/{}/verify", self.factor)
    }

    /// The session goes on, and its refresh tokens were good each time.
    async fn goes_on(&self, keeper: &Keeper) {
        assert_eq!(self.server.sessions(self.account), 1);
        let token = access(keeper).await;
        let renewed = keeper.access_after_refusal(&token).await;
        renewed.expect("it goes on");
        let signed_in = keeper.signed_in().await.expect("it is known");
        assert_eq!(signed_in.map(|it| it.aal), Some(Aal::Two));
        assert_eq!(self.server.sessions(self.account), 1);
        assert_eq!(self.server.reused(), 0);
    }
}

#[tokio::test]
async fn a_second_factor_that_is_added_later_is_asked_for_when_it_is_needed() {
    let (server, keeper, _folder, _) = signed_in(3600).await;
    let none = keeper.step_up().await.expect("it can be asked");
    assert!(none.is_none(), "there is no factor");
    drop(server);

    let it = Fixture::new().await;
    let second = it.second().await;
    assert_eq!(second.who().user, it.account);
    assert_eq!(second.factors()[0].id, it.factor);
    let wrong = it.enter(&second, "654321").await;
    let error = wrong.expect_err("it is another");
    assert_eq!(error.code(), Code::TenantCodeWrong);
    let right = it.enter(&second, "123 456").await;
    let signed_in = right.expect("it can be tried again");
    assert_eq!(signed_in.aal, Aal::Two);
    assert_eq!(kept(&it.folder).expect("it is kept")["aal"], "aal2");
    it.goes_on(&it.keeper).await;
    let more = it.keeper.step_up().await.expect("it can be asked");
    assert!(more.is_none(), "nothing more is to be proved");
}

#[tokio::test]
async fn a_factor_that_cannot_be_asked_for_is_named_there_too() {
    let it = Fixture::new().await;
    let other = it.server.add_factor(it.account, "webauthn", "");
    let second = it.second().await;
    for id in [other, Uuid::nil()] {
        let refused = it.keeper.verify(&second, id, &secret("123456")).await;
        let error = refused.expect_err("there is no way");
        assert_eq!(error.code(), Code::TenantMfaNeeded, "{error}");
    }
}

#[tokio::test]
async fn who_refreshes_meanwhile_does_not_end_the_session() {
    for is_first in [false, true] {
        let it = Fixture::new().await;
        let second = it.second().await;
        let token = access(&it.keeper).await;
        let other = keeper_in(it.server.backend(), &it.folder);
        let code = secret("123456");
        let verify = it.keeper.verify(&second, it.factor, &code);
        let refresh = other.access_after_refusal(&token);
        let (verified, refreshed) = if is_first {
            tokio::join!(verify, refresh)
        } else {
            let (refreshed, verified) = tokio::join!(refresh, verify);
            (verified, refreshed)
        };
        verified.expect("the code is right");
        refreshed.expect("there is another token");
        it.goes_on(&it.keeper).await;
        it.goes_on(&other).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for_again_without_a_refresh() {
    let it = Fixture::new().await;
    let second = it.second().await;
    it.server.lose(&it.verify(), 1);
    let verified = it.enter(&second, "123456").await;
    assert_eq!(verified.expect("it is right").aal, Aal::Two);
    assert_eq!(it.server.seen(&format!("POST {}", it.verify())).len(), 2);
    assert_eq!(it.server.refreshes(), 0);
    it.goes_on(&it.keeper).await;
}

#[tokio::test]
async fn a_code_can_be_entered_again_when_nobody_has_heard_the_answer() {
    let it = Fixture::new().await;
    let second = it.second().await;
    let token = access(&it.keeper).await;
    it.server.lose(&it.verify(), 2);
    let lost = it.enter(&second, "123456").await;
    let error = lost.expect_err("nobody has heard it");
    assert_eq!(error.code(), Code::TenantUnreachable, "{error}");
    assert_eq!(access(&it.keeper).await, token, "it is good still");
    let verified = it.enter(&second, "123456").await;
    assert_eq!(verified.expect("it is right").aal, Aal::Two);
    assert_eq!(it.server.refreshes(), 0);
    it.goes_on(&it.keeper).await;
}

#[tokio::test]
async fn what_a_second_factor_gives_is_kept_before_anybody_gets_it() {
    let it = Fixture::new().await;
    let store = Arc::new(SessionFile::new(it.folder.path()));
    let keeper = keeper_over(it.server.backend(), &it.folder, Arc::clone(&store));
    let second = it.second().await;
    let token = access(&keeper).await;
    store.is_locked.store(true, Ordering::SeqCst);
    let code = secret("123456");
    let verified = keeper.verify(&second, it.factor, &code).await;
    let error = verified.expect_err("it cannot be kept");
    assert_eq!(error.code(), Code::SecretsRefused, "{error}");
    let error = keeper.access_after_refusal(&token).await;
    let error = error.expect_err("it cannot be kept");
    assert_eq!(error.code(), Code::SecretsRefused, "{error}");
    store.is_locked.store(false, Ordering::SeqCst);
    let renewed = keeper.access_after_refusal(&token).await;
    assert_ne!(renewed.expect("it is kept now"), token);
    assert_eq!(it.server.refreshes(), 0);
    it.goes_on(&keeper).await;
}

#[tokio::test]
async fn a_code_raises_nobody_else() {
    let it = Fixture::new().await;
    let second = it.second().await;
    let email = "other@acme.example";
    it.server.account(email, PASSWORD);
    let other = keeper_in(it.server.backend(), &it.folder);
    let begun = other.client().with_password(email, &secret(PASSWORD)).await;
    let theirs = session(begun.expect("it works"));
    other.keep(theirs).await.expect("it is kept");
    let verified = it.enter(&second, "123456").await;
    let error = verified.expect_err("somebody else is signed in");
    assert!(matches!(error, AuthError::SignedOut(_)), "{error}");
    let asked = it.server.seen(&format!("POST {}", it.verify()));
    assert!(asked.is_empty());
}
