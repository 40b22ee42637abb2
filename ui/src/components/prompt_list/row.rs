//! A row of the list: what a prompt is, whether sessions are given it, and what can be done with it.

use crate::view::prelude::*;
use crate::web::task::spawn_local;
use berth_protocol::{
    Code, PromptChangeState, PromptEdit, PromptFormat, PromptId, PromptScope, PromptTarget,
    SystemPrompt,
};

use super::{List, drag::handle};
use crate::components::icon::{icon, icon_name};
use crate::components::menu::{MenuButton, MenuItem};
use crate::components::when::When;
use crate::logic::prompts::beginning;
use crate::logic::route::Route;
use crate::state::{App, DialogKind, ToastKind, memo, run};
use crate::strings::{fill, form_parts, org_prompts, prompt_pages, t};
use crate::web::error::ApiError;

pub fn row(list: List, scope: PromptScope, id: PromptId, shown: Memo<Vec<PromptId>>) -> AnyView {
    let app = list.app;
    let prompt = memo(move || {
        let prompts = app.model.prompts().get();
        prompts.find(id).cloned()
    });
    let name = Signal::derive(move || {
        prompt.with(|prompt| {
            prompt
                .as_ref()
                .map(|prompt| prompt.name.clone())
                .unwrap_or_default()
        })
    });
    let place = memo(move || shown.with(|shown| shown.iter().position(|other| *other == id)));
    let drops = move || {
        place
            .get()
            .is_some_and(|at| list.gap.get() == Some((scope, at)))
    };
    let off = move || {
        let prompts = app.model.prompts().get();
        prompts
            .find(id)
            .is_some_and(|prompt| !prompts.is_given(prompt))
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowUp" if event.alt_key() => -1,
            "ArrowDown" if event.alt_key() => 1,
            _ => return,
        };
        if may_move(list, scope) {
            event.prevent_default();
            list.step(scope, id, step);
        }
    };
    view! {
        <li
            class="prompt"
            class:is-off=off
            class:drops-before=drops
            class:is-dragged=move || list.dragged.get() == Some((scope, id))
            data-testid="prompt-row"
            data-prompt=id.to_string()
            on:keydown=on_key
        >
            // It stays while the prompts change, or it would lose the focus and the pointer.
            <Show when=move || may_move(list, scope)>{handle(list, scope, id, name)}</Show>
            <div class="prompt-main">
                <p class="prompt-name">
                    <a href=Route::Prompt(id).fragment() data-testid="open-prompt">{name}</a>
                    {move || prompt.get().map(|prompt| badges(&prompt))}
                    {change_badge(app, Signal::stored(Some(id)))}
                </p>
                <p class="prompt-words">{move || prompt.get().map(|prompt| beginning(&prompt.content))}</p>
                <p class="prompt-facts">{move || prompt.get().map(|prompt| facts(app, &prompt))}</p>
            </div>
            {switch(app, prompt, name)}
            <MenuButton
                name=icon_name!("ellipsis")
                label=Signal::derive(move || fill(prompt_pages().prompt_menu, &[&name.get()]))
                testid="prompt-menu"
                items=Callback::new(move |()| items(app, id))
            />
        </li>
    }
    .into_any()
}

/// It can be taken to another place: what is written here, as long as all of it is shown.
fn may_move(list: List, scope: PromptScope) -> bool {
    let prompts = list.app.model.prompts();
    !list.is_searched() && prompts.with(|prompts| prompts.may_write(scope))
}

fn badges(prompt: &SystemPrompt) -> AnyView {
    let template = (prompt.format == PromptFormat::Template).then(|| {
        view! { <span class="badge">{icon(icon_name!("braces"))}{prompt_pages().prompt_template}</span> }
    });
    let locked = prompt.locked.then(|| {
        view! { <span class="badge" data-tip=prompt_pages().prompt_locked_tip>{icon(icon_name!("lock"))}{prompt_pages().prompt_locked}</span> }
    });
    view! { {template}{locked} }
}

/// That a prompt has a change which its organization does not have yet.
pub fn change_badge(app: App, id: Signal<Option<PromptId>>) -> AnyView {
    let change = memo(move || {
        let id = id.get()?;
        app.model.prompts().with(|prompts| prompts.change(id))
    });
    let badge = move || {
        let t = org_prompts();
        let (word, tip, name) = match change.get()? {
            PromptChangeState::Waiting => (t.waiting, t.waiting_tip, "waiting"),
            PromptChangeState::Refused => (t.refused, t.refused_tip, "refused"),
            PromptChangeState::Conflict => (t.conflict, t.conflict_tip, "conflict"),
        };
        let words = view! { {word}<span class="visually-hidden">{format!(": {tip}")}</span> };
        Some(match name {
            "waiting" => {
                view! { <span class="badge" data-testid="prompt-change" data-state=name data-tip=tip>{words}</span> }
            }
            // Somebody must choose, which is done there.
            _ => {
                let there = Route::Organization.fragment();
                view! {
                    <a class="badge" href=there data-testid="prompt-change" data-state=name data-tip=tip>{words}</a>
                }
            }
        })
    };
    view! { {badge} }
}

fn facts(app: App, prompt: &SystemPrompt) -> AnyView {
    let version = fill(
        prompt_pages().prompt_version,
        &[&prompt.version.to_string()],
    );
    let target = (prompt.target != PromptTarget::default())
        .then(|| view! { <span>{target(app, &prompt.target)}</span> });
    view! {
        {target}
        <span data-testid="prompt-version">{version}</span>
        <When at=prompt.updated_at long=true/>
    }
}

