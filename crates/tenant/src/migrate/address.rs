//! Where a backend's database is, and how safely it is reached.
//!
//! The address holds a password, so it is never part of a message. A connection to another machine is encrypted,
//! and the server's certificate checked, unless the address itself says `sslmode=require` or `verify-ca`.

use std::{net::IpAddr, str::FromStr};

use berth_protocol::Secret;
use sqlx::{
    ConnectOptions, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::MigrateError;

/// What the server's own statistics call this program.
const NAME: &str = "berth-migrate";

pub(super) async fn connect(url: &Secret<String>) -> Result<PgConnection, MigrateError> {
    let options = options(url)?;
    options
        .connect()
        .await
        .map_err(|source| MigrateError::Connect {
            host: place(&options),
            source,
        })
}

fn options(url: &Secret<String>) -> Result<PgConnectOptions, MigrateError> {
    let text = url.expose().trim();
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        return Err(MigrateError::Address {
            reason: "it does not begin with postgres://",
        });
    }
    // The cause would repeat parts of the address.
    let options = PgConnectOptions::from_str(text).map_err(|_| MigrateError::Address {
        reason: "a part of it is not as it must be; special characters of a password are written as %XX",
    })?;
    let options = options.application_name(NAME).disable_statement_logging();
    if is_local(&options) {
        return Ok(options);
    }
    match options.get_ssl_mode() {
        PgSslMode::Disable | PgSslMode::Allow => Err(MigrateError::Unencrypted),
        // What stands there when the address says nothing, and would go on without encryption.
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
    fn no_message_repeats_the_password() {
        for url in [
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
