//! One session: its conversation, its terminal, its changes.

use crate::view::prelude::*;
use berth_protocol::SessionId;

use crate::components::button::Button;
use crate::components::chat::Chat;
use crate::components::icon::icon_name;
use crate::components::notice::{Empty, Skeleton};
use crate::components::session_header::{SessionHeader, SessionTabs};
use crate::components::session_prompt::PromptNotice;
use crate::components::session_router::RouterNotice;
use crate::lazy;
use crate::logic::route::{Route, Tab};
use crate::state::{Phase, app, memo};
use crate::strings::t;

#[component]
pub fn SessionPage(id: SessionId) -> impl IntoView {
    let app = app();
    let session = app.session(id);
    app.follow_given(id, session);
    let known = memo(move || session.see(Option::is_some));
    let tab = memo(move || match app.ui.route.get() {
        Route::Session { tab, .. } => tab,
        _ => Tab::Chat,
    });
    view! {
        {move || {
            if known.get() {
                view! {
                    <div class="session">
                        <SessionHeader id=id session=session/>
                        <SessionTabs id=id session=session tab=tab/>
                        <RouterNotice id=id session=session/>
                        <PromptNotice id=id session=session/>
                        <div class="session-panel" id="session-panel" role="tabpanel" aria-labelledby=move || format!("tab-{}", tab.get().slug())>
                            {move || match tab.get() {
                                Tab::Chat => view! { <Chat id=id session=session/> }.into_any(),
                                Tab::Terminal => lazy::terminal(id, session),
                                Tab::Changes => lazy::changes(id, session),
                            }}
                        </div>
                    </div>
                }
                    .into_any()
            } else if app.model.phase().get() == Phase::Loading {
                view! { <Skeleton class="session-skeleton"/> }.into_any()
            } else {
                view! {
                    <Empty name=icon_name!("circle-dashed") title=t().session_gone text=t().session_gone_text>
                        <Button label=t().new_session icon_name=icon_name!("plus") on_click=Callback::new(move |()| app.new_session())/>
                    </Empty>
                }
                    .into_any()
            }
        }}
    }
    .into_any()
}
