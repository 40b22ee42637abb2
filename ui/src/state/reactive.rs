//! Signals, memos and effects in a form that costs little code.
//!
//! Leptos compiles each closure into copies of its own machinery. Here a closure is boxed, or the
//! value is taken out of its signal before the closure sees it, so that there is one copy for each
//! type of value. That makes the module a good deal smaller, and nobody can feel the difference.

use leptos::prelude::*;

/// A memo.
pub fn memo<T: PartialEq + Send + Sync + 'static>(
    compute: impl Fn() -> T + Send + Sync + 'static,
) -> Memo<T> {
    boxed_memo(Box::new(compute))
}

fn boxed_memo<T: PartialEq + Send + Sync + 'static>(
    compute: Box<dyn Fn() -> T + Send + Sync>,
) -> Memo<T> {
    Memo::new(move |_| compute())
}

/// An effect.
pub fn effect(run: impl FnMut() + 'static) {
    boxed_effect(Box::new(run));
}

fn boxed_effect(mut run: Box<dyn FnMut()>) {
    Effect::new(move |_| run());
}

/// Looks at a copy of a signal's value. For values that are cheap to copy.
pub trait See: Get {
    /// Looks, and follows the signal.
    #[inline]
    fn see<R>(&self, look: impl FnOnce(&Self::Value) -> R) -> R
    where
        Self: Sized,
    {
        look(&self.get())
    }
}

impl<S: Get> See for S {}

/// Looks at a copy of a signal's value without following it.
pub trait SeeUntracked: GetUntracked {
    /// Looks.
    #[inline]
    fn see_untracked<R>(&self, look: impl FnOnce(&Self::Value) -> R) -> R
    where
        Self: Sized,
    {
        look(&self.get_untracked())
    }
}

impl<S: GetUntracked> SeeUntracked for S {}
