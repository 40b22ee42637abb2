use super::*;

fn remote(root: &str) -> Result<Remote, RemoteError> {
    Remote::new(root, Secret::new("sb_publishable".to_owned()))
}

#[test]
fn a_token_goes_over_https_or_stays_on_this_machine() {
    for good in [
        "https://example.supabase.co/rest/v1",
        "http://127.0.0.1:3000",
        "http://[::1]:3000/",
        "http://localhost:3000",
    ] {
        let root = remote(good).unwrap().root().to_owned();
        assert!(root.ends_with('/'), "{root}");
    }
    for bad in [
        "http://example.supabase.co/rest/v1",
        "http://127.0.0.1.example.org",
        "ftp://127.0.0.1",
        "https://a:b@example.org",
        "https://example.org?x=1",
        "example.org",
    ] {
        assert!(
            matches!(remote(bad), Err(RemoteError::Address { .. })),
            "{bad}"
        );
    }
    let said = remote("https://a:hidden@example.org").unwrap_err();
    assert!(!said.to_string().contains("hidden"), "{said}");
}

#[test]
fn a_refusal_says_what_is_to_be_done() {
    let remedy = |status: u16, body: &str| {
        let status = StatusCode::from_u16(status).unwrap();
        refused("sync_pull", status, body.as_bytes(), None).remedy()
    };
    let not_member = r#"{"code":"PT403","details":"org.not_member","message":"no"}"#;
    assert_eq!(remedy(403, not_member), Remedy::Leave);
    assert_eq!(remedy(403, r#"{"code":"42501"}"#), Remedy::Park);
    assert_eq!(remedy(403, "<html>org.not_member</html>"), Remedy::Wait);
    assert_eq!(remedy(500, r#"{"code":"40001"}"#), Remedy::AtOnce);
    assert_eq!(remedy(404, r#"{"code":"PGRST202"}"#), Remedy::OldSchema);
    assert_eq!(remedy(404, r#"{"code":"PGRST125"}"#), Remedy::Park);
    assert_eq!(remedy(401, r#"{"code":"PGRST301"}"#), Remedy::Refresh);
    assert_eq!(remedy(429, ""), Remedy::Wait);
    assert_eq!(remedy(502, "<html>"), Remedy::Wait);
    assert_eq!(remedy(413, "{}"), Remedy::Smaller);
}
