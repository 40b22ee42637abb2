//! Files that are attached to a message.

use std::path::Path;

use berth_protocol::UPLOAD_LIMIT;
use berth_tests::webdriver::{Page, id, key};

use crate::{
    form::{focused, value},
    stage::Stage,
};

/// Gives the conversation a file as dropping or pasting it does, which no driver can do with a file of the system.
const GIVE: &str = "const data = new DataTransfer();
    data.items.add(new File([arguments[2]], arguments[1], {type: 'text/plain'}));
    const of = {bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data};
    const event = arguments[0] === 'paste' ? new ClipboardEvent('paste', of) : new DragEvent(arguments[0], of);
    document.querySelector('[data-testid=composer]').dispatchEvent(event);
    return event.defaultPrevented";

/// Waits until the message names a file of this name, and returns its whole text.
async fn names(page: &Page, file: &str) -> String {
    let script = "const text = document.querySelector('[data-testid=composer]')?.value ?? '';
        return text.includes(arguments[0]) ? text : null";
    let what = format!("the message names {file}");
    let text = page.until_js(&what, script, &[file]).await;
    text.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_file_that_is_attached_is_named_in_the_message_by_its_path() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let client = &stage.engine.client;
    let project = client.add_project(&stage.repository.path).await;
    let shell = client.shell(project.id).await;
    let private = stage.engine.data_dir().join("private");
    let place = private.join(shell.id.to_string()).join("uploads");
    let page = stage.page().await;
    page.click(&format!("[data-session='{}'] a", shell.id))
        .await;
    page.click(&id("tab-chat")).await;
    page.sees(&id("attach")).await;
    let name = page.attribute(&id("attach"), "aria-label").await;
    assert_eq!(name, "Attach files");

    // With the keyboard, from the message on.
    page.click(&id("composer")).await;
    page.press(&[key::TAB]).await;
    focused(&page, "attach").await;

    page.type_into(&id("composer"), "cat").await;
    let file = stage.engine.setup().folder().join("notes 1.txt");
    std::fs::write(&file, "from-the-file\n").unwrap();
    page.type_into(&id("attach-files"), &file.display().to_string())
        .await;
    let path = place.join("notes-1.txt");
    let text = names(&page, "notes-1.txt").await;
    assert_eq!(text, format!("cat {} ", path.display()));
    assert_eq!(std::fs::read(&path).unwrap(), b"from-the-file\n");
    focused(&page, "composer").await;
    page.misses(&id("attach-under-way")).await;

    page.click(&id("send")).await;
    page.reads(".message.is-agent", "from-the-file").await;
}

#[tokio::test]
async fn files_are_dropped_and_pasted_and_what_fails_is_told_beside_the_message() {
    let Some(stage) = Stage::new().await else {
        return;
    };
    let client = &stage.engine.client;
    let project = client.add_project(&stage.repository.path).await;
    let shell = client.shell(project.id).await;
    let page = stage.page().await;
    page.click(&format!("[data-session='{}'] a", shell.id))
        .await;
    page.click(&id("tab-chat")).await;
    page.sees(&id("attach")).await;
    for (event, file) in [("drop", "dropped.txt"), ("paste", "pasted.txt")] {
        let taken = page.eval(GIVE, &[event, file, "content"]).await;
        assert_eq!(taken, true, "the browser itself does nothing with {event}");
        let text = names(&page, file).await;
        let path = text.split_whitespace().last().unwrap();
        assert!(Path::new(path).is_absolute(), "{text}");
        assert_eq!(std::fs::read(path).unwrap(), b"content");
    }

    let large = stage.engine.setup().folder().join("large.bin");
    std::fs::write(&large, vec![0_u8; UPLOAD_LIMIT + 1]).unwrap();
    page.type_into(&id("attach-files"), &large.display().to_string())
        .await;
    let failed = page.reads(&id("attach-failed"), "large.bin").await;
    assert!(failed.contains("10 MiB"), "{failed}");
    let text = value(&page, &id("composer")).await;
    assert!(!text.contains("large.bin"), "{text}");
    page.click(&format!("{} button", id("attach-failed"))).await;
    page.misses(&id("attach-failed")).await;

    client.stop(shell.id).await;
    page.sees("[data-testid=attach]:disabled").await;
    assert_eq!(page.count("[data-testid=attach-files]:disabled").await, 1);
}
