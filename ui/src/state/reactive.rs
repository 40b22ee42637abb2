//! Signals and memos that cost little code.
//!
//! Leptos compiles its reactive graph once for each type of value that is in it: that was a sixth of
//! the whole module. Here Leptos follows numbers only, which count how often a value has changed, and
//! the values lie beside them. They behave as Leptos' own do, are owned in the same way, and have the
//! same methods.

use std::any::Any;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;

use leptos::prelude::{
    Effect, Get as _, GetValue as _, Memo as Counter, Notify as _, RwSignal as Trigger,
    StoredValue, Track as _,
};
use send_wrapper::SendWrapper;

/// A value of any type, owned by whoever was in charge when it was made.
type Held = StoredValue<SendWrapper<Rc<dyn Any>>>;

fn hold(value: Rc<dyn Any>) -> Held {
    StoredValue::new(SendWrapper::new(value))
}

fn held<T: 'static>(held: Held) -> Option<Rc<T>> {
    any(held)?.downcast().ok()
}

fn any(held: Held) -> Option<Rc<dyn Any>> {
    held.try_get_value().map(SendWrapper::take)
}

/// The part of the page that owned the value is gone, and something still asks for it.
#[cold]
fn gone() -> ! {
    panic!("a value was asked for after its owner was gone")
}

/// A value that can be changed and followed.
pub struct RwSignal<T> {
    held: Held,
    changed: Trigger<()>,
    kind: PhantomData<fn() -> T>,
}

/// A value worked out from others, and worked out anew when they change. Who follows it hears of it
/// only when it is another one.
pub struct Memo<T> {
    held: Held,
    version: Counter<u32>,
    kind: PhantomData<fn() -> T>,
}

/// A value that can be followed, wherever it comes from.
pub struct Signal<T> {
    held: Held,
    kind: PhantomData<fn() -> T>,
}

macro_rules! copies {
    ($($name:ident),*) => {$(
        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}
    )*};
}
copies!(RwSignal, Memo, Signal);

impl<T: 'static> RwSignal<T> {
    pub fn new(value: T) -> Self {
        Self {
            held: hold(Rc::new(RefCell::new(value))),
            changed: Trigger::new(()),
            kind: PhantomData,
        }
    }

    #[track_caller]
    fn cell(self) -> Rc<RefCell<T>> {
        held(self.held).unwrap_or_else(|| gone())
    }

    /// Follows the value.
    pub fn track(self) {
        self.changed.track();
    }

    /// Looks at the value and follows it.
    pub fn with<R>(self, look: impl FnOnce(&T) -> R) -> R {
        self.track();
        self.with_untracked(look)
    }

    pub fn with_untracked<R>(self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.cell().borrow())
    }

    /// Looks at the value, if it is still there.
    pub fn try_with_untracked<R>(self, look: impl FnOnce(&T) -> R) -> Option<R> {
        held::<RefCell<T>>(self.held).map(|cell| look(&cell.borrow()))
    }

    /// Sets the value. One that is gone stays gone: an answer may come after the part of the page
    /// that waited for it was left.
    pub fn set(self, value: T) {
        self.try_update(|old| *old = value);
    }

    /// Sets the value, if it is still there.
    pub fn try_set(self, value: T) {
        self.set(value);
    }

    /// Changes the value, if it is still there.
    pub fn update(self, change: impl FnOnce(&mut T)) {
        self.try_update(change);
    }

    /// Changes the value, if it is still there.
    pub fn try_update<R>(self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let cell = held::<RefCell<T>>(self.held)?;
        let result = change(&mut cell.borrow_mut());
        self.changed.notify();
        Some(result)
    }
}

impl<T: Clone + 'static> RwSignal<T> {
    /// The value, which is followed.
    pub fn get(self) -> T {
        self.track();
        self.get_untracked()
    }

    pub fn get_untracked(self) -> T {
        self.cell().borrow().clone()
    }

    pub fn try_get_untracked(self) -> Option<T> {
        held::<RefCell<T>>(self.held).map(|cell| cell.borrow().clone())
    }

    /// Looks at a copy of the value and follows it. For values that are cheap to copy.
    pub fn see<R>(self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.get())
    }

    /// Looks at a copy of the value.
    pub fn see_untracked<R>(self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.get_untracked())
    }
}

