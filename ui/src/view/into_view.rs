//! What may stand in braces between elements.

use crate::state::{Memo, RwSignal, Signal};

use super::{Element, View};

/// Something that can stand in the page.
pub trait IntoView {
    /// As a view.
    fn into_view(self) -> View;

    /// As a view, by the name that Leptos gives it.
    fn into_any(self) -> View
    where
        Self: Sized,
    {
        self.into_view()
    }
}

impl IntoView for View {
    fn into_view(self) -> View {
        self
    }
}

impl IntoView for Element {
    fn into_view(self) -> View {
        View::Element(self)
    }
}

impl IntoView for () {
    fn into_view(self) -> View {
        View::Nothing
    }
}

impl IntoView for String {
    fn into_view(self) -> View {
        View::Text(self)
    }
}

impl IntoView for &'static str {
    fn into_view(self) -> View {
        View::Static(self)
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl IntoView for $number {
            fn into_view(self) -> View {
                View::Text(self.to_string())
            }
        }
    )*};
}
numbers!(u16, u32, i64, u64, usize);

impl<V: IntoView> IntoView for Option<V> {
    fn into_view(self) -> View {
        self.map_or(View::Nothing, V::into_view)
    }
}

impl<V: IntoView> IntoView for Vec<V> {
    fn into_view(self) -> View {
        View::Many(self.into_iter().map(V::into_view).collect())
    }
}

impl<F: Fn() -> V + 'static, V: IntoView> IntoView for F {
    fn into_view(self) -> View {
        View::Live(Box::new(move || self().into_view()))
    }
}

macro_rules! signals {
    ($($signal:ident),*) => {$(
        impl<T: Clone + IntoView + 'static> IntoView for $signal<T> {
            fn into_view(self) -> View {
                View::Live(Box::new(move || self.get().into_view()))
            }
        }
    )*};
}
signals!(Memo, RwSignal, Signal);

/// Turns what an iterator gives into one view.
pub trait CollectView {
    /// As one view.
    fn collect_view(self) -> View;
}

impl<I: IntoIterator<Item: IntoView>> CollectView for I {
    fn collect_view(self) -> View {
        View::Many(self.into_iter().map(IntoView::into_view).collect())
    }
}
