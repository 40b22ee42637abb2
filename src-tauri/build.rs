//! Build script of the desktop package.
fn main() {}
