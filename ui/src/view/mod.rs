//! What stands in the page: elements, texts, and parts that change.
//!
//! This takes the place of Leptos' renderer; signals, stores and effects are Leptos'. An element is
//! made as soon as its markup is reached, and one type stands for all views, so the code of this
//! module is in the wasm once and not once for each element, attribute and child.

mod bound;
mod component;
mod element;
mod into_view;
mod list;
mod node_ref;
pub mod prelude;

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::RenderEffect;
use web_sys::Node;

use crate::web::dom;

pub use component::{Children, Props, props, quietly};
pub use element::Element;
pub use into_view::{CollectView, IntoView};
pub use list::keyed;
pub use node_ref::{NodeRef, html};

/// What is to stand in the page.
pub enum View {
    /// Nothing.
    Nothing,
    /// A text.
    Text(String),
    /// A text of the program.
    Static(&'static str),
    /// An element, which exists already.
    Element(Element),
    /// One after the other.
    Many(Vec<View>),
    /// A part that is made anew whenever a signal changes that it reads.
    Live(Box<dyn FnMut() -> View>),
    /// A list whose rows keep their elements while they move.
    List(list::List),
}

/// What stands in the page. Dropping it ends its effects but leaves its nodes where they are.
pub enum Mounted {
    Nothing,
    Text(web_sys::Text),
    Element(Element),
    Many(Vec<Mounted>),
    Live(Live),
    List(list::MountedList),
}

/// A part that changes, and the mark behind it.
pub struct Live {
    now: Rc<RefCell<Mounted>>,
    end: Node,
    #[expect(dead_code, reason = "it lives as long as the part")]
    effect: RenderEffect<()>,
}

impl Drop for Live {
    /// The effect's closure is freed a moment later, but what it has made must not follow anything
    /// from now on: the signals may be gone already.
    fn drop(&mut self) {
        self.now.replace(Mounted::Nothing);
    }
}

impl View {
    /// Puts the view into the page, in front of a node or at the end.
    pub fn mount(self, parent: &Node, before: Option<&Node>) -> Mounted {
        match self {
            Self::Nothing => Mounted::Nothing,
            Self::Text(text) => mount_text(&text, parent, before),
            Self::Static(text) => mount_text(text, parent, before),
            Self::Element(element) => {
                insert(parent, element.node(), before);
                Mounted::Element(element)
            }
            Self::Many(views) => Mounted::Many(
                views
                    .into_iter()
                    .map(|view| view.mount(parent, before))
                    .collect(),
            ),
            Self::Live(make) => live(make, parent, before),
            Self::List(list) => Mounted::List(list.mount(parent, before)),
        }
    }
}

impl Mounted {
    /// Takes its nodes out of the page.
    pub fn remove(&self) {
        match self {
            Self::Nothing => {}
            Self::Text(node) => take_out(node),
            Self::Element(element) => take_out(element.node()),
            Self::Many(parts) => parts.iter().for_each(Self::remove),
            Self::Live(Live { now, end, .. }) => {
                now.borrow().remove();
                take_out(end);
            }
            Self::List(list) => list.remove(),
        }
    }

    /// Puts its nodes in front of another one.
    fn move_before(&self, parent: &Node, before: &Node) {
        match self {
            Self::Nothing => {}
            Self::Text(node) => insert(parent, node, Some(before)),
            Self::Element(element) => insert(parent, element.node(), Some(before)),
            Self::Many(parts) => parts
                .iter()
                .for_each(|part| part.move_before(parent, before)),
            Self::Live(Live { now, end, .. }) => {
                now.borrow().move_before(parent, before);
                insert(parent, end, Some(before));
            }
            Self::List(list) => list.move_before(parent, before),
        }
    }

    /// Its first node.
    fn first(&self) -> Option<Node> {
        match self {
            Self::Nothing => None,
            Self::Text(node) => Some(Node::clone(node)),
            Self::Element(element) => Some(element.node().clone()),
            Self::Many(parts) => parts.iter().find_map(Self::first),
            Self::Live(Live { now, end, .. }) => now.borrow().first().or_else(|| Some(end.clone())),
            Self::List(list) => list.first(),
        }
    }

    /// Its last node.
    fn last(&self) -> Option<Node> {
        match self {
            Self::Many(parts) => parts.iter().rev().find_map(Self::last),
            Self::Live(Live { end, .. }) => Some(end.clone()),
            Self::List(list) => Some(list.end().clone()),
            other => other.first(),
        }
    }
}

fn mount_text(text: &str, parent: &Node, before: Option<&Node>) -> Mounted {
    let node = dom::document().create_text_node(text);
    insert(parent, &node, before);
    Mounted::Text(node)
}

/// An effect of the page: it runs now and whenever a signal changes that it reads, until it is
/// dropped.
pub fn follow(mut run: Box<dyn FnMut()>) -> RenderEffect<()> {
    RenderEffect::new(move |_: Option<()>| run())
}

fn live(mut make: Box<dyn FnMut() -> View>, parent: &Node, before: Option<&Node>) -> Mounted {
    let end = mark(parent, before);
    let now = Rc::new(RefCell::new(Mounted::Nothing));
    let effect = {
        let (now, end) = (now.clone(), end.clone());
        follow(Box::new(move || replace(&now, make(), &end)))
    };
    Mounted::Live(Live { now, end, effect })
}

/// Puts a view in the place of the one before. A text that only changes keeps its node.
fn replace(now: &RefCell<Mounted>, view: View, end: &Node) {
    let text = match &view {
        View::Text(text) => Some(text.as_str()),
        View::Static(text) => Some(*text),
        _ => None,
    };
    if let (Mounted::Text(node), Some(text)) = (&*now.borrow(), text) {
        if node.data() != *text {
            node.set_data(text);
        }
        return;
    }
    let old = now.replace(Mounted::Nothing);
    old.remove();
    drop(old);
    if let Some(parent) = end.parent_node() {
        let new = view.mount(&parent, Some(end));
        now.replace(new);
    }
}

/// A node that is not seen, to find a place in the page again.
fn mark(parent: &Node, before: Option<&Node>) -> Node {
    let mark: Node = dom::document().create_comment("").into();
    insert(parent, &mark, before);
    mark
}

fn insert(parent: &Node, node: &Node, before: Option<&Node>) {
    parent.insert_before(node, before).ok();
}

fn take_out(node: &Node) {
    if let Some(parent) = node.parent_node() {
        parent.remove_child(node).ok();
    }
}

/// Shows a view while a condition holds.
pub fn show<V: IntoView>(
    when: impl Fn() -> bool + 'static,
    view: impl Fn() -> V + 'static,
) -> View {
    let when = crate::state::memo(when);
    View::Live(Box::new(move || {
        if when.get() {
            leptos::prelude::untrack(|| view().into_view())
        } else {
            View::Nothing
        }
    }))
}

/// Makes a view the page, for as long as the page is open.
pub fn mount_to_body(view: impl FnOnce() -> View) {
    let Some(body) = dom::document().body() else {
        return;
    };
    any_spawner::Executor::init_wasm_bindgen().ok();
    let owner = leptos::prelude::Owner::new();
    owner.set();
    let mounted = view().mount(&body, None);
    std::mem::forget((mounted, owner));
}
