//! The patch of one file, with line numbers. Only the rows in sight are in the page.

use crate::view::{html, prelude::*};
use crate::web::task::spawn_local;
use berth_protocol::{FilePatch, SessionId};

use crate::components::button::IconButton;
use crate::components::copy_value::CopyValue;
use crate::components::icon::icon_name;
use crate::components::notice::{Empty, Failure, Skeleton};
use crate::logic::patch::{Row, RowKind, rows};
use crate::logic::windowing::{height_of, visible_rows};
use crate::state::{app, effect, memo};
use crate::strings::{session_tabs, t};
use crate::web::error::ApiError;

/// Height of a line, in pixels, as in the style sheet.
const LINE: i32 = 20;

#[component]
pub fn PatchView(id: SessionId, path: String, on_back: Callback<()>) -> impl IntoView {
    let app = app();
    let answer = RwSignal::new(None::<Result<FilePatch, ApiError>>);
    let wanted = path.clone();
    let fetch = move || {
        let wanted = wanted.clone();
        spawn_local(async move {
            let patch = app.api().patch(id, &wanted).await;
            answer.try_set(Some(patch));
        });
    };
    fetch();
    let retry = Callback::new(move |()| fetch());
    let (value, label) = (path.clone(), path.clone());
    view! {
        <section class="patch" data-testid="patch" aria-label=label>
            <header class="patch-head">
                <span class="patch-back">
                    <IconButton name=icon_name!("chevron-left") label=t().back on_click=on_back/>
                </span>
                <CopyValue label=t().path value=Signal::stored(value) shown=Signal::stored(path)/>
            </header>
            {move || match answer.get() {
                None => view! { <Skeleton rows=12/> }.into_any(),
                Some(Err(error)) => {
                    view! {
                        <Failure
                            title=session_tabs().patch_failed
                            text=error.text()
                            hint=error.hint().unwrap_or_default()
                            on_retry=retry
                        />
                    }
                        .into_any()
                }
                Some(Ok(patch)) if patch.binary => {
                    view! { <Empty name=icon_name!("file-diff") title=session_tabs().binary text=session_tabs().binary_text/> }.into_any()
                }
                Some(Ok(patch)) => {
                    let lines = rows(&patch.patch);
                    if lines.is_empty() {
                        view! { <Empty name=icon_name!("file-diff") title=session_tabs().no_lines text=session_tabs().no_lines_text/> }.into_any()
                    } else {
                        view! { <Lines lines=lines truncated=patch.truncated/> }.into_any()
                    }
                }
            }}
        </section>
    }
    .into_any()
}

#[component]
fn Lines(lines: Vec<Row>, truncated: bool) -> impl IntoView {
    let count = lines.len();
    let widest = lines
        .iter()
        .map(|row| row.text.chars().count())
        .max()
        .unwrap_or(0);
    let lines = StoredValue::new(lines);
    let list = NodeRef::<html::Div>::new();
    let top = RwSignal::new(0);
    let height = RwSignal::new(1_200);
    effect(move || {
        if let Some(list) = list.get() {
            height.set(list.client_height().max(400));
        }
    });
    let range = memo(move || visible_rows(count, LINE, top.get(), height.get()));
    let space = format!(
        "height:{}px;min-width:calc({widest}ch + 140px)",
        height_of(count, LINE)
    );
    let offset = move || {
        let above = height_of(range.get().start, LINE);
        format!("transform:translateY({above}px)")
    };
    view! {
        <div
            class="patch-lines"
            node_ref=list
            tabindex="0"
            on:scroll=move |_| {
                if let Some(list) = list.get_untracked() {
                    top.set(list.scroll_top());
                    height.set(list.client_height());
                }
            }
        >
            <div class="patch-space" style=space>
                <div style=offset>
                    <For each=move || range.get() key=|at| *at let:at>
                        {lines.with_value(|lines| lines.get(at).map(line))}
                    </For>
                </div>
            </div>
        </div>
        {truncated.then(|| view! { <p class="patch-cut">{session_tabs().patch_cut}</p> })}
    }
    .into_any()
}

fn line(row: &Row) -> AnyView {
    let (class, mark) = match row.kind {
        RowKind::Hunk => ("line is-hunk", "⋯"),
        RowKind::Context => ("line", " "),
        RowKind::Added => ("line is-added", "+"),
        RowKind::Removed => ("line is-removed", "−"),
        RowKind::Note => ("line is-note", ""),
    };
    let number = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    view! {
        <div class=class>
            <span class="line-no" aria-hidden="true">{number(row.old)}</span>
            <span class="line-no" aria-hidden="true">{number(row.new)}</span>
            <span class="line-mark">{mark}</span>
            <code>{row.text.clone()}</code>
        </div>
    }
    .into_any()
}
