//! An engine that is killed again and again while an admin changes what their organization shares, and its sync sends
//! that.

use std::{collections::HashSet, time::Duration};

use berth_protocol::{
    PromptDraft, PromptEdit, PromptScope, SystemPrompt,
    tenant::{OrgAccount, OrganizationRole},
};
use berth_tests::{
    Client, LIMIT, Setup,
    keychain::Keychain,
    skip,
    tenant::{Member, Project, addition, seed},
    this_test,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{prompt, push};

/// How often the engine is killed.
const KILLS: usize = 8;

/// Longest time between the acknowledged change that a kill follows and the kill, in milliseconds.
const LONGEST_PAUSE: u64 = 40;

/// Seconds that an access token lives: a kill may fall into the refresh of one too.
const TOKEN_LIVES: u64 = 1;

/// How long a refresh token may come again. A kill may fall between a refresh and its being kept, and the next start on
/// a slow machine may be late.
const GRACE: Duration = Duration::from_secs(60);

/// A change that the API has acknowledged.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    /// A prompt was added.
    Added(Uuid),
    /// The words of the prompt that was there before have this number now.
    Said(u32),
}

/// Changes one thing after another through the API of an engine.
struct Writer {
    client: Client,
    /// The prompt that was there before.
    house: Uuid,
    told: mpsc::UnboundedSender<Done>,
}

impl Writer {
    /// Makes changes with the numbers after this one until the engine is gone. Returns the number of the last, which the
    /// kill has cut off.
    async fn write(self, mut number: u32) -> u32 {
        loop {
            number += 1;
            let done = match number % 2 {
                0 => self.say(number).await,
                _ => self.add(number).await,
            };
            let Some(done) = done else {
                return number;
            };
            self.told.send(done).expect("the test goes on");
        }
    }

    async fn add(&self, number: u32) -> Option<Done> {
        let draft = PromptDraft {
            scope: PromptScope::Organization,
            name: format!("change {number}"),
            content: "words".to_owned(),
            enabled: true,
            ..PromptDraft::default()
        };
        let add = self.client.request(Method::POST, "/prompts").json(&draft);
        let added = answer(add).await?;
        Some(Done::Added(added.id.0))
    }

    async fn say(&self, number: u32) -> Option<Done> {
        let path = format!("/prompts/{}", self.house);
        let now = answer(self.client.request(Method::GET, &path)).await?;
        let edit = PromptEdit {
            version: now.version,
            prompt: PromptDraft {
                content: number.to_string(),
                ..now.draft()
            },
        };
        answer(self.client.request(Method::PUT, &path).json(&edit)).await?;
        Some(Done::Said(number))
    }
}

/// What the engine answers; nothing when it was killed before the whole answer was there. A refusal is a failure.
async fn answer(request: RequestBuilder) -> Option<SystemPrompt> {
    let whole = async {
        let response = request.send().await.ok()?;
        Some((response.status(), response.text().await.ok()?))
    };
    let answered = tokio::time::timeout(LIMIT, whole).await;
    let (status, text) = answered.expect("the engine answers or is gone")?;
    assert!(status.is_success(), "{status}: {text}");
    Some(serde_json::from_str(&text).expect("the answer has the promised form"))
}

