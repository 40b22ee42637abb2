//! Forms as somebody uses them who types and reads.

use berth_tests::webdriver::{Page, key};

/// Puts a text in the place of what a field holds.
pub async fn write(page: &Page, field: &str, text: &str) {
    page.click(field).await;
    page.press(&[key::CONTROL, "a"]).await;
    page.type_into(field, text).await;
}

/// What a field holds.
pub async fn value(page: &Page, field: &str) -> String {
    let script = "return document.querySelector(arguments[0]).value";
    let value = page.eval(script, &[field]).await;
    value.as_str().unwrap_or_default().to_owned()
}

/// Selects what is called this, or what begins so when nothing is, as somebody does with the arrow keys. Typing the text
/// would not do: letters that come soon after others are taken for the same word by the browser.
pub async fn select(page: &Page, field: &str, text: &str) {
    let place = "const field = document.querySelector(arguments[0]);
        const labels = [...field.options].map(option => option.label);
        const exact = labels.indexOf(arguments[1]);
        const at = exact < 0 ? labels.findIndex(label => label.startsWith(arguments[1])) : exact;";
    let offered = format!("{place} return at < 0 ? null : String(at - field.selectedIndex)");
    let steps = page
        .until_js(&format!("{text:?} is offered"), &offered, &[field, text])
        .await;
    let steps: isize = steps.as_str().and_then(|it| it.parse().ok()).unwrap_or(0);
    let arrow = if steps < 0 { key::UP } else { key::DOWN };
    page.type_into(field, &arrow.repeat(steps.unsigned_abs()))
        .await;
    let selected = format!("{place} return at >= 0 && at === field.selectedIndex");
    page.until_js(&format!("{text:?} is selected"), &selected, &[field, text])
        .await;
}

/// What is said of a field that is wrong, once it is.
pub async fn problem(page: &Page, field: &str) -> String {
    let told = page
        .until_js(
            &format!("{field} is wrong"),
            "const field = document.querySelector(arguments[0]);
             if (field?.getAttribute('aria-invalid') !== 'true') return null;
             const told = field.getAttribute('aria-describedby').split(' ')
                 .map(id => document.getElementById(id));
             return told[0].innerText",
            &[field],
        )
        .await;
    told.as_str().unwrap_or_default().to_owned()
}

/// Waits until nothing is said of a field.
pub async fn is_well(page: &Page, field: &str) {
    page.misses(&format!("{field}[aria-invalid=true]")).await;
}

/// Waits until something has the focus.
pub async fn focused(page: &Page, test_id: &str) {
    let script = "return document.activeElement?.dataset.testid === arguments[0]";
    page.until_js(&format!("{test_id} has the focus"), script, &[test_id])
        .await;
}
