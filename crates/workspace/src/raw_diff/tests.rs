use super::*;

fn parse(records: &[&[u8]]) -> Result<RawChanges, String> {
    let mut parser = Parser::default();
    records.iter().for_each(|record| parser.record(record));
    parser.finish()
}

#[test]
fn names_that_look_like_records_are_names() {
    let changes = parse(&[
        b":100644 100644 1234567 0000000 M",
        b":100644 100644 1234567 0000000 D",
        b":100644 100644 1234567 1234567 R087",
        b"1\t2\told",
        b"3\t4\tnew",
        b"1\t2\t:100644 100644 1234567 0000000 D",
        b"5\t6\t",
        b"1\t2\told",
        b"3\t4\tnew",
    ])
    .unwrap();
    let odd = &changes[b":100644 100644 1234567 0000000 D".as_slice()];
    assert_eq!((odd.kind, odd.added), (ChangeKind::Modified, Some(1)));
    let new = &changes[b"3\t4\tnew".as_slice()];
    assert_eq!(new.kind, ChangeKind::Renamed);
    assert_eq!(new.old_path.as_deref(), Some(b"1\t2\told".as_slice()));
    assert_eq!((new.added, new.removed), (Some(5), Some(6)));
}

#[test]
fn a_conflict_stays_one_when_the_file_is_listed_twice() {
    let changes = parse(&[
        b":000000 000000 0000000 0000000 U",
        b"x",
        b":100644 100644 1234567 0000000 M",
        b"x",
        b"4\t0\tx",
    ])
    .unwrap();
    assert_eq!(changes[b"x".as_slice()].kind, ChangeKind::Conflicted);
    assert_eq!(changes[b"x".as_slice()].added, Some(4));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    assert!(parse(&[b":100644 100644 1234567 0000000 M"]).is_err());
    assert!(parse(&[b"nonsense"]).is_err());
    assert_eq!(parse(&[]), Ok(RawChanges::new()));
}
