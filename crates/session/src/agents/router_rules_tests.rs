//! What agents are told of their router.

use std::path::Path;

use berth_protocol::{AgentId, SessionId, Size};

use super::*;
use crate::{
    agents::{self, injection::Injection},
    environment::Environment,
    router::Route,
};

fn spec(id: &str) -> &'static Spec {
    agents::find(&id.parse::<AgentId>().unwrap()).unwrap()
}

/// What is run for an agent whose programs are there, in an environment of the user's own.
fn plan(id: &str, transport: Transport, router: Option<&Route>) -> Result<Plan, LaunchError> {
    let folder = tempfile::tempdir().unwrap();
    for program in ["claude", "claude-agent-acp", "codex", "codex-acp", "goose"] {
        let path = folder.path().join(program);
        std::fs::write(&path, "").unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }
    let variables = [
        ("PATH", folder.path().to_str().unwrap()),
        ("ANTHROPIC_API_KEY", "the-users-own"),
        ("ANTHROPIC_MODEL", "opus"),
        ("EDITOR", "vi"),
    ];
    let variables = variables.map(|(name, value)| (name.into(), value.into()));
    let environment = Environment::given("test", variables.into());
    let order = Order {
        session: SessionId(uuid()),
        workspace: Path::new("/work"),
        size: Size::default(),
        transport,
        permission_mode: None,
        command: None,
        agent_session: "s1",
        resume: false,
        injection: Injection::default(),
        private: Path::new("/private"),
        router,
    };
    agents::plan(spec(id), &order, &environment)
}

fn uuid() -> berth_protocol::Uuid {
    berth_protocol::Uuid::nil()
}
