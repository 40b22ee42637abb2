//! Who belongs to an organization. Admins say what others may do, and end their membership.

use crate::view::prelude::*;
use berth_protocol::UserId;
use berth_protocol::tenant::{OrgMember, OrgMembers, OrganizationRole, SetMemberRole};

use crate::components::icon::icon_name;
use crate::components::notice::{Empty, Skeleton};
use crate::components::org_confirm::OrgConfirm;
use crate::components::org_form::{failed, move_focus, unfetched};
use crate::components::when::When;
use crate::logic::org_members::{ROLES, beside, role_name, role_of, shown};
use crate::state::{App, OrgSettings, app, memo, run};
use crate::strings::{fill, org_settings};
use crate::web::error::ApiError;

/// What the rows share.
#[derive(Clone, Copy)]
struct List {
    app: App,
    settings: OrgSettings,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<ApiError>>,
    /// Who is asked about.
    removing: RwSignal<Option<UserId>>,
    /// Shows anew what holds, when a choice was not taken.
    attempts: RwSignal<u32>,
}

/// What the list looks like.
#[derive(Clone, PartialEq)]
enum Face {
    Loading,
    Failed(ApiError),
    Empty,
    Members,
}

#[component]
pub fn OrgMembersList(settings: OrgSettings) -> impl IntoView {
    let list = List {
        app: app(),
        settings,
        busy: RwSignal::new(false),
        failure: RwSignal::new(None),
        removing: RwSignal::new(None),
        attempts: RwSignal::new(0),
    };
    let face = memo(move || match settings.members() {
        None => Face::Loading,
        Some(Err(error)) => Face::Failed(error),
        Some(Ok(known)) if known.members.is_empty() => Face::Empty,
        Some(Ok(_)) => Face::Members,
    });
    view! {
        <section aria-labelledby="org-members-title" data-testid="org-members">
            <div>
                <h3 id="org-members-title" tabindex="-1">{org_settings().members}</h3>
                <p>{org_settings().members_text}</p>
            </div>
            {failed(list.failure)}
            {move || match face.get() {
                Face::Loading => view! { <Skeleton rows=3/> }.into_any(),
                Face::Failed(error) => {
                    unfetched(org_settings().failed, &error, Callback::new(move |()| settings.fetch()))
                }
                Face::Empty => {
                    view! {
                        <Empty
                            name=icon_name!("user")
                            title=org_settings().members_none
                            text=org_settings().members_none_text
                        />
                    }
                        .into_any()
                }
                Face::Members => leptos::prelude::untrack(|| list.rows()),
            }}
            {move || list.removing.get().and_then(|user| leptos::prelude::untrack(|| list.ask(user)))}
        </section>
    }
    .into_any()
}

impl List {
    /// A member, who is followed.
    fn member(self, user: UserId) -> Option<OrgMember> {
        let OrgMembers { members, .. } = self.settings.members()?.ok()?;
        members.into_iter().find(|member| member.user == user)
    }

    fn rows(self) -> AnyView {
        let users = memo(move || {
            let known = self.settings.members().and_then(Result::ok);
            let members = known.map(|known| known.members).unwrap_or_default();
            members.iter().map(|member| member.user).collect::<Vec<_>>()
        });
        view! {
            <ul class="org-people">
                // A row stays while it changes, so that the focus is where it was.
                <For each=move || users.get() key=|user| *user let:user>
                    {self.row(user)}
                </For>
            </ul>
        }
        .into_any()
    }

