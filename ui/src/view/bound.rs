//! Values of attributes, classes and properties: fixed, or following a signal.

use wasm_bindgen::JsValue;

use super::Element;
use crate::state::{Memo, RwSignal, Signal};

/// A value of an attribute; without one the attribute is not there.
pub type Text = Option<String>;

/// Something that is the value of an attribute now.
pub trait IntoText {
    fn into_text(self) -> Text;
}

impl IntoText for String {
    fn into_text(self) -> Text {
        Some(self)
    }
}

impl IntoText for &str {
    fn into_text(self) -> Text {
        Some(self.to_owned())
    }
}

impl IntoText for bool {
    fn into_text(self) -> Text {
        self.then(String::new)
    }
}

impl<T: IntoText> IntoText for Option<T> {
    fn into_text(self) -> Text {
        self.and_then(T::into_text)
    }
}

impl IntoText for i32 {
    fn into_text(self) -> Text {
        Some(self.to_string())
    }
}

/// Something that can be given to an attribute.
pub trait Attribute {
    fn give(self, element: &mut Element, name: &'static str);
}

/// Something that says yes or no.
pub trait Flag {
    fn toggle(self, element: &mut Element, class: &'static str);
}

/// Something that can be given to a property of an element.
pub trait Property {
    fn value(self) -> Box<dyn Fn() -> JsValue>;
}

impl Attribute for &str {
    fn give(self, element: &mut Element, name: &'static str) {
        element.set(name, Some(self));
    }
}

impl Attribute for String {
    fn give(self, element: &mut Element, name: &'static str) {
        element.set(name, Some(&self));
    }
}

impl Attribute for bool {
    fn give(self, element: &mut Element, name: &'static str) {
        element.set(name, self.then_some(""));
    }
}

impl Attribute for i32 {
    fn give(self, element: &mut Element, name: &'static str) {
        self.to_string().give(element, name);
    }
}

impl<T: Attribute> Attribute for Option<T> {
    fn give(self, element: &mut Element, name: &'static str) {
        if let Some(value) = self {
            value.give(element, name);
        }
    }
}

impl<F: Fn() -> T + 'static, T: IntoText> Attribute for F {
    fn give(self, element: &mut Element, name: &'static str) {
        element.follow_attribute(name, Box::new(move || self().into_text()));
    }
}

impl Flag for bool {
    fn toggle(self, element: &mut Element, class: &'static str) {
        element.set_class(class, self);
    }
}

impl<F: Fn() -> bool + 'static> Flag for F {
    fn toggle(self, element: &mut Element, class: &'static str) {
        element.follow_class(class, Box::new(self));
    }
}

impl<F: Fn() -> T + 'static, T: Into<JsValue>> Property for F {
    fn value(self) -> Box<dyn Fn() -> JsValue> {
        Box::new(move || self().into())
    }
}

macro_rules! signals {
    ($($signal:ident),*) => {$(
        impl<T: IntoText + Clone + 'static> Attribute for $signal<T> {
            fn give(self, element: &mut Element, name: &'static str) {
                element.follow_attribute(name, Box::new(move || self.get().into_text()));
            }
        }

        impl Flag for $signal<bool> {
            fn toggle(self, element: &mut Element, class: &'static str) {
                element.follow_class(class, Box::new(move || self.get()));
            }
        }

        impl<T: Into<JsValue> + Clone + 'static> Property for $signal<T> {
            fn value(self) -> Box<dyn Fn() -> JsValue> {
                Box::new(move || self.get().into())
            }
        }
    )*};
}
signals!(Memo, RwSignal, Signal);
