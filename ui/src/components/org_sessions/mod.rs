//! The sessions that an organization was told of, asked of its backend: those of everybody for its admins, and of
//! whoever is signed in for others.

use std::rc::Rc;

use crate::view::{keyed, prelude::*};
use berth_protocol::tenant::{OrgSession, OrgSessions, OrganizationRole};

use crate::components::button::{Button, Look};
use crate::components::field::SelectField;
use crate::components::icon::icon_name;
use crate::components::notice::Skeleton;
use crate::components::org_form::{keep_focus, keep_focus_on, unfetched};
use crate::components::status_dot::StatusDot;
use crate::components::when::When;
use crate::logic::org_members::{called, shown};
use crate::logic::org_sessions::{place, standing, tone};
use crate::logic::org_trail::end;
use crate::state::{App, Org, OrgSettings, app, effect, memo};
use crate::strings::{count, fill, org_sessions};
use crate::web::error::ApiError;
use crate::web::org_trail::asked;
use crate::web::task::spawn_local;

/// Sessions that are fetched at once.
const PAGE: &str = "50";

/// The states that can be looked for, by the engine's words.
const RUNNING: &str = "running";
const ENDED: &str = "ended";

/// The sessions that are shown.
#[derive(Clone, Copy)]
struct List {
    app: App,
    settings: OrgSettings,
    /// Whose, by their identifier; everybody's when empty.
    person: RwSignal<String>,
    /// Those that run or have ended; both when empty.
    state: RwSignal<String>,
    /// The newest first; absent until the first answer.
    sessions: RwSignal<Option<Vec<Rc<OrgSession>>>>,
    /// Where older ones begin.
    next: RwSignal<Option<String>>,
    failure: RwSignal<Option<ApiError>>,
    busy: RwSignal<bool>,
    /// How often was asked: an answer to an earlier question does not count.
    asked: StoredValue<u32>,
}

impl List {
    fn new(settings: OrgSettings) -> Self {
        Self {
            app: app(),
            settings,
            person: RwSignal::new(String::new()),
            state: RwSignal::new(String::new()),
            sessions: RwSignal::new(None),
            next: RwSignal::new(None),
            failure: RwSignal::new(None),
            busy: RwSignal::new(false),
            asked: StoredValue::new(0_u32),
        }
    }

    /// As the engine is asked for the sessions behind a place.
    fn question(self, after: Option<&str>) -> String {
        let mut question = String::new();
        asked(&mut question, "limit", PAGE);
        asked(&mut question, "person", &self.person.get_untracked());
        asked(&mut question, "state", &self.state.get_untracked());
        asked(&mut question, "after", after.unwrap_or_default());
        question
    }

    /// Fetches the newest sessions that are looked for, or those behind a place.
    fn load(self, after: Option<String>) {
        let this = self.asked.get_value() + 1;
        self.asked.set_value(this);
        let is_more = after.is_some();
        if !is_more {
            self.sessions.set(None);
            self.next.set(None);
        }
        self.failure.set(None);
        self.busy.set(true);
        let question = self.question(after.as_deref());
        spawn_local(async move {
            let api = self.app.api();
            let answer: Result<OrgSessions, ApiError> =
                api.org_sessions(self.settings.org, &question).await;
            if self.asked.try_get_value() != Some(this) {
                return;
            }
            self.busy.set(false);
            match answer {
                Ok(page) => {
                    self.next.set(page.next);
                    let more = page.sessions.into_iter().map(Rc::new);
                    self.sessions
                        .update(|sessions| sessions.get_or_insert_default().extend(more));
                }
                Err(error) => self.failure.set(Some(error)),
            }
            match is_more {
                // The button that fetches more has gone with the last of them.
                true if self.next.with_untracked(Option::is_none) => {
                    keep_focus("#org-sessions-title".to_owned());
                }
                true => keep_focus_on("older-org-sessions"),
                false => {}
            }
        });
    }
}

#[component]
pub fn OrgSessionList(known: Org, settings: OrgSettings) -> impl IntoView {
    let list = List::new(settings);
    let role = memo(move || known.entry(settings.org).map(|entry| entry.role));
    // Who is an admin from now on sees those of others.
    effect(move || {
        // Without the field for it nobody could take back whose are looked for.
        if role.get() != Some(OrganizationRole::Admin) {
            list.person.set(String::new());
        }
        list.load(None);
    });
    let is_admin = memo(move || role.get() == Some(OrganizationRole::Admin));
    let text = move || match is_admin.get() {
        true => org_sessions().text_admin,
        false => org_sessions().text_user,
    };
    view! {
        <section aria-labelledby="org-sessions-title" data-testid="org-sessions">
            <div>
                <h3 id="org-sessions-title" tabindex="-1">{org_sessions().title}</h3>
                <p>{text}</p>
            </div>
            {choices(list, is_admin)}
            {rows(list)}
        </section>
    }
    .into_any()
}

