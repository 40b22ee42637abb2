//! How a server is reached, with everything that its configuration only names.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::{Path, PathBuf},
};

use berth_mcp::Reach;
use berth_protocol::{Code, McpAuth, McpConfigurationId, McpDraft, McpServer, Secret, SessionId};
use berth_session::{
    agents::detect,
    process::{GATEWAY_VARIABLE, SESSION_VARIABLE},
};

use super::sign_in::{address, key};
use crate::{error::ApiError, state::State};

/// Variables that a server's program is given of the user's own: to be found, to know its user, their language
/// and their way to the network. Everything else is named by its configuration.
const INHERITED: &[&str] = &[
    "ALL_PROXY",
    "APPDATA",
    "COMSPEC",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LOCALAPPDATA",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "PATHEXT",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "TZ",
    "USER",
    "USERNAME",
    "USERPROFILE",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
];

/// Where a server is and what it is given. A program works in `folder`, or in the user's home. Only a server that is
/// kept, and so has an identifier, can be one that somebody is signed in to.
pub async fn reach(
    state: &State,
    (id, draft): (Option<McpConfigurationId>, &McpDraft),
    secrets: BTreeMap<String, Secret>,
    folder: Option<&Path>,
) -> Result<Reach, ApiError> {
    let reach = bare(state, draft, secrets, folder).await?;
    let (Some(id), Some(url), true) = (id, address(&draft.server), draft.is_oauth()) else {
        return Ok(reach);
    };
    Ok(Reach::SignedIn {
        reach: Box::new(reach),
        tokens: state.sign_ins.broker().source(&key(id), url),
    })
}

async fn bare(
    state: &State,
    draft: &McpDraft,
    mut secrets: BTreeMap<String, Secret>,
    folder: Option<&Path>,
) -> Result<Reach, ApiError> {
    match &draft.server {
        McpServer::Stdio {
            command,
            args,
            env,
            secret_env,
        } => {
            let environment = state.environment().await;
            let home = folder.map(PathBuf::from).or_else(|| state.home());
            let folder = home.unwrap_or_else(std::env::temp_dir);
            let program = detect::resolve(command, &folder, environment);
            let program = program.filter(|path| path.is_absolute()).ok_or_else(|| {
                let detail = format!("there is no program {command:?}");
                ApiError::new(Code::McpEnded, detail)
            })?;
            let mut all = inherited(environment.variables());
            for (name, value) in env {
                all.insert(name.into(), value.into());
            }
            let mut hidden = Vec::new();
            for name in secret_env {
                if let Some(value) = secrets.remove(&format!("env/{name}")) {
                    all.insert(name.into(), value.expose().into());
                    hidden.push(value);
                }
            }
            Ok(Reach::Stdio {
                program,
                args: args.iter().map(OsString::from).collect(),
                env: all,
                folder,
                secrets: hidden,
            })
        }
        McpServer::Http {
            url,
            headers,
            secret_headers,
        } => {
            let headers = all_headers(headers, secret_headers, &mut secrets);
            Ok(Reach::Http {
                url: url.clone(),
                headers,
                bearer: bearer(draft, &mut secrets),
            })
        }
        McpServer::Sse {
            url,
            headers,
            secret_headers,
        } => {
            let headers = all_headers(headers, secret_headers, &mut secrets);
            Ok(Reach::Sse {
                url: url.clone(),
                headers,
                bearer: bearer(draft, &mut secrets),
            })
        }
    }
}

/// Names the session that a server's program is started for, so that the next start finds it after this engine was
/// killed: a closed input is all that it hears of that, and not every program heeds it. What a configuration says of
/// such variables does not count: one of before they were refused, or of an organization, may have them.
pub fn mark(reach: &mut Reach, session: SessionId) {
    match reach {
        Reach::Stdio { env, .. } => {
            // To Windows, names in other letters are the same, and the last of them would hold.
            let marks = [GATEWAY_VARIABLE, SESSION_VARIABLE];
            env.retain(|name, _| !marks.iter().any(|mark| name.eq_ignore_ascii_case(mark)));
            env.insert(GATEWAY_VARIABLE.into(), session.to_string().into());
        }
        Reach::SignedIn { reach, .. } => mark(reach, session),
        Reach::Http { .. } | Reach::Sse { .. } => {}
    }
}

fn all_headers(
    plain: &BTreeMap<String, String>,
    secret: &BTreeSet<String>,
    secrets: &mut BTreeMap<String, Secret>,
) -> BTreeMap<String, Secret> {
    let plain = plain
        .iter()
        .map(|(name, value)| (name.clone(), Secret::new(value.clone())));
    let mut all: BTreeMap<String, Secret> = plain.collect();
    for name in secret {
        if let Some(value) = secrets.remove(&format!("header/{name}")) {
            all.insert(name.clone(), value);
        }
    }
    all
}

fn bearer(draft: &McpDraft, secrets: &mut BTreeMap<String, Secret>) -> Option<Secret> {
    match draft.auth {
        McpAuth::Bearer => secrets.remove("token"),
        McpAuth::None | McpAuth::Oauth { .. } => None,
    }
}

fn inherited(all: BTreeMap<OsString, OsString>) -> BTreeMap<OsString, OsString> {
    let is_inherited = |name: &OsString| {
        let name = name.to_string_lossy().to_ascii_uppercase();
        INHERITED.contains(&name.as_str())
    };
    all.into_iter()
        .filter(|(name, _)| is_inherited(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_given_little_of_its_users_environment() {
        let all = [
            "PATH",
            "https_proxy",
            "ANTHROPIC_API_KEY",
            "SSH_AUTH_SOCK",
            "HOME",
        ];
        let all = all
            .iter()
            .map(|name| (OsString::from(name), OsString::from("x")));
        let given = inherited(all.collect());
        let names: Vec<_> = given.keys().filter_map(|name| name.to_str()).collect();
        assert_eq!(names, ["HOME", "PATH", "https_proxy"]);
    }

    #[test]
    fn a_server_is_marked_with_its_own_session_whatever_its_configuration_says() {
        let named = [
            "BERTH_GATEWAY_SESSION_ID",
            "berth_gateway_session_id",
            "BERTH_SESSION_ID",
            "OTHER",
        ];
        let named = named
            .iter()
            .map(|name| (OsString::from(name), OsString::from("another")));
        let mut reach = Reach::Stdio {
            program: PathBuf::from("/bin/server"),
            args: Vec::new(),
            env: named.collect(),
            folder: PathBuf::from("/"),
            secrets: Vec::new(),
        };
        let session = SessionId(uuid::Uuid::nil());
        mark(&mut reach, session);
        let Reach::Stdio { env, .. } = reach else {
            panic!("it is a program still")
        };
        let expected = [
            ("BERTH_GATEWAY_SESSION_ID", session.to_string()),
            ("OTHER", "another".to_owned()),
        ];
        let expected = expected.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        assert_eq!(env, BTreeMap::from(expected));
    }
}
