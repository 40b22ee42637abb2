//! Signing in to servers (specification, `/basic/authorization`): a sign-in through the browser, what is kept
//! of it, and who gives out its tokens.
//!
//! ```text
//! Wish -> SignIn::begin -> url() in the browser -> finish() -> Grant -> Broker::keep
//!                                       a connection  <- TokenSource <- Broker::source
//! TokenTerms -> Unattended, where nobody signs in  <- TokenSource
//! ```
//!
//! rmcp has a state machine for the same. It is not used, because what it leaves to its caller is most of what
//! keeps a user safe, and lies between its steps: it takes any authorization and token endpoint, goes on
//! without PKCE and with endpoints that it makes up, passes over an `error` in the browser's answer, does not
//! keep the client's secret, and prints codes and tokens into its debug log.

mod address;
mod authorization;
mod broker;
mod challenge;
mod discovery;
mod error;
mod grant;
mod provider;
mod registration;
mod sign_in;
mod signing;
mod step_up;
mod token;
mod unattended;
mod web;

pub use address::page as page_address;
pub use berth_browser_sign_in::Redirect;
pub use broker::{Broker, Revoked, TokenSource};
pub use challenge::Challenge;
pub use error::OauthError;
pub use grant::{Grant, GrantState, Later, StoreError, TokenStore};
pub use provider::{redirect, takes_resource};
pub use registration::Registered;
pub use sign_in::{SignIn, Wish};
pub use unattended::{ClientHome, ClientProof, TokenTerms, Unattended, Vouched};
