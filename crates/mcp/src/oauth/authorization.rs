//! What the authorization server is asked in the browser, and for which scopes.

use std::collections::BTreeSet;

use berth_browser_sign_in::challenge;
use berth_protocol::Secret;

use super::{
    Wish,
    discovery::{Discovered, is_scope},
    grant::Client,
    provider,
};

/// What the user has set, else what the server wants for what was tried, else what it names; together with
/// what was asked for before. All that an authorization server knows is never asked for.
pub(super) fn scopes(wish: &Wish, found: &Discovered) -> Vec<String> {
    let wanted = [&wish.scopes, &wish.challenge.scopes, &found.scopes];
    // A step-up has to ask for what is wanted now, whatever was set for the beginning.
    let wanted: Vec<&String> = if wish.challenge.wants_more() {
        wish.scopes.iter().chain(&wish.challenge.scopes).collect()
    } else {
        let first = wanted.into_iter().find(|scopes| !scopes.is_empty());
        first.into_iter().flatten().collect()
    };
    let mut seen = BTreeSet::new();
    let mut scopes: Vec<String> = wish.held.iter().chain(wanted).cloned().collect();
    scopes.retain(|scope| is_scope(scope) && seen.insert(scope.clone()));
    if found.offline_access && !scopes.is_empty() && seen.insert("offline_access".to_owned()) {
        scopes.push("offline_access".to_owned());
    }
    scopes
}

pub(super) fn url(
    found: &Discovered,
    client: &Client,
    redirect: &str,
    state: &Secret,
    verifier: &Secret,
    scopes: &[String],
    resource: Option<&str>,
) -> String {
    let challenge = challenge(verifier);
    let scope = scopes.join(" ");
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", client.id.as_str()),
        ("redirect_uri", redirect),
        ("state", state.expose().as_str()),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    if !scope.is_empty() {
        pairs.push(("scope", &scope));
    }
    if let Some(resource) = resource {
        pairs.push(("resource", resource));
    }
    pairs.extend(provider::more(&found.issuer));
    let mut url = found.authorization.clone();
    // What stands in the endpoint stays, but never decides what Berth says.
    let said: Vec<(String, String)> = found
        .authorization
        .query_pairs()
        .filter(|(name, _)| pairs.iter().all(|(ours, _)| ours != name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(said)
        .extend_pairs(pairs);
    url.into()
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::oauth::grant::Method;

    fn found(endpoint: &str) -> Discovered {
        Discovered {
            issuer: "https://as.example".to_owned(),
            resource: None,
            scopes: vec!["c".to_owned()],
            authorization: Url::parse(endpoint).unwrap(),
            token: Url::parse("https://as.example/token").unwrap(),
            registration: None,
            revocation: None,
            methods: None,
            takes_documents: false,
            says_issuer: true,
            offline_access: false,
        }
    }

    fn words(text: &str) -> Vec<String> {
        text.split(' ')
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn scopes_are_those_of_the_user_then_of_the_challenge_then_of_the_server() {
        for (set, challenged, error, held, offline, wanted) in [
            ("a", "b", None, "", false, "a"),
            ("", "b", None, "", false, "b"),
            ("", "", None, "", false, "c"),
            ("", "b", None, "", true, "b offline_access"),
            ("", "b", Some("insufficient_scope"), "x", false, "x b"),
            ("a", "b", Some("insufficient_scope"), "a x", false, "a x b"),
        ] {
            let mut wish = Wish::new("https://a.example");
            wish.scopes = words(set);
            wish.held = words(held);
            wish.challenge.scopes = words(challenged);
            wish.challenge.error = error.map(str::to_owned);
            let mut found = found("https://as.example/authorize");
            found.offline_access = offline;
            assert_eq!(
                scopes(&wish, &found),
                words(wanted),
                "{set} {challenged} {held}"
            );
        }
        let mut found = found("https://as.example/authorize");
        (found.scopes, found.offline_access) = (Vec::new(), true);
        assert_eq!(scopes(&Wish::new("https://a.example"), &found), [""; 0]);
    }

    #[test]
    fn what_stands_in_the_endpoint_does_not_decide_what_is_asked_for() {
        let found =
            found("https://as.example/authorize?tenant=a&redirect_uri=https://evil.example");
        let client = Client {
            id: "berth".to_owned(),
            secret: None,
            method: Method::Public,
        };
        let secret = |text: &str| Secret::new(text.to_owned());
        let asked = url(
            &found,
            &client,
            "http://127.0.0.1:9/callback",
            &secret("state"),
            // The example of RFC 7636, appendix B.
            &secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            &words("a b"),
            Some("https://a.example/mcp"),
        );
        let expected = "https://as.example/authorize?tenant=a&response_type=code&client_id=berth\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&state=state\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
             &scope=a+b&resource=https%3A%2F%2Fa.example%2Fmcp";
        assert_eq!(asked, expected);
    }
}
