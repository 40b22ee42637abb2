//! The Berth UI: a Leptos app that runs in the Tauri window and in any browser, and speaks only the
//! engine's API.
//!
//! What can be decided without a browser lives in [`logic`] and is tested natively; everything else
//! is compiled for wasm only and stays private.

pub mod logic;
pub mod strings;
pub mod wire;

#[cfg(target_arch = "wasm32")]
mod app;
#[cfg(target_arch = "wasm32")]
mod components;
#[cfg(target_arch = "wasm32")]
mod lazy;
#[cfg(target_arch = "wasm32")]
mod pages;
#[cfg(target_arch = "wasm32")]
mod state;
#[cfg(target_arch = "wasm32")]
mod view;
#[cfg(target_arch = "wasm32")]
mod web;
