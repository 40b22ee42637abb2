//! What every sign-in through the system browser needs, whoever asks for it: the address on this machine that the
//! browser answers at, the page that it shows then, the proof that the answer is redeemed by who asked (PKCE), a
//! lock between processes for what is kept, and how words of others are made fit to be shown.
//!
//! Which server is asked for what, and what its answer means, is not known here.
//!
//! ```
//! let verifier = berth_browser_sign_in::random();
//! assert_eq!(verifier.expose().len(), 43);
//! assert_eq!(berth_browser_sign_in::challenge(&verifier).len(), 43);
//! ```

mod callback;
mod lock;
mod page;
mod pkce;
mod visible;

pub use callback::{Callback, Received, Redirect};
pub use lock::{Lock, LockError};
pub use page::Page;
pub use pkce::{challenge, random};
pub use visible::{acts, causes, visible};
