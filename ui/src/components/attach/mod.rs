//! The button for files beside a message. Files can be dropped on the conversation and pasted too.

use crate::view::{html, prelude::*};
use berth_protocol::{Session, SessionId, UPLOAD_LIMIT};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ClipboardEvent, DragEvent, Element, File};

use crate::components::button::IconButton;
use crate::components::icon::{icon, icon_name};
use crate::logic::compose::{Composer, with_path};
use crate::state::{App, app, memo};
use crate::strings::{attach, count, fill};
use crate::web::task::spawn_local;
use crate::web::{dom, uploads};

/// Bytes of a MiB.
const MIB: usize = 1024 * 1024;

/// Says of the conversation that a file is dragged over it.
const AIMED_AT: &str = "is-aimed-at";

/// Files on their way to a session, and the message that will name them.
#[derive(Clone, Copy)]
struct Attaching {
    app: App,
    id: SessionId,
    area: NodeRef<html::Textarea>,
    /// No message can be written now.
    off: Memo<bool>,
    under_way: RwSignal<u64>,
    failures: RwSignal<Vec<String>>,
}

#[component]
pub fn Attach(
    id: SessionId,
    session: Memo<Option<Session>>,
    area: NodeRef<html::Textarea>,
    under_way: RwSignal<u64>,
) -> impl IntoView {
    let off = memo(move || {
        session.see(|s| {
            let state = s.as_ref().map_or(Composer::Ended, Composer::of);
            !state.can_write()
        })
    });
    let attaching = Attaching {
        app: app(),
        id,
        area,
        off,
        under_way,
        failures: RwSignal::new(Vec::new()),
    };
    let chat = area.get_untracked();
    if let Some(chat) = chat.and_then(|area| area.closest(".chat").ok().flatten()) {
        attaching.listen(&chat);
    }
    let input = NodeRef::<html::Input>::new();
    let choose = move |_| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    let chosen = move |_| {
        if let Some(input) = input.get_untracked() {
            attaching.hand_over(uploads::chosen(&input));
        }
    };
    view! {
        <button
            type="button"
            class="icon-button"
            aria-label=attach().button
            data-tip=attach().button
            data-testid="attach"
            disabled=off
            on:click=choose
        >
            {icon(icon_name!("paperclip"))}
        </button>
        <input
            node_ref=input
            type="file"
            class="visually-hidden"
            multiple=true
            tabindex="-1"
            aria-label=attach().input
            data-testid="attach-files"
            disabled=off
            on:change=chosen
        />
        <div class="attach-told">
            {move || attaching.told()}
            {move || attaching.failed()}
        </div>
    }
    .into_any()
}

impl Attaching {
    /// Takes what is dropped and pasted.
    fn listen(self, chat: &Element) {
        dom::listen(chat, "paste", move |event| {
            let event: ClipboardEvent = event.unchecked_into();
            let data = event.clipboard_data();
            let files = data.map(|data| uploads::pasted(&data)).unwrap_or_default();
            if !files.is_empty() && !self.off.get_untracked() {
                event.prevent_default();
                self.hand_over(files);
            }
        });
        let over = chat.clone();
        dom::listen(chat, "dragover", move |event| {
            let event: DragEvent = event.unchecked_into();
            if brings_files(&event) {
                // Otherwise the browser shows the file in the place of the page.
                event.prevent_default();
                if !self.off.get_untracked() {
                    over.class_list().add_1(AIMED_AT).ok();
                }
            }
        });
        let left = chat.clone();
        dom::listen(chat, "dragleave", move |_| {
            left.class_list().remove_1(AIMED_AT).ok();
        });
        let onto = chat.clone();
        dom::listen(chat, "drop", move |event| {
            onto.class_list().remove_1(AIMED_AT).ok();
            let event: DragEvent = event.unchecked_into();
            if !brings_files(&event) {
                return;
            }
            event.prevent_default();
            if let Some(data) = event.data_transfer()
                && !self.off.get_untracked()
            {
                self.hand_over(uploads::dropped(&data));
            }
        });
    }

    /// Hands files to the session, one after the other, and names them in the message.
    fn hand_over(self, files: Vec<File>) {
        if files.is_empty() {
            return;
        }
        let many = files.len() as u64;
        self.failures.set(Vec::new());
        self.under_way.update(|count| *count += many);
        // Another session may be shown when they have arrived.
        let area = self.area.get_untracked();
        spawn_local(async move {
            for file in files {
                match self.upload(&file).await {
                    Ok(path) => {
                        let draft = with_path(&self.app.draft(self.id), &path);
                        self.app.set_draft(self.id, draft);
                        self.app.ui.draft_changed.update(|n| *n += 1);
                    }
                    Err(why) => {
                        let text = format!("{} {why}", fill(attach().failed, &[&file.name()]));
                        self.failures.try_update(|all| all.push(text));
                    }
                }
                self.under_way.try_update(|count| *count -= 1);
            }
            // Whoever does something else by now goes on with that.
            let is_free = dom::focused()
                .is_none_or(|it| ["BODY", "BUTTON"].contains(&it.tag_name().as_str()));
            if let Some(area) = area.filter(|_| is_free) {
                area.focus().ok();
            }
        });
    }

    /// Where the file is for the agent, or why it is not there.
    async fn upload(self, file: &File) -> Result<String, String> {
        if file.size() > UPLOAD_LIMIT as f64 {
            let most = (UPLOAD_LIMIT / MIB).to_string();
            return Err(fill(attach().too_large, &[&most]));
        }
        if !uploads::is_readable(file).await {
            return Err(attach().unreadable.to_owned());
        }
        match self.app.api().upload(self.id, file).await {
            Ok(uploaded) => Ok(uploaded.path),
            Err(error) => {
                let text = error.text();
                Err(match error.hint() {
                    Some(hint) => format!("{}. {hint}", text.trim_end_matches('.')),
                    None => text,
                })
            }
        }
    }

    fn told(self) -> Option<AnyView> {
        let many = self.under_way.get();
        (many > 0).then(|| {
            let text = count(many, attach().under_way_one, attach().under_way_many);
            view! { <p class="attach-under-way" role="status" data-testid="attach-under-way">{text}</p> }
                .into_any()
        })
    }

    fn failed(self) -> AnyView {
        let failures = self.failures.get().into_iter().enumerate();
        let dismiss = move |at: usize| {
            self.failures.update(|all| {
                if at < all.len() {
                    all.remove(at);
                }
            });
        };
        failures
            .map(|(at, text)| {
                view! {
                    <div class="attach-failed" role="alert" data-testid="attach-failed">
                        {icon(icon_name!("circle-alert"))}
                        <span>{text}</span>
                        <IconButton
                            name=icon_name!("x")
                            label=attach().dismiss
                            on_click=Callback::new(move |()| dismiss(at))
                        />
                    </div>
                }
            })
            .collect_view()
    }
}

/// What is dragged are files, and not words.
fn brings_files(event: &DragEvent) -> bool {
    let kinds = event.data_transfer().map(|data| data.types());
    kinds.is_some_and(|kinds| kinds.includes(&JsValue::from_str("Files"), 0))
}
