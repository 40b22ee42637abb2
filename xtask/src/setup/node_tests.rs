//! What `node --version` prints.

use super::*;

#[test]
fn the_major_version_is_read_from_nodes_own_form() {
    assert_eq!(major("v20.20.2\n"), Some(20));
    assert_eq!(major("node: bad option"), None);
}