    fn row(self, user: UserId) -> AnyView {
        let member = memo(move || self.member(user));
        // Nobody takes their own rights away by a slip.
        let can_change = memo(move || {
            let is_other = member.with(|member| member.as_ref().is_some_and(|it| !it.is_you));
            is_other && self.settings.is_admin()
        });
        let you = move || {
            let is_you = member.with(|member| member.as_ref().is_some_and(|it| it.is_you));
            is_you.then(|| view! { <span class="badge">{org_settings().you}</span> })
        };
        let since = move || {
            let since = member.with(|member| member.as_ref().and_then(|it| it.since))?;
            Some(view! { <small>{org_settings().joined}" "<When at=since long=true/></small> })
        };
        view! {
            <li data-testid="org-member" data-member=user.to_string()>
                <span class="org-person">
                    <span>{move || member.get().map(|member| shown(&member))}</span>
                    {move || member.get().and_then(|member| beside(&member)).map(|email| view! { <small>{email}</small> })}
                    {since}
                </span>
                {you}
                {move || match can_change.get() {
                    true => leptos::prelude::untrack(|| self.controls(user, member)),
                    false => {
                        let role = move || member.get().map(|member| role_name(member.role));
                        view! { <span class="badge" data-testid="member-is">{role}</span> }.into_any()
                    }
                }}
            </li>
        }
        .into_any()
    }

    fn controls(self, user: UserId, member: Memo<Option<OrgMember>>) -> AnyView {
        let named = move |text: &'static str| {
            let name = member.with(|member| member.as_ref().map(shown).unwrap_or_default());
            fill(text, &[&name])
        };
        let is = move |role: OrganizationRole| {
            self.attempts.track();
            member.with(|member| member.as_ref().is_some_and(|it| it.role == role))
        };
        let options = ROLES.map(|(role, word)| {
            view! { <option value=word prop:selected=move || is(role)>{role_name(role)}</option> }
        });
        view! {
            <select
                class="input"
                aria-label=move || named(org_settings().role_of)
                data-testid="member-role"
                on:change=move |event| self.choose(user, &event_target_value(&event))
            >
                {options.into_iter().collect_view()}
            </select>
            <button
                type="button"
                class="button button-quiet"
                aria-label=move || named(org_settings().remove_named)
                data-testid="remove-member"
                on:click=move |_| self.removing.set(Some(user))
            >
                <span>{org_settings().remove}</span>
            </button>
        }
        .into_any()
    }

    fn choose(self, user: UserId, word: &str) {
        let member = leptos::prelude::untrack(|| self.member(user));
        let (Some(role), Some(member)) = (role_of(word), member) else {
            return;
        };
        if self.busy.get_untracked() {
            return self.attempts.update(|attempts| *attempts += 1);
        }
        self.failure.set(None);
        run(self.busy, async move {
            let wanted = SetMemberRole { role };
            let api = self.app.api();
            match api.set_member_role(self.settings.org, user, &wanted).await {
                Ok(()) => {
                    let said = [shown(&member), role_name(role).to_owned()];
                    let said = fill(org_settings().role_set, &[&said[0], &said[1]]);
                    self.app.ui.say(said);
                }
                Err(error) => {
                    self.failure.set(Some(error));
                    self.attempts.update(|attempts| *attempts += 1);
                }
            }
            self.settings.fetch();
        });
    }

    /// Asks whether somebody is to be removed.
    fn ask(self, user: UserId) -> Option<AnyView> {
        let name = shown(&self.member(user)?);
        let (busy, failure) = (RwSignal::new(false), RwSignal::new(None));
        let title = fill(org_settings().remove_title, &[&name]);
        let close = Callback::new(move |()| self.removing.set(None));
        let confirm = Callback::new(move |()| {
            let said = fill(org_settings().removed, &[&name]);
            run(busy, async move {
                match self.app.api().remove_member(self.settings.org, user).await {
                    Ok(()) => {
                        self.removing.set(None);
                        self.app.ui.say(said);
                        // The row that the dialog gives the focus back to is about to go.
                        move_focus("#org-members-title");
                    }
                    Err(error) => failure.set(Some(error)),
                }
                self.settings.fetch();
            });
        });
        let dialog = view! {
            <OrgConfirm
                title=title
                text=org_settings().remove_text
                action=org_settings().remove
                busy=busy
                failure=failure
                on_confirm=confirm
                on_close=close
            />
        };
        Some(dialog)
    }
}