impl<T: Default + 'static> Default for RwSignal<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// A memo.
pub fn memo<T: PartialEq + 'static>(compute: impl Fn() -> T + 'static) -> Memo<T> {
    boxed_memo(Box::new(compute))
}

fn boxed_memo<T: PartialEq + 'static>(compute: Box<dyn Fn() -> T>) -> Memo<T> {
    let cell = Rc::new(RefCell::new(None::<T>));
    let held = hold(cell.clone());
    let version = counter(Box::new(move || {
        let new = Some(compute());
        let changed = *cell.borrow() != new;
        if changed {
            cell.replace(new);
        }
        changed
    }));
    Memo {
        held,
        version,
        kind: PhantomData,
    }
}

/// Counts how often a value has become another one.
fn counter(renew: Box<dyn Fn() -> bool>) -> Counter<u32> {
    let renew = SendWrapper::new(renew);
    Counter::new(move |version: Option<&u32>| {
        version.copied().unwrap_or_default() + u32::from(renew())
    })
}

impl<T: 'static> Memo<T> {
    /// Looks at the value and follows it.
    pub fn with<R>(self, look: impl FnOnce(&T) -> R) -> R {
        self.version.get();
        self.look(look)
    }

    pub fn with_untracked<R>(self, look: impl FnOnce(&T) -> R) -> R {
        leptos::prelude::untrack(|| self.version.get());
        self.look(look)
    }

    fn look<R>(self, look: impl FnOnce(&T) -> R) -> R {
        let cell = held::<RefCell<Option<T>>>(self.held).unwrap_or_else(|| gone());
        let value = cell.borrow();
        look(value.as_ref().unwrap_or_else(|| gone()))
    }
}

impl<T: Clone + 'static> Memo<T> {
    /// The value, which is followed.
    pub fn get(self) -> T {
        self.with(T::clone)
    }

    pub fn get_untracked(self) -> T {
        self.with_untracked(T::clone)
    }

    /// Follows the value.
    pub fn track(self) {
        self.version.get();
    }

    /// Looks at a copy of the value and follows it. For values that are cheap to copy.
    pub fn see<R>(self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.get())
    }

    /// Looks at a copy of the value.
    pub fn see_untracked<R>(self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.get_untracked())
    }
}

impl<T: 'static> Signal<T> {
    /// A value that is worked out whenever it is asked for.
    pub fn derive(compute: impl Fn() -> T + 'static) -> Self {
        Self::boxed(Box::new(compute))
    }

    fn boxed(compute: Box<dyn Fn() -> T>) -> Self {
        Self {
            held: hold(Rc::new(compute)),
            kind: PhantomData,
        }
    }

    /// The value, which is followed.
    pub fn get(self) -> T {
        let compute = held::<Box<dyn Fn() -> T>>(self.held).unwrap_or_else(|| gone());
        compute()
    }

    /// Looks at the value and follows it.
    pub fn with<R>(self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.get())
    }

    pub fn see<R>(self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.get())
    }

    pub fn get_untracked(self) -> T {
        leptos::prelude::untrack(|| self.get())
    }
}

impl<T: Clone + 'static> Signal<T> {
    /// A value that stays.
    pub fn stored(value: T) -> Self {
        Self::derive(move || value.clone())
    }
}

impl<T: Clone + Default + 'static> Default for Signal<T> {
    fn default() -> Self {
        Self::stored(T::default())
    }
}

impl<T: Clone + 'static> From<T> for Signal<T> {
    fn from(value: T) -> Self {
        Self::stored(value)
    }
}

impl From<&'static str> for Signal<String> {
    fn from(text: &'static str) -> Self {
        Self::derive(move || text.to_owned())
    }
}

impl<T: Clone + 'static> From<RwSignal<T>> for Signal<T> {
    fn from(signal: RwSignal<T>) -> Self {
        Self::derive(move || signal.get())
    }
}

impl<T: Clone + 'static> From<Memo<T>> for Signal<T> {
    fn from(memo: Memo<T>) -> Self {
        Self::derive(move || memo.get())
    }
}

/// An effect.
pub fn effect(run: impl FnMut() + 'static) {
    boxed_effect(Box::new(run));
}

fn boxed_effect(mut run: Box<dyn FnMut()>) {
    Effect::new(move |_| run());
}
