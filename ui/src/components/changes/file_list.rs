//! The list of changed files. Only the rows in sight are in the page.

use crate::view::{html, prelude::*};
use berth_protocol::{ChangeKind, FileChange};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;

use crate::logic::paths::split_file;
use crate::logic::windowing::{height_of, visible_rows};
use crate::state::{effect, memo};
use crate::strings::session_tabs;

/// Height of a row, in pixels, as in the style sheet.
const ROW: i32 = 28;

#[component]
pub fn FileList(
    files: RwSignal<Vec<FileChange>>,
    chosen: RwSignal<Option<String>>,
) -> impl IntoView {
    let list = NodeRef::<html::Div>::new();
    let top = RwSignal::new(0);
    let height = RwSignal::new(600);
    let observer = StoredValue::new(None::<send_wrapper::SendWrapper<web_sys::ResizeObserver>>);
    effect(move || {
        let Some(list) = list.get() else { return };
        height.set(list.client_height());
        let element = list.clone();
        let measure = Closure::<dyn Fn()>::new(move || {
            height.try_set(element.client_height());
        });
        if let Ok(made) = web_sys::ResizeObserver::new(measure.into_js_value().unchecked_ref()) {
            made.observe(&list);
            observer.set_value(Some(send_wrapper::SendWrapper::new(made)));
        }
    });
    on_cleanup(move || {
        observer.with_value(|observer| {
            if let Some(observer) = observer {
                observer.disconnect();
            }
        });
    });
    let count = memo(move || files.with(Vec::len));
    let range = memo(move || visible_rows(count.get(), ROW, top.get(), height.get()));
    let shown = memo(move || {
        let rows = range.get();
        files.with(|all| {
            rows.filter_map(|at| all.get(at).cloned())
                .collect::<Vec<_>>()
        })
    });
    let step = move |by: i64| {
        let count = i64::try_from(count.get_untracked()).unwrap_or(0);
        let at = chosen.see_untracked(|path| {
            files.with_untracked(|all| {
                path.as_ref()
                    .and_then(|path| all.iter().position(|f| f.path == *path))
            })
        });
        let at = at.and_then(|at| i64::try_from(at).ok());
        let next = at.map_or(0, |at| (at + by).clamp(0, (count - 1).max(0)));
        let Ok(next) = usize::try_from(next) else {
            return;
        };
        let path = files.with_untracked(|all| all.get(next).map(|f| f.path.clone()));
        chosen.set(path);
        if let Some(list) = list.get_untracked() {
            let row_top = i32::try_from(height_of(next, ROW)).unwrap_or(i32::MAX);
            if row_top < list.scroll_top() {
                list.set_scroll_top(row_top);
            } else if row_top + ROW > list.scroll_top() + list.client_height() {
                list.set_scroll_top(row_top + ROW - list.client_height());
            }
        }
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            "PageDown" => 20,
            "PageUp" => -20,
            "Home" => i64::from(i32::MIN),
            "End" => i64::from(i32::MAX),
            _ => return,
        };
        event.prevent_default();
        step(by);
    };
    let style = move || format!("height:{}px", height_of(count.get(), ROW));
    let offset = move || {
        let above = height_of(range.get().start, ROW);
        format!("transform:translateY({above}px)")
    };
    view! {
        <div
            class="file-list"
            node_ref=list
            role="listbox"
            tabindex="0"
            aria-label=session_tabs().changed_files
            on:scroll=move |_| {
                if let Some(list) = list.get_untracked() {
                    top.set(list.scroll_top());
                }
            }
            on:keydown=on_key
        >
            <div class="file-space" style=style role="presentation">
                <div style=offset role="presentation">
                    <For each=move || shown.get() key=|change| (change.path.clone(), change.added, change.removed) let:change>
                        {row(change, chosen)}
                    </For>
                </div>
            </div>
        </div>
    }
    .into_any()
}

fn row(file: FileChange, chosen: RwSignal<Option<String>>) -> AnyView {
    let (letter, class, word) = kind(file.kind);
    let (folder, name) = split_file(&file.path);
    let (folder, name) = (folder.to_owned(), name.to_owned());
    let path = file.path.clone();
    let this = file.path.clone();
    let selected = memo(move || chosen.see(|chosen| chosen.as_deref() == Some(this.as_str())));
    let tip = match &file.old_path {
        Some(old) => format!("{old} → {}", file.path),
        None => file.path.clone(),
    };
    view! {
        <div
            class="file-row"
            role="option"
            aria-selected=move || selected.get().to_string()
            data-testid="change-row"
            data-path=file.path.clone()
            data-tip=tip
            on:click=move |_| chosen.set(Some(path.clone()))
        >
            <span class=format!("file-kind {class}") aria-label=word>{letter}</span>
            <span class="file-path"><span class="file-folder">{folder}</span><span class="file-name">{name}</span></span>
            <span class="file-stat">
                {match (file.added, file.removed) {
                    (None, None) => view! { <span>{session_tabs().binary_short}</span> }.into_any(),
                    (added, removed) => {
                        view! {
                            {added.filter(|n| *n > 0).map(|n| view! { <span class="plus">{format!("+{n}")}</span> })}
                            {removed.filter(|n| *n > 0).map(|n| view! { <span class="minus">{format!("−{n}")}</span> })}
                        }
                            .into_any()
                    }
                }}
            </span>
        </div>
    }
    .into_any()
}

fn kind(kind: ChangeKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        ChangeKind::Added => ("A", "is-added", session_tabs().kind_added),
        ChangeKind::Untracked => ("U", "is-added", session_tabs().kind_untracked),
        ChangeKind::Modified => ("M", "is-modified", session_tabs().kind_modified),
        ChangeKind::Deleted => ("D", "is-removed", session_tabs().kind_deleted),
        ChangeKind::Renamed => ("R", "is-modified", session_tabs().kind_renamed),
        ChangeKind::TypeChanged => ("T", "is-modified", session_tabs().kind_type),
        ChangeKind::Conflicted => ("!", "is-removed", session_tabs().kind_conflicted),
    }
}
