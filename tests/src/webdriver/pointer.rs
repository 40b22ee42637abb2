//! The mouse of a page, for what [`Page::click`] cannot do.

use serde_json::{Value, json};

use super::Page;

impl Page {
    /// Presses the mouse's button on the middle of something, and holds it.
    pub async fn hold(&self, selector: &str) {
        let place = self.place(selector, 0.5).await;
        self.point(json!([place, {"type": "pointerDown", "button": 0}]))
            .await;
    }

    /// Moves the mouse over something, to this part of its height.
    pub async fn drag_to(&self, selector: &str, part: f64) {
        let place = self.place(selector, part).await;
        self.point(json!([place])).await;
    }

    /// Lets the mouse's button go.
    pub async fn let_go(&self) {
        self.point(json!([{"type": "pointerUp", "button": 0}]))
            .await;
    }

    /// Clicks twice on the middle of something. In one call, because two could be too far apart for a double click.
    pub async fn double_click(&self, selector: &str) {
        let place = self.place(selector, 0.5).await;
        let down = json!({"type": "pointerDown", "button": 0});
        let up = json!({"type": "pointerUp", "button": 0});
        self.point(json!([place, down, up, down, up])).await;
    }

    /// The move of a pointer to something that is shown.
    async fn place(&self, selector: &str, part: f64) -> Value {
        let place = self
            .until_js(
                &format!("{selector} has a place"),
                "const rect = document.querySelector(arguments[0])?.getBoundingClientRect();
                 return rect && {x: rect.x, y: rect.y, width: rect.width, height: rect.height}",
                &[selector],
            )
            .await;
        let number = |name: &str| place[name].as_f64().unwrap_or_default();
        let x = number("x") + number("width") / 2.0;
        let y = number("y") + number("height") * part;
        json!({"type": "pointerMove", "duration": 20, "x": x.round(), "y": y.round()})
    }

    async fn point(&self, actions: Value) {
        let mouse = json!({
            "type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"},
            "actions": actions,
        });
        self.done(
            self.session
                .post("/actions", json!({"actions": [mouse]}))
                .await,
        );
    }
}
