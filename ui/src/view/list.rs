//! Lists whose rows keep their elements, their focus and their state while the list changes.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use leptos::prelude::{Owner, RenderEffect, untrack};
use rustc_hash::FxHasher;
use web_sys::Node;

use super::{IntoView, Mounted, View, follow, insert, mark, take_out};

/// Compares a list with what stands in the page: gets the rows that are there and the place of
/// their end.
type Compare = Box<dyn FnMut(&Rows)>;

/// A list that is not in the page yet.
pub struct List(Compare);

/// A list in the page.
pub struct MountedList {
    rows: Rc<Rows>,
    #[expect(dead_code, reason = "it lives as long as the list")]
    effect: RenderEffect<()>,
}

/// The rows in the page, in order, and the mark behind them.
pub struct Rows {
    rows: RefCell<Vec<Row>>,
    end: Node,
}

impl Drop for MountedList {
    /// As with a part that changes: the rows must not follow anything from now on.
    fn drop(&mut self) {
        self.rows.rows.take();
    }
}

struct Row {
    key: u64,
    mounted: Mounted,
    /// What the row has made; it goes with the row.
    owner: Owner,
}

/// A list: what is in it, what tells its rows apart, and what a row looks like.
pub fn keyed<T: 'static, I: IntoIterator<Item = T>, K: Hash, V: IntoView>(
    each: impl Fn() -> I + 'static,
    key: impl Fn(&T) -> K + 'static,
    view: impl Fn(T) -> V + 'static,
) -> View {
    // What a row makes belongs to the list and not to one comparison.
    let owner = Owner::current().unwrap_or_default();
    View::List(List(Box::new(move |rows| {
        let mut items: Vec<Option<T>> = each().into_iter().map(Some).collect();
        let keys: Vec<u64> = items
            .iter()
            .flatten()
            .map(|item| {
                let mut hasher = FxHasher::default();
                key(item).hash(&mut hasher);
                hasher.finish()
            })
            .collect();
        rows.compare(&keys, &owner, &mut |at| {
            let item = items.get_mut(at).and_then(Option::take);
            item.map_or(View::Nothing, |item| view(item).into_view())
        });
    })))
}

impl List {
    pub fn mount(mut self, parent: &Node, before: Option<&Node>) -> MountedList {
        let rows = Rc::new(Rows {
            rows: RefCell::default(),
            end: mark(parent, before),
        });
        let effect = {
            let rows = rows.clone();
            follow(Box::new(move || (self.0)(&rows)))
        };
        MountedList { rows, effect }
    }
}

impl Rows {
    /// Brings the rows into this order: takes out what is no more, makes what is new, moves what
    /// stands elsewhere.
    fn compare(&self, keys: &[u64], owner: &Owner, make: &mut dyn FnMut(usize) -> View) {
        let Some(parent) = self.end.parent_node() else {
            return;
        };
        let old = self.rows.take();
        let unchanged =
            old.len() == keys.len() && old.iter().zip(keys).all(|(row, key)| row.key == *key);
        if unchanged {
            self.rows.replace(old);
            return;
        }
        let mut known: Vec<Option<Row>> = old.into_iter().map(Some).collect();
        let mut new: Vec<Option<Row>> = Vec::with_capacity(keys.len());
        let mut next = 0;
        for key in keys {
            let is_it = |row: &Option<Row>| row.as_ref().is_some_and(|row| row.key == *key);
            // Most rows stand where they are expected: behind the one before.
            let (before, behind) = known.split_at(next.min(known.len()));
            let found = behind
                .iter()
                .position(is_it)
                .map(|at| at + before.len())
                .or_else(|| before.iter().position(is_it));
            new.push(found.and_then(|at| known[at].take()));
            next = found.map_or(next, |at| at + 1);
        }
        for row in known.into_iter().flatten() {
            row.mounted.remove();
            row.owner.cleanup();
        }
        let mut next = self.end.clone();
        for (at, place) in new.iter_mut().enumerate().rev() {
            let row = place.get_or_insert_with(|| {
                let owner = owner.with(Owner::new);
                let mounted = owner.with(|| untrack(|| make(at).mount(&parent, Some(&next))));
                Row {
                    key: keys[at],
                    mounted,
                    owner,
                }
            });
            let in_place = row
                .mounted
                .last()
                .is_none_or(|last| last.next_sibling().as_ref() == Some(&next));
            if !in_place {
                row.mounted.move_before(&parent, &next);
            }
            if let Some(first) = row.mounted.first() {
                next = first;
            }
        }
        self.rows.replace(new.into_iter().flatten().collect());
    }
}

impl MountedList {
    pub fn remove(&self) {
        for row in self.rows.rows.borrow().iter() {
            row.mounted.remove();
        }
        take_out(&self.rows.end);
    }

    pub fn move_before(&self, parent: &Node, before: &Node) {
        for row in self.rows.rows.borrow().iter() {
            row.mounted.move_before(parent, before);
        }
        insert(parent, &self.rows.end, Some(before));
    }

    pub fn first(&self) -> Option<Node> {
        self.rows
            .rows
            .borrow()
            .iter()
            .find_map(|row| row.mounted.first())
            .or_else(|| Some(self.rows.end.clone()))
    }

    pub fn end(&self) -> &Node {
        &self.rows.end
    }
}
