//! Work that goes on beside the page.

use std::future::Future;
use std::pin::Pin;

/// Starts it. It is boxed first: what runs a task is then in the wasm once and not once for each
/// kind of work.
pub fn spawn_local(work: impl Future<Output = ()> + 'static) {
    start(Box::pin(work));
}

fn start(work: Pin<Box<dyn Future<Output = ()>>>) {
    leptos::task::spawn_local(work);
}
