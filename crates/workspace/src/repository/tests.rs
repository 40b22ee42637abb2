use super::*;

#[test]
fn worktrees_are_read_with_and_without_zero_bytes() {
    let listing = "worktree /x/repo\nHEAD 1234\nbranch refs/heads/main\n\n\
                   worktree /x/wt one\nHEAD 1234\ndetached\nlocked because of it\n\n\
                   worktree /x/two\nHEAD 1234\nbranch refs/heads/a/b\nlocked\n\n";
    for (listing, end) in [
        (listing.to_owned(), b'\n'),
        (listing.replace('\n', "\0"), 0),
    ] {
        let entries = parse_worktrees(listing.as_bytes(), end);
        let read: Vec<_> = entries
            .iter()
            .map(|entry| {
                (
                    entry.path.to_str().unwrap(),
                    entry.branch.as_deref(),
                    entry.locked.as_deref(),
                    entry.main,
                )
            })
            .collect();
        assert_eq!(
            read,
            [
                ("/x/repo", Some("refs/heads/main"), None, true),
                ("/x/wt one", None, Some("because of it"), false),
                ("/x/two", Some("refs/heads/a/b"), Some(""), false),
            ]
        );
    }
}
