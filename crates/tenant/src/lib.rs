//! The tenant backend: a Supabase project in which organizations keep what their members share.
//!
//! [`migrate`] brings its database to the schema of this version, and [`maintain`] does what it needs every day. What the
//! schema says, and why, stands in `migrations/tenant`. [`auth`] signs its users in and keeps their session. [`sync`] keeps
//! the local replica of an organization what the backend has, and brings the user's changes and audit events there;
//! whoever is signed in is behind [`access`].
//!
//! ```
//! let all = berth_tenant::migrate::migrations();
//! let newest = all.last().expect("there is a schema");
//! assert_eq!(newest.version.len(), 14);
//! ```

pub mod access;
pub mod auth;
pub mod maintain;
pub mod migrate;
pub mod sync;
