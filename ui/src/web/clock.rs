//! Time in the browser: pauses, and moments in the user's own time zone and manner.

use berth_protocol::Timestamp;
use js_sys::{Date, Object, Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::web::dom;

/// Milliseconds since 1970.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a whole number for another 285,000 years"
)]
pub fn now() -> i64 {
    Date::now() as i64
}

/// Waits.
pub async fn sleep(milliseconds: i32) {
    let promise = Promise::new(&mut |done, _| {
        dom::window()
            .set_timeout_with_callback_and_timeout_and_arguments_0(&done, milliseconds)
            .ok();
    });
    JsFuture::from(promise).await.ok();
}

/// Waits until the browser draws the next frame.
pub async fn next_frame() {
    let promise = Promise::new(&mut |done, _| {
        dom::window().request_animation_frame(&done).ok();
    });
    JsFuture::from(promise).await.ok();
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds fit into a double")]
fn date(at: Timestamp) -> Date {
    Date::new(&JsValue::from_f64(at.as_millisecond() as f64))
}

fn options(pairs: &[(&str, &str)]) -> JsValue {
    let object = Object::new();
    for (name, value) in pairs {
        Reflect::set(&object, &(*name).into(), &(*value).into()).ok();
    }
    object.into()
}

/// The moment as machines read it.
pub fn iso(at: Timestamp) -> String {
    date(at).to_iso_string().into()
}

/// Date and time to the second.
pub fn exact(at: Timestamp) -> String {
    let options = options(&[("dateStyle", "medium"), ("timeStyle", "medium")]);
    date(at).to_locale_string("default", &options).into()
}
