use super::*;

#[test]
fn what_was_kept_may_be_retired_once_it_is_older_than_the_shortest_retention() {
    let kept = |text: &str| serde_json::from_str::<Kept>(text).unwrap();
    let known = kept(r#"{"seq": 7, "hash": "00", "at": 1000}"#);
    assert!(known.is_young(1_000));
    assert!(known.is_young(999 + LEAST_RETENTION));
    assert!(!known.is_young(1_000 + LEAST_RETENTION));
    // What an older version has kept says nothing of its age.
    assert!(!kept(r#"{"seq": 7, "hash": "00"}"#).is_young(1_000));
}
