use super::*;

fn pieces(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn scrub() -> Scrub {
    Scrub::new(
        Path::new("/var/tmp/aB3xY9"),
        Path::new("/cache/run/q7W"),
        &[Path::new("/cache/agents/bin")],
    )
}

#[test]
fn paths_are_replaced_by_as_wide_ones_also_across_pieces() {
    let said = pieces(&["in /var/tm", "p/aB3xY9/demo ", "and (aB3xY9), ~/demo"]);
    let scrubbed = scrub().pieces(&said);
    assert_eq!(
        scrubbed,
        ["in /srv/dev/tester", "/demo ", "and (tester), ~/demo"]
    );
    assert_eq!(scrubbed.concat().len(), said.concat().len());
}

#[test]
fn folders_of_the_tests_and_programs_get_names_of_their_own() {
    let said = pieces(&["/cache/run/q7W/claude and /cache/agents/bin/claude"]);
    assert_eq!(
        scrub().pieces(&said),
        ["/srv/dev/tester/.agents/claude and /usr/local/bin/claude"]
    );
}

#[test]
fn what_is_left_is_told() {
    let scrub = scrub();
    assert_eq!(scrub.left(&pieces(&["nothing"])), None);
    assert_eq!(scrub.left(&pieces(&["xaB3xY9x"])), Some("aB3xY9"));
}
