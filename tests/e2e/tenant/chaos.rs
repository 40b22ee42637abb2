//! Many who write at once over a line that cuts, delays, doubles and reorders: what everybody has in the end is
//! what everybody wrote, and nothing was done twice.

use std::{collections::BTreeMap, time::Instant};

use berth_protocol::tenant::{EntityKind, SyncStatus};
use berth_store::TenantEdit;
use berth_tenant::sync::Wake;
use berth_tests::tenant::{Backend, Chaos, Device, Mood, fast};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use uuid::Uuid;

/// Installations that write at once.
const WRITERS: u64 = 8;

/// Transactions of each, and changes in each: 10,000 changes in all.
const BATCHES: usize = 50;
const CHANGES: usize = 25;

/// A prompt as its writer left it; nothing once it is deleted.
type Written = BTreeMap<Uuid, Option<Left>>;

#[derive(Clone, Debug, PartialEq)]
struct Left {
    content: String,
    priority: i64,
    is_shared: bool,
}

/// Writes at random, and says what should be there in the end.
async fn write(device: &Device, mut luck: StdRng) -> Written {
    let mut written = Written::new();
    let mut counter = 0;
    for _ in 0..BATCHES {
        let mut edits = Vec::new();
        for _ in 0..CHANGES {
            counter += 1;
            let alive: Vec<Uuid> = written
                .iter()
                .filter(|(_, left)| left.is_some())
                .map(|(&id, _)| id)
                .collect();
            let kind = EntityKind::Prompt;
            let chosen = match alive.len() {
                0 => None,
                many => Some(alive[luck.random_range(0..many)]),
            };
            edits.push(match (luck.random_range(0..100), chosen) {
                (0..45, _) | (_, None) => {
                    let (id, is_shared) = (Uuid::now_v7(), luck.random_range(0..2) == 0);
                    let left = Left {
                        content: format!("{counter} at first"),
                        priority: 0,
                        is_shared,
                    };
                    let scope = if is_shared { "organization" } else { "user" };
                    let fields =
                        json!({"scope": scope, "name": "words", "content": left.content, "priority": 0});
                    written.insert(id, Some(left));
                    TenantEdit::Add { kind, id, fields }
                }
                (45..90, Some(id)) => {
                    let left = written.get_mut(&id).and_then(Option::as_mut);
                    let left = left.expect("it is alive");
                    let fields = match luck.random_range(0..2) {
                        0 => {
                            left.content = format!("{counter} since then");
                            json!({"content": left.content})
                        }
                        _ => {
                            left.priority = counter;
                            json!({"priority": counter})
                        }
                    };
                    TenantEdit::Change { kind, id, fields }
                }
                (_, Some(id)) => {
                    written.insert(id, None);
                    TenantEdit::Delete { kind, id }
                }
            });
        }
        let edited = device.store.edit_tenant_all(device.tenant, edits).await;
        edited.expect("the edits are taken");
        device.sync().wake(Wake::Edited);
    }
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_changes_of_eight_writers_over_a_bad_line_none_is_lost_and_none_done_twice()
{
    let Some(backend) = Backend::start().await else {
        return;
    };
    let org = backend.organization("acme").await;
    let line = Chaos::to(backend.port(), Mood::Wild).await;
    let began = Instant::now();
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..WRITERS {
        let email = format!("{number}@acme.example");
        let member = backend.member(org.id, &org.admin, &email, "admin").await;
        let mut device = Device::new(&line.root, org.id, member.id).await;
        device.pace = fast();
        device.start().await;
        let luck = StdRng::seed_from_u64(line.seed + number);
        writers.spawn(async move {
            let written = write(&device, luck).await;
            device
                .until("everything is sent", |state| {
                    state.status == SyncStatus::Fresh && state.waiting == 0
                })
                .await;
            (device, written)
        });
    }
    let devices = writers.join_all().await;
    let sent = began.elapsed();
    let mut shared = BTreeMap::new();
    let mut all = BTreeMap::new();
    for (device, written) in &devices {
        let state = device.settled().await;
        assert_eq!((state.conflicts, state.parked), (0, 0), "{:?}", line.seed);
        for (id, left) in written {
            if let Some(left) = left {
                all.insert(*id, left.clone());
                if left.is_shared {
                    shared.insert(*id, left.clone());
                }
            }
        }
    }
    eprintln!(
        "seed {}: {} prompts after {:?}, settled after {:?}; {}",
        line.seed,
        all.len(),
        sent,
        began.elapsed(),
        line.met()
    );

    // The backend has what was written.
    let rows = backend
        .cluster
        .ask(
            "select id || ' ' || priority || ' ' || scope || ' ' || content from public.system_prompts
             where deleted_at is null order by id",
        )
        .await;
    let wanted: Vec<String> = all
        .iter()
        .map(|(id, left)| {
            let scope = if left.is_shared {
                "organization"
            } else {
                "user"
            };
            format!("{id} {} {scope} {}", left.priority, left.content)
        })
        .collect();
    assert_eq!(rows, wanted);
    // Each change that was applied has made one version, and no version was made without one.
    let counts = backend
        .cluster
        .ask(
            "select (select count(*) from public.system_prompt_versions)::text
             union all select count(*)::text from private.sync_ledger where result ->> 'status' = 'applied'
             union all select count(*)::text from private.sync_ledger where result ->> 'status' <> 'applied'",
        )
        .await;
    assert_eq!(counts[0], counts[1], "done twice");
    assert_eq!(counts[2], "0");

    // Everybody has what everybody wrote for all, and their own.
    for (device, written) in &devices {
        let seen = device.store.tenant_rows(device.tenant, "prompt").await;
        let seen: BTreeMap<Uuid, Left> = seen
            .expect("the store works")
            .into_iter()
            .map(|row| {
                let left = Left {
                    content: row.row["content"].as_str().unwrap_or_default().to_owned(),
                    priority: row.row["priority"].as_i64().unwrap_or_default(),
                    is_shared: row.row["scope"] == "organization",
                };
                (row.id, left)
            })
            .collect();
        let mut wanted = shared.clone();
        for (id, left) in written {
            if let Some(left) = left {
                wanted.insert(*id, left.clone());
            }
        }
        assert_eq!(seen, wanted);
        assert!(device.mutations().await.is_empty());
    }
}
