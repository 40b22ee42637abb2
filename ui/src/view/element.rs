//! An element that is being made.

use leptos::prelude::{Owner, RenderEffect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::Node;

use super::bound::{Attribute, Flag, Property, Text};
use super::{IntoView, Mounted, NodeRef, View, follow};
use crate::web::dom;

const SVG: &str = "http://www.w3.org/2000/svg";

/// An element of the page with what it follows and what stands in it. A pointer, because it is
/// handed from call to call while it is made.
pub struct Element(Box<Made>);

struct Made {
    node: web_sys::Element,
    effects: Vec<RenderEffect<()>>,
    children: Vec<Mounted>,
    /// Empties the reference to the element when it goes.
    forget: Option<Box<dyn FnOnce()>>,
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some(forget) = self.forget.take() {
            forget();
        }
    }
}

impl Element {
    /// An element of HTML: its name, then names and values of attributes, a line each.
    pub fn html(opening: &str) -> Self {
        Self::open(None, opening)
    }

    /// An element of SVG.
    pub fn svg(opening: &str) -> Self {
        Self::open(Some(SVG), opening)
    }

    #[expect(
        clippy::expect_used,
        reason = "the names in markup are names of elements"
    )]
    fn open(namespace: Option<&str>, opening: &str) -> Self {
        let mut lines = opening.split('\n');
        let name = lines.next().unwrap_or_default();
        let document = dom::document();
        let node = match namespace {
            Some(_) => document.create_element_ns(namespace, name),
            None => document.create_element(name),
        };
        let node = node.expect("a name");
        while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
            node.set_attribute(name, value).ok();
        }
        Self(Box::new(Made {
            node,
            effects: Vec::new(),
            children: Vec::new(),
            forget: None,
        }))
    }

    pub(super) fn node(&self) -> &Node {
        &self.0.node
    }

    /// Sets an attribute.
    #[inline]
    pub fn attribute(mut self, name: &'static str, value: impl Attribute) -> Self {
        value.give(&mut self, name);
        self
    }

    /// Adds a class while something holds.
    #[inline]
    pub fn class(mut self, name: &'static str, on: impl Flag) -> Self {
        on.toggle(&mut self, name);
        self
    }

    /// Sets a property, such as the value of an input that the user can change.
    #[inline]
    pub fn property(self, name: &'static str, value: impl Property) -> Self {
        self.follow_property(name, value.value())
    }

    pub(super) fn set(&mut self, name: &str, value: Option<&str>) {
        set_attribute(&self.0.node, name, value);
    }

    pub(super) fn follow_attribute(&mut self, name: &'static str, value: Box<dyn Fn() -> Text>) {
        let node = self.0.node.clone();
        self.follow(Box::new(move || {
            set_attribute(&node, name, value().as_deref())
        }));
    }

    pub(super) fn set_class(&mut self, name: &str, on: bool) {
        set_class(&self.0.node, name, on);
    }

    pub(super) fn follow_class(&mut self, name: &'static str, on: Box<dyn Fn() -> bool>) {
        let node = self.0.node.clone();
        self.follow(Box::new(move || set_class(&node, name, on())));
    }

    fn follow_property(mut self, name: &'static str, value: Box<dyn Fn() -> JsValue>) -> Self {
        let node = self.0.node.clone();
        self.follow(Box::new(move || {
            js_sys::Reflect::set(&node, &name.into(), &value()).ok();
        }));
        self
    }

    fn follow(&mut self, run: Box<dyn FnMut()>) {
        self.0.effects.push(follow(run));
    }

    /// Runs a handler on an event.
    #[inline]
    pub fn on<E: JsCast + 'static>(self, name: &str, mut handler: impl FnMut(E) + 'static) -> Self {
        self.listen(name, Box::new(move |event| handler(event.unchecked_into())))
    }

    fn listen(self, name: &str, mut handler: Box<dyn FnMut(web_sys::Event)>) -> Self {
        let owner = Owner::current().unwrap_or_default();
        let closure = Closure::<dyn FnMut(web_sys::Event)>::new(move |event| {
            owner.with(|| handler(event));
        });
        // The browser frees the handler with the element.
        self.0
            .node
            .add_event_listener_with_callback(name, closure.into_js_value().unchecked_ref())
            .ok();
        self
    }

    /// Makes the element known.
    pub fn node_ref<T: JsCast + 'static>(mut self, reference: NodeRef<T>) -> Self {
        reference.set(Some(self.0.node.clone()));
        let node = self.0.node.clone();
        self.0.forget = Some(Box::new(move || reference.forget(&node)));
        self
    }

    /// Adds a text that stays.
    pub fn text(self, text: &str) -> Self {
        let node = dom::document().create_text_node(text);
        self.0.node.append_child(&node).ok();
        self
    }

    /// Adds an element.
    pub fn element(self, child: Self) -> Self {
        self.with(View::Element(child))
    }

    /// Adds what stands in it.
    #[inline]
    pub fn child(self, child: impl IntoView) -> Self {
        self.with(child.into_view())
    }

    fn with(mut self, child: View) -> Self {
        let mounted = child.mount(&self.0.node, None);
        // What never changes and follows nothing needs not to be kept.
        if !matches!(mounted, Mounted::Nothing | Mounted::Text(_)) {
            self.0.children.push(mounted);
        }
        self
    }
}

fn set_attribute(node: &web_sys::Element, name: &str, value: Option<&str>) {
    match value {
        Some(value) => node.set_attribute(name, value).ok(),
        None => node.remove_attribute(name).ok(),
    };
}

fn set_class(node: &web_sys::Element, name: &str, on: bool) {
    node.class_list().toggle_with_force(name, on).ok();
}
