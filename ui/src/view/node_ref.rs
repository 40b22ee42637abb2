//! References to elements of the page.

use std::marker::PhantomData;

use wasm_bindgen::JsCast;

use crate::state::RwSignal;

/// Types of elements by their names.
pub mod html {
    pub use web_sys::{
        HtmlButtonElement as Button, HtmlDialogElement as Dialog, HtmlDivElement as Div,
        HtmlElement as Heading, HtmlInputElement as Input, HtmlTextAreaElement as Textarea,
    };
}

/// Knows an element of the page while it exists.
pub struct NodeRef<T> {
    element: RwSignal<Option<web_sys::Element>>,
    kind: PhantomData<fn() -> T>,
}

impl<T> Clone for NodeRef<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for NodeRef<T> {}

impl<T: JsCast> NodeRef<T> {
    pub fn new() -> Self {
        Self {
            element: RwSignal::new(None),
            kind: PhantomData,
        }
    }

    /// The element, which is followed.
    pub fn get(self) -> Option<T> {
        self.element.get().map(|found| found.unchecked_into())
    }

    /// The element.
    pub fn get_untracked(self) -> Option<T> {
        self.element
            .get_untracked()
            .map(|found| found.unchecked_into())
    }

    pub(super) fn set(self, element: Option<web_sys::Element>) {
        self.element.try_set(element);
    }

    /// Forgets the element, unless another one has taken its place.
    pub(super) fn forget(self, element: &web_sys::Element) {
        let known = self.element.try_get_untracked().flatten();
        if known.is_some_and(|known| known == *element) {
            self.set(None);
        }
    }
}
