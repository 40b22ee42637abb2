//! Saves a server, then the secrets that were typed: a secret needs its name to be known.

use berth_protocol::{Code, FieldProblem, McpConfiguration, McpEdit};

use super::draft::Draft;
use crate::components::stored_secret::Kept;
use crate::logic::mcp::secret_name;
use crate::logic::mcp_form::{Auth, Form};
use crate::state::{App, RwSignal};
use crate::strings::mcp;
use crate::web::error::ApiError;

/// A secret that was not stored or not removed.
#[derive(Clone)]
pub struct Undone {
    pub name: String,
    pub removing: bool,
    pub error: ApiError,
}

/// What a field says of a secret.
pub struct Value {
    field: RwSignal<String>,
    kept: RwSignal<Kept>,
    /// Its name in the keychain.
    key: String,
    /// A new value; empty for none.
    value: String,
    /// The value in the keychain is removed.
    goes: bool,
}

impl Value {
    /// Everything that the form says of secrets.
    pub fn all(draft: Draft, form: &Form) -> Vec<Self> {
        let of = |field: RwSignal<String>, kept: RwSignal<Kept>, key: String| Self {
            field,
            kept,
            key,
            value: field.get_untracked().trim().to_owned(),
            goes: kept.get_untracked() == Kept::Goes,
        };
        let secrets = draft.secrets.get_untracked().into_iter();
        let mut all: Vec<_> = secrets
            .map(|it| of(it.value, it.kept, form.key_of(&it.name.get_untracked())))
            .collect();
        match form.auth {
            _ if form.is_program() => {}
            Auth::None => {}
            Auth::Bearer => all.push(of(draft.token, draft.token_kept, "token".to_owned())),
            Auth::Oauth if form.client_id.trim().is_empty() => {}
            Auth::Oauth | Auth::Client => all.push(of(
                draft.client_secret,
                draft.client_kept,
                "client_secret".to_owned(),
            )),
        }
        all
    }
}

/// Saves the server over the version that was edited, then its secrets. Returns it as it is then, and the
/// secrets that could not be stored or removed.
pub async fn save(
    app: App,
    form: &Form,
    values: Vec<Value>,
    known: Option<&McpConfiguration>,
) -> Result<(McpConfiguration, Vec<Undone>), ApiError> {
    let api = app.api();
    let draft = form.draft();
    let mut server = match known {
        Some(known) => {
            let edit = McpEdit {
                version: known.version,
                configuration: draft,
            };
            api.update_mcp(known.id, &edit).await?
        }
        None => api.create_mcp(&draft).await?,
    };
    let mut undone = Vec::new();
    for Value {
        field,
        kept,
        key,
        value,
        goes,
    } in values
    {
        let removing = goes && server.kept_secrets.contains(&key);
        let answer = if !value.is_empty() {
            api.set_mcp_secret(server.id, &key, value).await
        } else if removing {
            api.remove_mcp_secret(server.id, &key).await
        } else {
            continue;
        };
        match answer {
            Ok(changed) => {
                server = changed;
                field.try_set(String::new());
                kept.try_set(Kept::Stays);
            }
            Err(error) => undone.push(Undone {
                name: secret_name(&key).to_owned(),
                removing,
                error,
            }),
        }
    }
    app.take_mcp(server.clone());
    Ok((server, undone))
}

/// The fields that a refusal is about; none when it is about something else.
pub fn told(error: &ApiError, form: &Form) -> Option<Vec<FieldProblem>> {
    let problem = error.problem()?;
    if problem.code == Code::McpExists {
        return Some(vec![FieldProblem {
            field: "name".to_owned(),
            message: mcp().name_taken.to_owned(),
        }]);
    }
    // What no field shows is told as a whole.
    let shown = |problem: &FieldProblem| !problem.field.starts_with("target");
    let placed = form.placed(problem.fields.clone());
    Some(placed).filter(|fields| fields.iter().any(shown))
}
