//! `berth tenant`: what whoever runs a tenant backend needs.

use std::{convert::Infallible, process::ExitCode};

use berth_protocol::Secret;
use berth_tenant::migrate::{self, MigrateError};
use clap::{Args, Subcommand};

use crate::client::fail;

#[derive(Subcommand)]
pub enum Tenant {
    /// Bring a backend's database to the schema of this version; running it again does nothing, or goes on where
    /// it was interrupted
    Migrate(Migrate),
}

#[derive(Args)]
pub struct Migrate {
    /// The database, as postgres://postgres:PASSWORD@HOST:5432/postgres. Better given in the variable: every
    /// process of this machine can read arguments
    #[arg(
        long,
        env = "BERTH_TENANT_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        value_parser = secret
    )]
    database_url: Secret<String>,
    /// Only print what is applied and what is not
    #[arg(long)]
    status: bool,
}

fn secret(text: &str) -> Result<Secret<String>, Infallible> {
    Ok(Secret::new(text.to_owned()))
}

pub async fn tenant(command: Tenant) -> ExitCode {
    let done = match command {
        Tenant::Migrate(Migrate {
            database_url,
            status: true,
        }) => status(&database_url).await,
        Tenant::Migrate(Migrate { database_url, .. }) => migrate(&database_url).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, error.hint()),
    }
}

async fn status(database: &Secret<String>) -> Result<(), MigrateError> {
    for state in migrate::status(database).await? {
        let word = if state.applied { "applied" } else { "missing" };
        println!(
            "{} {word} {}",
            state.migration.version, state.migration.name
        );
    }
    Ok(())
}

async fn migrate(database: &Secret<String>) -> Result<(), MigrateError> {
    let count = migrate::migrate(database, |migration| {
        println!("{} applied {}", migration.version, migration.name);
    })
    .await?;
    if count == 0 {
        println!("the database has the schema of this version");
    }
    Ok(())
}
