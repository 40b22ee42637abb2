use std::collections::BTreeSet;

use super::*;

/// Served without being described: the description itself, and the page that shows it.
const UNDESCRIBED: [&str; 4] = ["/docs", "/docs/", "/docs/{*rest}", "/openapi.json"];

/// Where axum itself sends what has no address.
const FALLBACK: [&str; 2] = ["/", "/{*__private__axum_fallback}"];

/// The addresses that a router knows. axum tells them in its `Debug` text only, as
/// `RouteId(1): "/path"`.
fn known<S>(router: &Router<S>) -> BTreeSet<String> {
    let text = format!("{router:?}");
    // What has no address of its own comes after.
    let (addresses, _) = text.split_once("fallback_router:").unwrap();
    let behind_ids = addresses.split("RouteId(").skip(1);
    behind_ids
        .filter_map(|part| {
            let (_, path) = part.split_once("): \"")?;
            let (path, _) = path.split_once('"')?;
            Some(path.to_owned())
        })
        .filter(|path| !FALLBACK.contains(&path.as_str()))
        .collect()
}

#[test]
fn whatever_is_served_is_described() {
    let served = known(&addresses());
    let described: BTreeSet<String> = described().1.paths.paths.into_keys().collect();
    assert!(described.len() > 30, "{described:?}");
    let without = |all: &BTreeSet<String>, known: &BTreeSet<String>| -> Vec<String> {
        all.difference(known).cloned().collect()
    };
    assert_eq!(without(&served, &described), UNDESCRIBED);
    assert_eq!(without(&described, &served), Vec::<String>::new());
}
