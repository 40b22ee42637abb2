//! The sign of the active organization, at the foot of the sidebar.

use crate::view::prelude::*;

use crate::logic::organization::sign;
use crate::logic::route::Route;
use crate::state::{Org, memo};
use crate::strings::{fill, org};

#[component]
pub fn OrgSign() -> impl IntoView {
    let known = Org::follow();
    let shown = memo(move || {
        let state = known.state()?;
        let (_, name, standing) = sign(&state)?;
        Some((name, standing))
    });
    view! {
        {move || {
            let (name, standing) = shown.get()?;
            let whole = fill(org().sign, &[&name, standing.word]);
            let sign = view! {
                <a
                    class="org-sign"
                    href=Route::Organization.fragment()
                    aria-label=whole.clone()
                    data-testid="org-sign"
                    data-state=standing.name
                    data-tip=whole
                >
                    <span class=format!("dot {}", standing.tone.class()) aria-hidden="true"></span>
                    <span class="org-sign-name">{name}</span>
                </a>
            };
            Some(sign.into_any())
        }}
    }
    .into_any()
}
