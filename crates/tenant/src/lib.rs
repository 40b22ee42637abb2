//! The tenant backend: a Supabase project in which organizations keep what their members share.
//!
//! [`migrate`] brings its database to the schema of this version. What the schema says, and why, stands in
//! `migrations/tenant`. Signing in and sync are no part of this crate yet.
//!
//! ```
//! let all = berth_tenant::migrate::migrations();
//! let newest = all.last().expect("there is a schema");
//! assert_eq!(newest.version.len(), 14);
//! ```

pub mod migrate;
