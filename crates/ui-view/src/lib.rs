//! Leptos' `view!` and `#[component]` for the UI, written out as calls that cost little wasm.
//!
//! Leptos gives every element, attribute and child a type of its own and compiles its machinery
//! once for each of them; in the UI that was more than half of the module. The macros here read the
//! same language with the same parser, and write calls of `ui/src/view`, which exists once.

mod component;
mod markup;

use proc_macro::TokenStream;

/// Markup as a value: elements, components, and blocks of Rust between them.
#[proc_macro]
pub fn view(tokens: TokenStream) -> TokenStream {
    markup::write(tokens.into()).into()
}

/// Makes a function usable as an element of `view!`, its parameters as attributes.
///
/// A parameter may be marked `#[prop(optional)]`, `#[prop(into)]` or `#[prop(default = …)]`.
#[proc_macro_attribute]
pub fn component(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    component::write(item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
