//! Where a backend's database is, and how safely it is reached.
//!
//! The address holds a password, so it is never part of a message. A connection to another machine is encrypted,
//! and the server's certificate checked, unless the address itself says `sslmode=require` or `verify-ca`; the
//! variable `PGSSLMODE` cannot weaken that.

use std::{net::IpAddr, str::FromStr, time::Duration};

use berth_protocol::Secret;
use sqlx::{
    ConnectOptions, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::MigrateError;

/// What the server's own statistics call this program.
const NAME: &str = "berth-tenant";

/// How long a server may take to let us in. Without a limit, one that drops everything is waited for without end.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);

pub(crate) async fn connect(url: &Secret<String>) -> Result<PgConnection, MigrateError> {
    connect_within(url, CONNECT_LIMIT).await
}

async fn connect_within(
    url: &Secret<String>,
    limit: Duration,
) -> Result<PgConnection, MigrateError> {
    let options = options(url)?;
    match tokio::time::timeout(limit, options.connect()).await {
        Ok(connected) => connected.map_err(|source| MigrateError::Connect {
            host: place(&options),
            source,
        }),
        Err(_) => Err(MigrateError::NoAnswer {
            host: place(&options),
            seconds: limit.as_secs(),
        }),
    }
}

fn options(url: &Secret<String>) -> Result<PgConnectOptions, MigrateError> {
    let text = url.expose().trim();
    let Some(rest) = text
        .strip_prefix("postgres://")
        .or_else(|| text.strip_prefix("postgresql://"))
    else {
        return Err(MigrateError::Address {
            reason: "it does not begin with postgres://",
        });
    };
    // A password with such a character ends the host too early: its beginning would be taken for the host or the
    // port, and shown as such.
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    if rest[end..].contains('@') {
        return Err(MigrateError::Address {
            reason: "there is an @ after the host; in a password /, ?, # and @ are written as %2F, %3F, %23 and %40",
        });
    }
    // The cause would repeat parts of the address.
    let options = PgConnectOptions::from_str(text).map_err(|_| MigrateError::Address {
        reason: "a part of it is not as it must be; special characters of a password are written as %XX",
    })?;
    let options = options.application_name(NAME).disable_statement_logging();
    encrypted(options, says_ssl_mode(rest))
}

/// The address itself says how the connection is encrypted. A name that is escaped is not recognized, which makes
/// the check stricter.
fn says_ssl_mode(rest: &str) -> bool {
    let (before_fragment, _) = rest.split_once('#').unwrap_or((rest, ""));
    let (_, query) = before_fragment.split_once('?').unwrap_or_default();
    query.split('&').any(|pair| {
        let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
        matches!(name, "sslmode" | "ssl-mode")
    })
}

fn encrypted(options: PgConnectOptions, is_said: bool) -> Result<PgConnectOptions, MigrateError> {
    if is_local(&options) {
        return Ok(options);
    }
    // What stands there then is from the environment, which may be another program's.
    if !is_said {
        return Ok(options.ssl_mode(PgSslMode::VerifyFull));
    }
    match options.get_ssl_mode() {
        PgSslMode::Disable | PgSslMode::Allow => Err(MigrateError::Unencrypted),
        // It would go on without encryption.
        PgSslMode::Prefer => Ok(options.ssl_mode(PgSslMode::VerifyFull)),
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => Ok(options),
    }
}

/// Nothing leaves this machine.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<PgConnectOptions, MigrateError> {
        options(&Secret::new(url.to_owned()))
    }

    #[test]
    fn another_machine_is_spoken_to_only_under_encryption_and_with_its_certificate_checked() {
        let mode = |url: &str| of(url).unwrap().get_ssl_mode();
        let remote = "postgres://postgres:pw@db.example.org:5432/postgres";
        assert!(matches!(mode(remote), PgSslMode::VerifyFull));
        assert!(matches!(
            mode(&format!("{remote}?sslmode=prefer")),
            PgSslMode::VerifyFull
        ));
        assert!(matches!(
            mode(&format!("{remote}?sslmode=require")),
            PgSslMode::Require
        ));
        for without in ["disable", "allow"] {
            let error = of(&format!("{remote}?sslmode={without}")).unwrap_err();
            assert_eq!(error.code(), "tenant.database_unencrypted");
        }
    }

    #[test]
    fn this_machine_needs_no_encryption() {
        for url in [
            "postgres://postgres@127.0.0.1:5432/postgres",
            "postgres://postgres@[::1]:5432/postgres",
            "postgresql://postgres@localhost/postgres",
            "postgres://postgres@%2Ftmp%2Fsocket/postgres",
        ] {
            assert!(
                matches!(of(url).unwrap().get_ssl_mode(), PgSslMode::Prefer),
                "{url}"
            );
        }
        // A name that only begins like this machine's is another machine.
        let other = of("postgres://postgres@localhost.example.org/postgres").unwrap();
        assert!(matches!(other.get_ssl_mode(), PgSslMode::VerifyFull));
    }

    #[test]
    fn the_environment_does_not_weaken_what_the_address_leaves_open() {
        for mode in [PgSslMode::Disable, PgSslMode::Allow, PgSslMode::Require] {
            // As if the variable PGSSLMODE had said it.
            let options = of("postgres://postgres@db.example.org/postgres")
                .unwrap()
                .ssl_mode(mode);
            let options = encrypted(options, false).unwrap();
            assert!(
                matches!(options.get_ssl_mode(), PgSslMode::VerifyFull),
                "{mode:?}"
            );
        }
        for (rest, says) in [
            ("me@host/db?sslmode=require", true),
            ("me@host/db?a=b&ssl-mode=require", true),
            ("me@host/db", false),
            ("me@host/db?options=sslmode=require", false),
            ("me@host/db#?sslmode=require", false),
            ("me@host/sslmode=require", false),
        ] {
            assert_eq!(says_ssl_mode(rest), says, "{rest}");
        }
    }

    #[test]
    fn a_password_that_ends_the_host_too_early_is_refused() {
        for password in ["12/hunter2", "12?hunter2", "12#hunter2", "a/b@c", "1?a@b"] {
            for scheme in ["postgres", "postgresql"] {
                let error = of(&format!("{scheme}://me:{password}@host/db")).unwrap_err();
                assert_eq!(error.code(), "tenant.database_address", "{password}");
            }
        }
        of("postgres://me:12%2Fhunter2@localhost/db?application_name=me%40home").unwrap();
    }

    #[tokio::test]
    async fn a_server_that_never_answers_is_given_up() {
        // The system takes the connection, and nobody reads from it.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://me:hunter2@{}/db", silent.local_addr().unwrap());
        let limit = Duration::from_millis(100);
        let error = connect_within(&Secret::new(url), limit)
            .await
            .map(drop)
            .unwrap_err();
        assert_eq!(error.code(), "tenant.database_no_answer");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn no_message_repeats_the_password() {
        for url in [
            "postgres://me:1/hunter2@host/db",
            "mysql://me:hunter2@host/db",
            "postgres://me:hunter2@host:notaport/db",
            "postgres://me:hunter2@host/db?sslmode=hunter2",
            "postgres://me:hunter2@db.example.org/db?sslmode=disable",
            "hunter2",
        ] {
            let error = of(url).unwrap_err();
            let mut text = format!("{error} {error:?} {}", error.hint());
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text.push_str(&cause.to_string());
                source = cause.source();
            }
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