/// Waits until an engine that has just started has taken up the sign-in.
pub async fn signed_in(client: &Client, member: &Member) {
    let look = async || match client.org().await.account {
        OrgAccount::SignedIn { user, .. } => Some(user.0),
        _ => None,
    };
    let who = client.until("the sign-in is taken up", look).await;
    assert_eq!(who, member.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_a_kill_arrives_once_and_in_order_and_who_was_signed_in_still_is()
 {
    let Some(project) = Project::own("it counts what came to the sign-in server").await else {
        return;
    };
    let setup = Setup::new();
    let Some(keychain) = Keychain::start(setup.folder()).await else {
        return skip(&this_test(), "gnome-keyring is not installed");
    };
    project.sign_in().tokens_live(TOKEN_LIVES);
    project.sign_in().grace(GRACE);
    let org = project.backend.organization("acme").await;
    let house = Uuid::now_v7();
    let added = addition("prompt", house, prompt("organization", "house"));
    push(&org.admin, org.id, &[added]).await;
    let member = Member::of(&project, org.admin.id, "admin@acme.example").await;
    let mut engine = keychain.of(setup).start().await;
    member.sign_in(&engine.client).await;
    engine.client.org_fresh(org.id).await;
    engine.client.switch_org(Some(org.id)).await;

    let seed = seed();
    let mut luck = StdRng::seed_from_u64(seed);
    let (mut done, mut number) = (Vec::new(), 0);
    for kill in 1..=KILLS {
        let (told, mut heard) = mpsc::unbounded_channel();
        let client = engine.client.clone();
        let writer = Writer {
            client,
            house,
            told,
        };
        let writing = tokio::spawn(writer.write(number));
        signed_in(&engine.client, &member).await;
        while let Ok(change) = heard.try_recv() {
            done.push(change);
        }
        for _ in 0..luck.random_range(3..=12) {
            let change = tokio::time::timeout(LIMIT, heard.recv()).await;
            let change = change
                .unwrap_or_else(|_| panic!("seed {seed}, kill {kill}: nothing is acknowledged"));
            done.push(change.expect("changes are taken"));
        }
        // No condition is waited for here: the kill is to fall into the middle of whatever goes on then.
        let pause = luck.random_range(0..LONGEST_PAUSE);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        engine.kill();
        number = writing.await.expect("the writer ends with the engine");
        while let Some(change) = heard.recv().await {
            done.push(change);
        }
        let there = "select count(*)::text from public.system_prompts";
        let there = project.backend.cluster.ask(there).await;
        eprintln!(
            "seed {seed}, kill {kill} after {pause} ms: {} changes were acknowledged, {} prompts are at the backend",
            done.len(),
            there[0]
        );
        engine.restart().await;
    }

    let client = &engine.client;
    signed_in(client, &member).await;
    let sync = client.org_settled(org.id).await;
    assert_eq!(
        (sync.conflicts, sync.parked, sync.audit_refused),
        (0, 0, 0),
        "seed {seed}: {sync:?}"
    );
    let ask = async |query: &str| project.backend.cluster.ask(query).await;

    // Each prompt was made once, in the order in which they were acknowledged. What a kill has cut off may be there.
    let acknowledged: Vec<Uuid> = done
        .iter()
        .filter_map(|change| match change {
            Done::Added(id) => Some(*id),
            Done::Said(_) => None,
        })
        .collect();
    let known: HashSet<&Uuid> = acknowledged.iter().collect();
    let made = "select subject_id from audit.logs where action = 'prompt.created' order by seq";
    let made: Vec<Uuid> = ask(made)
        .await
        .iter()
        .map(|id| id.parse::<Uuid>().expect("it is a prompt's"))
        .filter(|id| *id != house)
        .collect();
    let (arrived, cut_off): (Vec<Uuid>, Vec<Uuid>) =
        made.into_iter().partition(|id| known.contains(id));
    assert_eq!(arrived, acknowledged, "seed {seed}");
    assert!(cut_off.len() <= KILLS, "seed {seed}: {cut_off:?}");

    // Edits of one row that wait together are one, so of these the later ones win and none comes back.
    let said = done.iter().filter_map(|change| match change {
        Done::Said(number) => Some(*number),
        Done::Added(_) => None,
    });
    let last = said.max().expect("something was said");
    let versions = format!(
        "select content from public.system_prompt_versions where prompt_id = '{house}' and version > 1 order by version"
    );
    let versions: Vec<u32> = ask(versions.as_str())
        .await
        .iter()
        .map(|words| words.parse().expect("it is a number"))
        .collect();
    assert!(
        versions.is_sorted_by(|one, next| one < next),
        "{versions:?}"
    );
    assert!(versions.last() >= Some(&last), "seed {seed}: {versions:?}");
    let now: SystemPrompt = client
        .get(&format!("/prompts/{house}"))
        .await
        .expect("it is there");
    // Each edit has a number of its own, here and at the backend, however many of them have waited together.
    let edits =
        client.audit().await.into_iter().filter(|event| {
            event.action == "sync.changed" && event.subject_id == house.to_string()
        });
    assert_eq!(
        usize::try_from(now.version),
        Ok(edits.count() + 1),
        "seed {seed}"
    );
    assert_eq!(Some(now.content), versions.last().map(u32::to_string));

    // Each change that was applied has made one version, no version was made without one, and none was refused.
    let counts = ask(
        "select (select count(*) from public.system_prompt_versions)::text
         union all select count(*)::text from private.sync_ledger where result ->> 'status' = 'applied'
         union all select count(*)::text from private.sync_ledger where result ->> 'status' <> 'applied'",
    )
    .await;
    assert_eq!(counts[0], counts[1], "seed {seed}: done twice");
    assert_eq!(counts[2], "0", "seed {seed}");

    // The trail of this machine tells of each, and has arrived as it is here.
    let here: Vec<String> = client
        .audit()
        .await
        .into_iter()
        .filter(|event| matches!(event.action.as_str(), "sync.added" | "sync.changed"))
        .map(|event| format!("{} {}", event.seq, event.hash))
        .collect();
    assert!(here.len() >= done.len(), "seed {seed}: {}", here.len());
    let there = ask("select device_seq || ' ' || device_hash from audit.logs
         where device_id is not null and action in ('sync.added', 'sync.changed') order by seq")
    .await;
    assert_eq!(there, here, "seed {seed}");
    client.assert_audit_valid().await;
    let verified = org.admin.call("audit_verify", json!({"org": org.id})).await;
    assert_eq!(verified.ok()["valid"], true);

    // They have signed in once, it is still the same session, and it was refreshed meanwhile.
    let by_password = project.sign_in().seen("POST /token").into_iter();
    let by_password = by_password
        .filter(|it| {
            it.query
                .get("grant_type")
                .is_some_and(|it| it == "password")
        })
        .count();
    assert_eq!((by_password, project.sign_in().sessions(member.id)), (1, 1));
    assert!(project.sign_in().refreshes() > 0, "no token was refreshed");
    let state = client.org().await;
    assert_eq!(state.active.map(|active| active.0), Some(org.id));
    assert_eq!(state.organizations[0].role, OrganizationRole::Admin);
}
