use super::*;
use crate::fixture::Fixture;

#[test]
fn a_prompt_becomes_its_significant_words() {
    let check = |text: &str, expected: &str| assert_eq!(branch_name(text), expected, "{text:?}");
    check("Fix the login timeout", "fix-login-timeout");
    check(
        "hi!\n\nPlease add dark mode to the settings page",
        "add-dark-mode-settings-page",
    );
    check("Don't retry on 404", "dont-retry-404");
    check("Look at https://example.org/x/1 and fix it", "look-fix");
    check("https://example.org/x/1", "session");
    check("do it", "do-it");
    check("add tests\nthen a very long explanation", "add-tests");
    check("修复登录超时", "xiu-fu-deng-lu-chao-shi");
    check("Исправь вход", "isprav-vkhod");
    check("naïve café", "naive-cafe");
    check("fix 🚀 login", "fix-login");
    check("HEAD", "session-head");
    check("nul", "session-nul");
    check("deadbeef", "session-deadbeef");
    check(&"x".repeat(100), &"x".repeat(40));
    check(
        "internationalization internationalization internationalization",
        "internationalization",
    );
}

#[test]
fn nothing_usable_becomes_a_session() {
    for text in [
        "", " \n\t", "🎉🎉", "..", "@{", "-", "/", "~^:?*[\\", "\0", "\u{202e}",
    ] {
        assert_eq!(branch_name(text), "session", "{text:?}");
    }
}

/// A few shapes that git refuses, and pseudo-random mixtures of the characters that matter.
fn inputs() -> impl Iterator<Item = String> {
    let parts = [
        "a",
        "Z",
        "9",
        "-",
        "--",
        ".",
        "..",
        ".lock",
        "/",
        "//",
        "@",
        "@{",
        "~",
        "^",
        ":",
        "?",
        "*",
        "[",
        "\\",
        " ",
        "\n",
        "\t",
        "\0",
        "\u{7f}",
        "é",
        "ß",
        "登",
        "ﷺ",
        "🚀",
        "\u{301}",
        "\u{202e}",
        "head",
        "HEAD",
        "the",
        "con",
        "-f",
        "refs/heads/",
        "deadbeefdeadbeefdeadbeefdeadbeef",
        "İ",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |bound: usize| {
        // xorshift64; the same inputs in every run.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % bound as u64).unwrap()
    };
    let fixed = ["-x", "x.lock", "a..b", "@", "a/.b", "x/", "--help", "a b"].map(str::to_owned);
    let huge = ["x ".repeat(5_000_000), "登".repeat(3_000_000)];
    let mixed = (0..20_000).map(move |_| {
        let count = next(30);
        (0..count).map(|_| parts[next(parts.len())]).collect()
    });
    fixed.into_iter().chain(huge).chain(mixed)
}

#[tokio::test]
async fn git_allows_every_made_name() {
    let fixture = Fixture::new();
    let names: HashSet<String> = inputs().map(|text| branch_name(&text)).collect();
    for name in &names {
        assert!((1..=MAX_LENGTH).contains(&name.len()), "{name}");
        let words: Vec<_> = name.split('-').collect();
        assert!(
            words.iter().all(|word| !word.is_empty()
                && word
                    .bytes()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())),
            "{name}"
        );
    }
    for name in names.iter().take(250) {
        fixture
            .git
            .check_branch_name(&fixture.repo, name)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_name_that_git_refuses_or_expands_is_refused() {
    let fixture = Fixture::new();
    fixture.run(&fixture.repo, ["switch", "--quiet", "-c", "before"]);
    fixture.run(&fixture.repo, ["switch", "--quiet", "main"]);
    let long = "x".repeat(10_000_000);
    for name in [
        "", "-x", "--help", "a..b", "@{-1}", "@", "HEAD", "a b", "x.lock", "a\0b", "/x", "a\n",
        &long,
    ] {
        let checked = fixture.git.check_branch_name(&fixture.repo, name).await;
        assert!(
            matches!(checked, Err(WorkspaceError::BranchInvalid { .. })),
            "{name:.20?}"
        );
    }
    for name in ["x", "feature/login", "Ünïcode", "a@b"] {
        fixture
            .git
            .check_branch_name(&fixture.repo, name)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_unused_name_keeps_clear_of_branches_folders_tags_and_remotes() {
    let fixture = Fixture::new();
    let repo = &fixture.repo;
    for branch in ["fix", "fix-2", "dir/x", "Case"] {
        fixture.run(repo, ["branch", branch]);
    }
    fixture.run(repo, ["tag", "v1"]);
    fixture.run(repo, ["update-ref", "refs/remotes/origin/theirs", "HEAD"]);
    let check = async |wanted: &str, expected: &str| {
        let name = fixture.git.unused_branch(repo, wanted).await.unwrap();
        assert_eq!(name, expected, "{wanted}");
        fixture.run(repo, ["branch", &name]);
    };
    check("new", "new").await;
    check("fix", "fix-3").await;
    check("dir", "dir-2").await;
    check("fix/x", "fix-x").await;
    check("case", "case-2").await;
    check("v1", "v1-2").await;
    check("theirs", "theirs-2").await;
}
