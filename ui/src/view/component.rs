//! Components: functions that stand in markup like elements.

use leptos::prelude::untrack;

use super::View;

/// What stands between the tags of a component.
pub type Children = Box<dyn FnOnce() -> View>;

/// The parameters of a component, filled in by name.
pub trait Props {
    /// Takes them one by one.
    type Builder;

    /// Begins with none.
    fn builder() -> Self::Builder;
}

/// Begins the parameters of a component.
pub fn props<P: Props>(_component: &impl Fn(P) -> View) -> P::Builder {
    P::builder()
}

/// Runs a component's body. What it reads from signals does not run it again.
pub fn quietly(body: impl FnOnce() -> View) -> View {
    untrack(body)
}
