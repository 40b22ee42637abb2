//! Signing in to the tenant backend, whose sign-in server is Supabase Auth (GoTrue), and keeping its session.
//!
//! ```text
//! Client -> with_password / with_code / begin -> Outcome -> Session -> Keeper::keep
//!                                                   \-> SecondFactor::verify -> Session
//!           whoever asks the backend something  <- Keeper::access
//!                          Keeper::verify <- StepUp <- Keeper::step_up
//! ```
//!
//! Requests and answers are those of Supabase Auth. Its refresh tokens are good once, so that only a [`Keeper`] uses
//! them. What a token says is read for show; rights are the backend's to decide.

mod backend;
mod browser;
mod claims;
mod client;
mod error;
mod factor;
mod keeper;
mod refusal;
mod session;
mod store;
mod web;
mod wire;

pub(crate) use backend::LOOPBACK;
pub use backend::{Backend, BackendError};
pub use browser::{BrowserSignIn, Way};
pub use client::Client;
pub use error::AuthError;
pub use factor::{Factor, FactorKind, Outcome, SecondFactor, StepUp};
pub use keeper::{Keeper, SignedOut};
pub use session::{Aal, Session, SignedIn};
pub use store::{Later, SessionStore, StoreError};
pub use wire::{Providers, User};