/// The sessions that a prompt is for, in words.
pub fn target(app: App, target: &PromptTarget) -> String {
    let agents = target.agents.iter().map(|id| app.agent_name(id));
    let projects = target.projects.iter().map(|id| {
        let name = app.project_name(*id);
        if name.is_empty() { id.short() } else { name }
    });
    let (agents, projects): (Vec<_>, Vec<_>) = (agents.collect(), projects.collect());
    match (agents.is_empty(), projects.is_empty()) {
        (true, true) => form_parts().prompt_for_all.to_owned(),
        (false, true) => agents.join(", "),
        (true, false) => projects.join(", "),
        (false, false) => format!("{} · {}", agents.join(", "), projects.join(", ")),
    }
}

/// Whether sessions are given it.
fn switch(app: App, prompt: Memo<Option<SystemPrompt>>, name: Signal<String>) -> AnyView {
    let known = app.model.prompts();
    let fixed = memo(move || {
        let prompt = prompt.get();
        let may = |prompt: &SystemPrompt| known.with(|known| known.may_switch(prompt));
        !prompt.as_ref().is_some_and(may)
    });
    // Counts up to put the switch back to what holds when the engine refused.
    let refused = RwSignal::new(0_u32);
    let on = move || {
        refused.track();
        let prompt = prompt.get();
        let given = |prompt: &SystemPrompt| known.with(|known| known.is_given(prompt));
        prompt.as_ref().is_some_and(given)
    };
    let busy = RwSignal::new(false);
    let toggle = move |_| {
        let Some(prompt) = prompt.get_untracked() else {
            return;
        };
        run(busy, async move {
            toggled(app, prompt).await;
            refused.update(|count| *count += 1);
        });
    };
    let label = Signal::derive(move || fill(prompt_pages().prompt_enable, &[&name.get()]));
    view! {
        <input
            type="checkbox"
            role="switch"
            class="switch"
            aria-label=label
            data-tip=label
            data-testid="prompt-enabled"
            aria-busy=move || busy.get().then_some("true")
            disabled=fixed
            prop:checked=on
            on:change=toggle
        />
    }
    .into_any()
}

/// Enables or disables what the user may write; of what an organization wrote it is noted whether the user
/// wants it.
async fn toggled(app: App, prompt: SystemPrompt) {
    let prompts = app.model.prompts();
    let (may_write, given) = prompts.with_untracked(|known| {
        let may_write = known.may_write(prompt.scope);
        (may_write, known.is_given(&prompt))
    });
    let answer = if may_write {
        let mut draft = prompt.draft();
        draft.enabled = !draft.enabled;
        let edit = PromptEdit {
            version: prompt.version,
            prompt: draft,
        };
        let changed = app.api().update_prompt(prompt.id, &edit).await;
        changed.map(|changed| prompts.update(|prompts| prompts.take(changed)))
    } else {
        app.api().decline_prompt(prompt.id, given).await
    };
    match answer {
        // What was asked for before could be older, and does not count any more.
        Ok(()) => app.fetch_prompts(),
        Err(error) => refused(app, &prompt.name, &error),
    }
}

/// Says why nothing was done, and shows what holds.
pub fn refused(app: App, name: &str, error: &ApiError) {
    if error.code() == Some(Code::PromptConflict) {
        let text = fill(form_parts().prompt_changed_meanwhile, &[name]);
        app.ui.toast(ToastKind::Error, text, None);
    } else {
        app.complain(error);
    }
    app.fetch_prompts();
}

fn items(app: App, id: PromptId) -> Vec<MenuItem> {
    let item = |label: &str, icon, testid, run: Callback<()>| MenuItem {
        label: label.to_owned(),
        icon,
        danger: false,
        testid,
        run,
    };
    let go = move |route| Callback::new(move |()| app.ui.go(route));
    let open = move |dialog: DialogKind| Callback::new(move |()| app.ui.open(dialog.clone()));
    let export = Callback::new(move |()| {
        spawn_local(async move {
            match app.api().export_prompt(id).await {
                Ok(file) => app.save_file(&file).await,
                Err(error) => app.complain(&error),
            }
        });
    });
    let prompts = app.model.prompts();
    let may_write = prompts.with_untracked(|prompts| {
        let scope = prompts.find(id).map(|prompt| prompt.scope);
        scope.is_some_and(|scope| prompts.may_write(scope))
    });
    let mut items = vec![
        item(
            if may_write {
                t().edit
            } else {
                prompt_pages().read_prompt
            },
            icon_name!("pencil"),
            "edit-prompt",
            go(Route::Prompt(id)),
        ),
        item(
            t().duplicate,
            icon_name!("copy"),
            "copy-prompt",
            go(Route::CopyPrompt(id)),
        ),
        item(
            prompt_pages().prompt_history,
            icon_name!("history"),
            "prompt-history",
            open(DialogKind::PromptHistory(id)),
        ),
        item(
            prompt_pages().prompt_export,
            icon_name!("download"),
            "export-prompt",
            export,
        ),
    ];
    if may_write {
        items.push(MenuItem {
            danger: true,
            ..item(
                t().delete,
                icon_name!("trash-2"),
                "remove-prompt",
                open(DialogKind::RemovePrompt(id)),
            )
        });
    }
    items
}
