//! The audit trail of this machine in the UI: verified where it is, and taken along as a file that proves itself.

use std::path::Path;

use berth_tests::{
    Setup,
    webdriver::{Page, id, key},
};
use serde_json::json;

use crate::{
    form::focused,
    stage::{Stage, add_project},
};

/// Has files that the page saves come into a folder of their own.
pub async fn saves_into(page: &Page, folder: &Path) {
    std::fs::create_dir_all(folder).expect("it can be made");
    page.devtools(
        "Page.setDownloadBehavior",
        json!({"behavior": "allow", "downloadPath": folder.display().to_string()}),
    )
    .await;
}

/// What a trail holds that the browser has saved, once it is whole.
pub async fn downloaded(page: &Page, path: &Path) -> String {
    page.until("the file is saved", async || {
        let content = std::fs::read_to_string(path).unwrap_or_default();
        Ok(content.contains("\"manifest\"").then_some(content))
    })
    .await
}

#[tokio::test]
async fn the_trail_of_this_machine_is_verified_and_exported_as_a_file_that_proves_itself() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let page = stage.page().await;
    add_project(&page, &stage.repository.path).await;
    let folder = stage.engine.setup().folder().join("files");
    saves_into(&page, &folder).await;
    page.click(&id("nav-audit")).await;
    page.sees(&id("audit-row")).await;
    page.reads(&id("audit-about"), "berth audit verify --file")
        .await;
    page.click(&id("verify")).await;
    page.reads(&id("verdict"), "The trail is whole").await;

    page.press(&[key::TAB]).await;
    focused(&page, "export-audit").await;
    page.press(&[key::ENTER]).await;
    let file = folder.join("berth-audit.ndjson");
    let text = downloaded(&page, &file).await;
    assert!(text.contains("project.created"), "{text}");
    let path = file.to_str().expect("it is text");
    let proved = Setup::new()
        .berth(&["audit", "verify", "--file", path])
        .await;
    let said = String::from_utf8_lossy(&proved.stdout);
    assert!(proved.status.success(), "{said}");
    assert!(said.contains("all from the first on"), "{said}");
    // The export itself is noted behind what it holds.
    assert!(!text.contains("audit.exported"), "{text}");
    page.reads(&id("audit-row"), "audit.exported").await;
}