/// What is looked for.
fn choices(list: List, is_admin: Memo<bool>) -> AnyView {
    let t = org_sessions();
    let states = memo(move || {
        let options = [("", t.any_state), (RUNNING, t.running), (ENDED, t.ended)];
        let options = options.map(|(word, shown)| (word.to_owned(), shown.to_owned()));
        options.to_vec()
    });
    let choose = Callback::new(move |state| {
        list.state.set(state);
        list.load(None);
    });
    let again = Callback::new(move |()| {
        list.load(None);
        keep_focus_on("refresh-org-sessions");
    });
    view! {
        <div class="org-sessions-fields">
            <Show when=move || is_admin.get()>{person(list)}</Show>
            <SelectField
                label=t.state
                value=list.state
                options=states
                on_select=choose
                testid="org-sessions-state"
            />
        </div>
        <div class="org-actions">
            <Button
                label=t.refresh
                icon_name=icon_name!("refresh-cw")
                look=Look::Quiet
                busy=list.busy
                testid="refresh-org-sessions"
                on_click=again
            />
        </div>
    }
    .into_any()
}

/// Whose are looked for.
fn person(list: List) -> AnyView {
    let options = memo(move || {
        let mut options = vec![(String::new(), org_sessions().anybody.to_owned())];
        if let Some(Ok(known)) = list.settings.members() {
            let members = known.members.iter();
            options.extend(members.map(|member| (member.user.to_string(), shown(member))));
        }
        options
    });
    let choose = Callback::new(move |person| {
        list.person.set(person);
        list.load(None);
    });
    view! {
        <SelectField
            label=org_sessions().person
            value=list.person
            options=options
            on_select=choose
            testid="org-sessions-person"
        />
    }
    .into_any()
}

/// The table, or why there is none.
fn rows(list: List) -> AnyView {
    let number = memo(move || list.sessions.with(|it| it.as_ref().map(Vec::len)));
    let is_empty = memo(move || number.get() == Some(0));
    let is_waiting = memo(move || number.get().is_none() && list.busy.get());
    let has_rows = memo(move || number.get().is_some_and(|number| number > 0));
    // What is shown stays; nothing is, as long as it is not known where older ones begin.
    let go_on = move || list.load(list.next.get_untracked());
    let retry = Callback::new(move |()| {
        go_on();
        keep_focus("#org-sessions-title".to_owned());
    });
    let older = Callback::new(move |()| go_on());
    view! {
        {move || list.failure.get().map(|error| unfetched(org_sessions().failed, &error, retry))}
        {move || is_waiting.get().then(|| view! { <Skeleton rows=4/> })}
        {move || is_empty.get().then(|| view! {
            <p data-testid="no-org-sessions">{org_sessions().none}</p>
        })}
        {move || has_rows.get().then(|| table(list))}
        {move || list.next.get().map(|_| view! {
            <div class="org-actions">
                <Button label=org_sessions().older busy=list.busy testid="older-org-sessions" on_click=older/>
            </div>
        })}
    }
    .into_any()
}

fn table(list: List) -> AnyView {
    let t = org_sessions();
    let sessions = move || list.sessions.with(|it| it.clone().unwrap_or_default());
    let heads = [t.agent, t.who, t.device, t.now, t.begun, t.over, t.place];
    let heads = heads.map(|head| view! { <th scope="col">{head}</th> });
    view! {
        <div class="org-sessions-frame" tabindex="0" role="region" aria-label=t.table>
            <table class="org-sessions">
                <caption class="visually-hidden">{t.table}</caption>
                <thead>
                    <tr>{heads.into_iter().collect_view()}</tr>
                </thead>
                <tbody>{keyed(sessions, |session| session.id, |session| row(&session))}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(session: &OrgSession) -> AnyView {
    let t = org_sessions();
    let run = (session.run > 1).then(|| {
        let run = fill(t.run_of, &[&session.run.to_string()]);
        view! { <small>{run}</small> }
    });
    let device = match session.is_here {
        true => t.here.to_owned(),
        false => end(&session.device_id.to_string()),
    };
    let ended = session.ended_at.map(|at| view! { <When at=at/> });
    let workspace = session.workspace.as_ref();
    let branch = workspace.map(place).unwrap_or_default();
    let changes = workspace.and_then(|it| it.changes).map(|changes| {
        let files = count(changes.files.into(), t.files_one, t.files_many);
        view! {
            <small data-testid="org-session-changes">
                {files}" "
                <span class="plus">{format!("+{}", changes.added)}</span>
                " "
                <span class="minus">{format!("−{}", changes.removed)}</span>
            </small>
        }
    });
    let id = session.id.to_string();
    view! {
        <tr data-testid="org-session" data-session=id data-running=session.ended_at.is_none().to_string()>
            <td>{session.agent.clone()}{run}</td>
            <td data-testid="org-session-who">{called(&session.person)}</td>
            <td>{device}</td>
            <td data-testid="org-session-state">
                <StatusDot tone=tone(session)/>
                " "
                {standing(session)}
            </td>
            <td><When at=session.started_at/></td>
            <td>{ended}</td>
            <td class="org-session-place" data-tip=branch.clone()>{branch}{changes}</td>
        </tr>
    }
    .into_any()
}
