//! The tenant backend: what its policies cost a read, how long a first sync takes and an edit until a second client has
//! it, and how long it takes to verify a long trail.
//!
//! PostgreSQL and PostgREST are the real ones, and Realtime, where it is needed, is a stand-in. Each measurement has a
//! backend of its own, and nothing of one is left to disturb the next.

mod reads;
mod sync;
mod trail;

use berth_tests::tenant::{Backend, Project};
use uuid::Uuid;

use crate::report::Report;

/// Why nothing is measured.
const MISSING: &str = "PostgreSQL or PostgREST is not installed, or a Supabase is given";

/// Measures all of it; filling the backends takes minutes.
pub async fn measure(report: &mut Report) {
    if let Some(backend) = backend(report, "reads under policies").await {
        reads::measure(report, &backend).await;
    }
    if let Some(backend) = backend(report, "first sync").await {
        sync::measure_first(report, &backend).await;
    }
    match Project::with_realtime().await {
        Some(project) => sync::measure_edits(report, &project).await,
        None => report.skip("an edit at a second client", MISSING),
    }
    if let Some(backend) = backend(report, "verifying an audit trail").await {
        trail::measure(report, &backend).await;
    }
}

async fn backend(report: &mut Report, what: &str) -> Option<Backend> {
    let backend = Backend::own("its figures are those of a backend of its own").await;
    if backend.is_none() {
        report.skip(what, MISSING);
    }
    backend
}

/// Adds so many prompts to an organization, each with a revision of its own as if it had come alone. Without owners all
/// are the organization's, else every other one belongs to one of them in turn.
///
/// Their triggers are left out: they would take minutes, and nothing that is measured reads what they write.
async fn fill(backend: &Backend, org: Uuid, rows: usize, owners: &[Uuid]) {
    let owner = match owners.len() {
        0 => "null::uuid".to_owned(),
        many => {
            let owners: Vec<String> = owners.iter().map(|owner| format!("'{owner}'")).collect();
            let owners = owners.join(", ");
            format!("case when n % 2 = 0 then (array[{owners}]::uuid[])[1 + n / 2 % {many}] end")
        }
    };
    let statements = format!(
        "set session_replication_role = replica;
         insert into public.system_prompts (id, scope, org_id, user_id, name, content, rev)
         select private.uuid_v7(), case when whose.owner is null then 'organization' else 'user' end, '{org}',
             whose.owner, 'Rules ' || n, repeat('Review each change. ', 12), clock.rev + n
         from private.org_clock as clock
             cross join generate_series(1, {rows}) as n
             cross join lateral (select {owner}) as whose (owner)
         where clock.org_id = '{org}';
         update private.org_clock set rev = rev + {rows} where org_id = '{org}';"
    );
    backend.cluster.superuser(&statements).await;
}

/// As a database is that was not filled a moment ago.
async fn rest(backend: &Backend) {
    backend.cluster.superuser("vacuum analyze").await;
}
