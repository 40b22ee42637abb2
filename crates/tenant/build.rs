//! Rebuilds the crate when a migration is added: `sqlx::migrate!` by itself only notices changes
//! in files that it already knows.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations/tenant");
}
