//! `berth tenant`: what whoever runs a tenant backend needs.

use std::{convert::Infallible, process::ExitCode};

use berth_protocol::Secret;
use berth_tenant::{
    maintain::{self, MaintainError, Maintained, MaintainedOrganization},
    migrate::{self, MigrateError},
};
use clap::{Args, Subcommand};

use crate::client::fail;

#[derive(Subcommand)]
pub enum Tenant {
    /// Bring a backend's database to the schema of this version; running it again does nothing, or goes on where
    /// it was interrupted
    Migrate(Migrate),
    /// Retire the audit events that organizations keep no longer, and remove what sync has no use for any more; to be run
    /// once a day, by cron or in the database itself. Nothing of the trail is deleted
    Maintain(Database),
}

#[derive(Args)]
pub struct Migrate {
    #[command(flatten)]
    database: Database,
    /// Only print what is applied and what is not
    #[arg(long)]
    status: bool,
}

#[derive(Args)]
pub struct Database {
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
}

fn secret(text: &str) -> Result<Secret<String>, Infallible> {
    Ok(Secret::new(text.to_owned()))
}

pub async fn tenant(command: Tenant) -> ExitCode {
    match command {
        Tenant::Migrate(Migrate { database, status }) => {
            let url = &database.database_url;
            let done = if status {
                self::status(url).await
            } else {
                migrate(url).await
            };
            match done {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail(&error, error.hint()),
            }
        }
        Tenant::Maintain(database) => match maintain(&database.database_url).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error, error.hint()),
        },
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

async fn maintain(database: &Secret<String>) -> Result<(), MaintainError> {
    let done = maintain::maintain(database).await?;
    for organization in &done.organizations {
        println!("{}", of_organization(organization));
    }
    for line in of_backend(&done) {
        println!("{line}");
    }
    Ok(())
}

/// What was done for an organization, in a line.
fn of_organization(done: &MaintainedOrganization) -> String {
    let name = done.name.as_deref().unwrap_or("(no name)");
    format!(
        "{} {name}: keeps events for {} days, {} retired; {} removed",
        done.id,
        done.retention_days,
        counted(done.retired, "event"),
        counted(done.purged, "deleted row"),
    )
}

/// What was done for all of them, a line for each thing.
fn of_backend(done: &Maintained) -> Vec<String> {
    let mut lines = Vec::new();
    if done.global_purged > 0 {
        let prompts = counted(done.global_purged, "deleted prompt");
        lines.push(format!("for everybody: {prompts} removed"));
    }
    if done.answers_purged > 0 {
        let answers = counted(done.answers_purged, "remembered answer");
        lines.push(format!("{answers} to changes removed"));
    }
    for table in &done.put_aside {
        lines.push(format!(
            "audit.{table} is kept by nobody any more: export and drop it when you decide so"
        ));
    }
    lines
}

fn counted(count: u64, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_organization_is_told_in_one_line_and_a_table_that_nobody_keeps_by_its_name() {
        let done = r#"{
            "organizations": [
                {"id": "00000000-0000-7000-8000-000000000001", "name": "acme", "retention_days": 30,
                 "retired": 3, "checkpoint": 3, "purged": 1},
                {"id": "00000000-0000-7000-8000-000000000002", "name": null, "retention_days": 365,
                 "retired": 0, "checkpoint": null, "purged": 0}
            ],
            "global_purged": 1, "answers_purged": 2, "put_aside": ["logs_2024_01"]
        }"#;
        let done: Maintained = serde_json::from_str(done).expect("it is as the database says it");
        let lines: Vec<String> = done.organizations.iter().map(of_organization).collect();
        assert_eq!(
            lines,
            [
                "00000000-0000-7000-8000-000000000001 acme: keeps events for 30 days, 3 events retired; \
                 1 deleted row removed",
                "00000000-0000-7000-8000-000000000002 (no name): keeps events for 365 days, 0 events retired; \
                 0 deleted rows removed",
            ]
        );
        assert_eq!(
            of_backend(&done),
            [
                "for everybody: 1 deleted prompt removed",
                "2 remembered answers to changes removed",
                "audit.logs_2024_01 is kept by nobody any more: export and drop it when you decide so",
            ]
        );
    }
}
