//! The commands stand in three lists, because Tauri reads them at three times: they must be the same.

use std::collections::BTreeSet;

use serde_json::{Value, json};

const HANDLER: &str = include_str!("commands.rs");
const BUILD: &str = include_str!("../build.rs");
const CAPABILITY: &str = include_str!("../../capabilities/main.json");

/// What stands between two texts, the first time.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, after) = text.split_once(start).expect("the list begins");
    let (list, _) = after.split_once(end).expect("the list ends");
    list
}

/// The commands that the program answers.
fn handled() -> BTreeSet<String> {
    let names = between(HANDLER, "generate_handler![", "]").split(',');
    let names = names.map(|name| name.trim().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

#[test]
fn each_function_that_is_a_command_is_answered() {
    let functions = HANDLER.split("#[tauri::command]").skip(1);
    let functions: BTreeSet<String> = functions
        .map(|function| between(function, "fn ", "(").to_owned())
        .collect();
    assert_eq!(functions, handled());
}

/// A command that the build script does not name can be called by every page.
#[test]
fn each_command_needs_a_permission() {
    let limited = between(BUILD, "const COMMANDS: &[&str] = &[", "];").split('"');
    let limited: BTreeSet<String> = limited.skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(limited, handled());
}

#[test]
fn the_page_of_the_one_window_is_allowed_these_commands_and_nothing_else() {
    let capability: Value = serde_json::from_str(CAPABILITY).unwrap();
    let permissions = capability["permissions"].as_array().unwrap().iter();
    let allowed: BTreeSet<String> = permissions
        .map(|permission| {
            let name = permission.as_str().and_then(|it| it.strip_prefix("allow-"));
            name.unwrap_or_else(|| panic!("{permission} is no command of the page's"))
                .replace('-', "_")
        })
        .collect();
    assert_eq!(allowed, handled());
    assert_eq!(capability["windows"], json!(["main"]));
    assert_eq!(
        capability.get("remote"),
        None,
        "a page from elsewhere may ask for nothing"
    );
}
