//! What is loaded when it is first shown: pages that nobody begins with, and dialogs.
//!
//! Each function here takes the place of a component. The component's code, and all that only it
//! needs, is in a file of its own, which is fetched once; it shares everything else with the page.
//! Whoever names such a component elsewhere takes it back into what is loaded at start.

mod place;

use berth_protocol::{
    AgentId, McpConfigurationId, ProjectId, PromptId, RouterId, Session, SessionId,
};
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use crate::components::activity::Activity;
use crate::components::agent_editor::AgentEditor;
use crate::components::attach::Attach;
use crate::components::changes::Changes;
use crate::components::confirm::{
    ArchiveSessionDialog, ClearMcpDialog, DeleteSessionDialog, LeaveDialog, RemoveAgentDialog,
    RemoveMcpDialog, RemoveProjectDialog, RemovePromptDialog, RemoveRouterDialog,
    RenameProjectDialog, RenameSessionDialog,
};
use crate::components::details::tools::SessionTools;
use crate::components::effective_prompt::SessionPromptDialog;
use crate::components::folder_dialog::AddProjectDialog;
use crate::components::mcp_asked::McpAskedDialog;
use crate::components::mcp_consent::McpConsentDialog;
use crate::components::mcp_editor::McpEditor;
use crate::components::mcp_tools::McpToolsDialog;
use crate::components::org_sign::OrgSign;
use crate::components::palette::Palette;
use crate::components::prompt_editor::PromptEditor;
use crate::components::prompt_history::PromptHistory;
use crate::components::router_editor::RouterEditor;
use crate::components::shortcut_sheet::ShortcutSheet;
use crate::components::terminal::TerminalView;
use crate::logic::route::Route;
use crate::pages::audit::AuditPage;
use crate::pages::mcp::McpPage;
use crate::pages::organization::OrganizationPage;
use crate::pages::projects::ProjectsPage;
use crate::pages::prompts::PromptsPage;
use crate::pages::settings::SettingsPage;
use crate::state::{AgentEdit, McpChange, McpThen, RouterEdit};
use crate::view::{html, prelude::*};
use place::{Shape, place};

/// Makes a function for each component that is loaded later: the name of its file, what its place
/// looks like until it is there, and the component.
///
/// What is fetched is a function that makes the view, and not the view: it has to be made where it is
/// shown, so that the page owns what it follows.
macro_rules! lazy {
    ($($file:ident as $shape:ident {
        $($name:ident($($argument:ident: $type:ty),*) => $view:expr;)*
    })*) => {$($(
        pub fn $name($($argument: $type),*) -> AnyView {
            #[wasm_split($file, fallible)]
            fn $name() -> Result<fn($($type),*) -> AnyView, SplitLoaderError> {
                Ok(|$($argument),*| $view)
            }
            place(Shape::$shape, $name, move |make| make($(Clone::clone(&$argument)),*))
        }
    )*)*};
}

// Few files: two that need the same code have a third one between them.
lazy! {
    pages as Page {
        audit() => view! { <AuditPage/> };
        projects() => view! { <ProjectsPage/> };
        settings() => view! { <SettingsPage/> };
    }
    pages as Panel {
        activity(id: SessionId, session: Memo<Option<Session>>) => view! { <SessionTools id=id session=session/> <Activity id=id/> };
    }
    pages as Sign {
        attach(id: SessionId, session: Memo<Option<Session>>, area: NodeRef<html::Textarea>, under_way: RwSignal<u64>) => view! { <Attach id=id session=session area=area under_way=under_way/> };
    }
    session as Panel {
        terminal(id: SessionId, session: Memo<Option<Session>>) => view! { <TerminalView id=id session=session/> };
        changes(id: SessionId, session: Memo<Option<Session>>) => view! { <Changes id=id session=session/> };
    }
    dialogs as Dialog {
        palette() => view! { <Palette/> };
        shortcut_sheet() => view! { <ShortcutSheet/> };
        add_project() => view! { <AddProjectDialog/> };
        archive_session(id: SessionId) => view! { <ArchiveSessionDialog id=id/> };
        delete_session(id: SessionId) => view! { <DeleteSessionDialog id=id/> };
        rename_session(id: SessionId) => view! { <RenameSessionDialog id=id/> };
        remove_project(id: ProjectId) => view! { <RemoveProjectDialog id=id/> };
        rename_project(id: ProjectId) => view! { <RenameProjectDialog id=id/> };
        remove_router(id: RouterId) => view! { <RemoveRouterDialog id=id/> };
        remove_agent(id: AgentId) => view! { <RemoveAgentDialog id=id/> };
        remove_prompt(id: PromptId) => view! { <RemovePromptDialog id=id/> };
        clear_mcp(id: McpConfigurationId) => view! { <ClearMcpDialog id=id/> };
        remove_mcp(id: McpConfigurationId) => view! { <RemoveMcpDialog id=id/> };
        leave(to: Route) => view! { <LeaveDialog to=to/> };
    }
    forms as Dialog {
        edit_router(edit: RouterEdit) => view! { <RouterEditor edit=edit/> };
        edit_agent(edit: AgentEdit) => view! { <AgentEditor edit=edit/> };
    }
    prompts as Page {
        prompts() => view! { <PromptsPage/> };
        edit_prompt(route: Route) => view! { <PromptEditor route=route/> };
    }
    prompts as Dialog {
        prompt_history(id: PromptId) => view! { <PromptHistory id=id/> };
        session_prompt(id: SessionId, changes: bool) => view! { <SessionPromptDialog id=id changes=changes/> };
    }
    mcp as Page {
        mcp() => view! { <McpPage/> };
    }
    mcp as Dialog {
        edit_mcp(edit: McpChange) => view! { <McpEditor edit=edit/> };
        mcp_consent(id: McpConfigurationId, then: McpThen) => view! { <McpConsentDialog id=id then=then/> };
        mcp_tools(id: McpConfigurationId) => view! { <McpToolsDialog id=id/> };
        mcp_asked(id: SessionId) => view! { <McpAskedDialog id=id/> };
    }
    org as Page {
        organization() => view! { <OrganizationPage/> };
    }
    org as Sign {
        org_sign() => view! { <OrgSign/> };
    }
}
