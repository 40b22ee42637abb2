//! The trail of an organization through the engine of its admin: a real engine, signed in to a real backend.

use std::{fs, path::PathBuf};

use berth_protocol::{
    AuditEvent, Code,
    tenant::{
        OrgState, OrgTrailEvent, OrgTrailOrigin, OrgTrailPage, OrgTrailPeople,
        OrgTrailVerification, SyncStatus,
    },
};
use berth_tests::{
    Engine, Repository, Setup,
    keychain::Keychain,
    session, skip,
    tenant::{Organization, Project},
    this_test,
};
use reqwest::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";
const ADMIN: &str = "admin@acme.example";
const USER: &str = "user@acme.example";

/// A machine on which first a user and then an admin of an organization works.
struct Machine {
    project: Project,
    org: Organization,
    engine: Engine,
    repository: Repository,
    _keychain: Keychain,
}

impl Machine {
    /// Nothing, and a skip on record, where it cannot run.
    async fn new() -> Option<Self> {
        Self::of(Project::start().await?).await
    }

    async fn of(project: Project) -> Option<Self> {
        let setup = Setup::new();
        let Some(keychain) = Keychain::start(setup.folder()).await else {
            skip(&this_test(), "gnome-keyring is not installed");
            return None;
        };
        let org = project.backend.organization("acme").await;
        project.account(org.user.id, USER, PASSWORD).await;
        project.account(org.admin.id, ADMIN, PASSWORD).await;
        let repository = Repository::with_history(&setup.folder().join("repository"));
        let engine = keychain.of(setup).start().await;
        let backend = json!({"url": project.url, "key": project.key()});
        let put = engine
            .client
            .request(Method::PUT, "/org/backend")
            .json(&backend);
        let taken = engine.client.value::<OrgState>(put).await;
        taken.expect("the backend is taken");
        Some(Self {
            project,
            org,
            engine,
            repository,
            _keychain: keychain,
        })
    }

    async fn sign_in(&self, email: &str) {
        let way = json!({"way": "password", "email": email, "password": PASSWORD});
        let signed_in = self.engine.client.post::<OrgState>("/org/sign-in", &way);
        signed_in.await.expect("the password is right");
        // The trail has the sign-in, and grows no more by itself.
        self.engine.client.org_settled(self.org.id).await;
    }

    async fn sign_out(&self) {
        let nothing = json!({});
        let out = self
            .engine
            .client
            .post::<OrgState>("/org/sign-out", &nothing);
        out.await.expect("it signs out");
    }

    /// Signs the user in, starts a shell in the organization's name, and waits until the backend has heard of it.
    async fn works(&self) {
        let client = &self.engine.client;
        self.sign_in(USER).await;
        let active = json!({"organization": self.org.id});
        let put = client.request(Method::PUT, "/org/active").json(&active);
        let active = client.value::<OrgState>(put).await;
        active.expect("it is active");
        // Before its policy has come nothing may begin.
        let is_known = async || {
            let state: OrgState = client.get("/org").await.expect("it is told");
            let sync = state.organizations.first()?.sync.clone()?;
            (sync.status == SyncStatus::Fresh).then_some(())
        };
        client.until("the policy is known", is_known).await;
        let folder = client.add_project(&self.repository.path).await;
        client.start(&session(folder.id, "shell")).await;
        let arrived = async || {
            let path = "/org/organizations/refresh";
            let looked = client.post::<OrgState>(path, &json!({})).await;
            let state = looked.expect("it looks");
            let sync = state.organizations.first()?.sync.clone()?;
            let is_there = sync.status == SyncStatus::Fresh && sync.audit_waiting == 0;
            let filter = json!({"org": self.org.id, "filter": {"actions": ["session.created"]}});
            let events = self.org.admin.call("audit_page", filter).await.rows();
            (is_there && !events.is_empty()).then_some(())
        };
        client.until("the events have arrived", arrived).await;
    }

    fn path(&self, rest: &str) -> String {
        format!("/org/organizations/{}/audit{rest}", self.org.id)
    }

    async fn page(&self, query: &str) -> OrgTrailPage {
        let page = self.engine.client.get(&self.path(query)).await;
        page.expect("it is listed")
    }

    async fn verify(&self) -> OrgTrailVerification {
        let path = self.path("/verify");
        let verified = self.engine.client.post(&path, &json!({})).await;
        verified.expect("it is verified")
    }

    /// Exports what a question asks for with `berth audit export`.
    async fn exported(&self) -> String {
        let file = self.engine.setup().folder().join("trail.ndjson");
        let (org, path) = (self.org.id.to_string(), file.to_str().expect("it is text"));
        let words = ["audit", "export", "--org", &org, path];
        let done = self.engine.setup().berth(&words).await;
        let err = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{err}");
        fs::read_to_string(&file).expect("it is there")
    }

    /// Proves a file without engine and network: the exit code, and what is said.
    async fn proved(&self, text: &str) -> (Option<i32>, String) {
        let file: PathBuf = self.engine.setup().folder().join("given.ndjson");
        fs::write(&file, text).expect("it can be written");
        let path = file.to_str().expect("it is text");
        let words = ["audit", "verify", "--file", path];
        let done = Setup::new().berth(&words).await;
        let said = [done.stdout, done.stderr].concat();
        (
            done.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }
}

#[tokio::test]
async fn what_a_user_does_is_listed_verified_and_exported_for_the_admin() {
    let Some(machine) = Machine::new().await else {
        return;
    };
    machine.works().await;
    machine.sign_out().await;
    machine.sign_in(ADMIN).await;

    let people: OrgTrailPeople = machine
        .engine
        .client
        .get(&machine.path("/people"))
        .await
        .expect("they are told");
    let user = people
        .people
        .iter()
        .find(|person| person.user_id.0 == machine.org.user.id);
    let user = user.expect("the user is known");
    assert_eq!(user.name(), Some(USER));

    let page = machine.page("?action=session.created").await;
    let event = page.events.first().expect("it has arrived");
    assert_eq!(event.actor, user.pseudonym);
    assert_eq!(event.actor_name.as_deref(), Some(USER));
    assert!(event.is_whole && event.device_id.is_some() && event.occurred_at.is_some());
    let of_user = format!("?person={}&limit=500", machine.org.user.id);
    let of_user = machine.page(&of_user).await;
    assert!(of_user.events.contains(event));
    assert!(of_user.events.iter().all(|it| it.actor == user.pseudonym));

    // The newest come first, and pages have every event once.
    let all = machine.page("?limit=500").await.events;
    assert!(all.is_sorted_by(|one, other| one.seq > other.seq));
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let behind = after.map_or_else(String::new, |seq| format!("&after={seq}"));
        let page = machine
            .page(&format!("?order=oldest&limit=4{behind}"))
            .await;
        paged.extend(page.events);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    paged.reverse();
    assert_eq!(paged, all);
    let middle = all[all.len() / 2].at;
    let later = machine.page(&format!("?from={middle}&limit=500")).await;
    let earlier = machine.page(&format!("?until={middle}&limit=500")).await;
    assert!(later.events.iter().all(|event| event.at >= middle));
    assert_eq!(later.events.len() + earlier.events.len(), all.len());
    let refused = machine
        .engine
        .client
        .get::<OrgTrailPage>(&machine.path("?action=a)"))
        .await;
    assert_eq!(refused.expect_err("it is no action").code, Code::BadRequest);

    let verified = machine.verify().await;
    assert!(verified.valid, "{verified:?}");
    assert_eq!(verified.checked, all.len() as u64);
    assert_eq!(verified.kept, None);
    let again = machine.verify().await;
    assert!(again.kept.is_some_and(|kept| kept.is_same));

    let text = machine.exported().await;
    let (code, said) = machine.proved(&text).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!("valid: {} events", all.len())),
        "{said}"
    );
    assert!(said.contains(&all[0].hash), "{said}");
    let changed = text.replacen("session.created", "session.creatod", 1);
    let (code, said) = machine.proved(&changed).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("event {} (", event.seq)), "{said}");

    // Both the backend and this machine note it.
    let noted = machine.page("?action=audit.exported").await;
    assert_eq!(noted.events.len(), 1);
    assert_eq!(noted.events[0].actor_name.as_deref(), Some(ADMIN));
    let local: Vec<AuditEvent> = machine.engine.client.audit().await;
    let local = local.iter().filter(|it| it.action == "org.audit_exported");
    assert_eq!(local.count(), 1);
    machine.engine.client.assert_audit_valid().await;
}

#[tokio::test]
async fn an_admin_finds_the_events_of_a_session_when_they_happened_and_where_they_came_from() {
    let why = "its gateway says itself where a request comes from";
    let Some(project) = Project::own(why).await else {
        return;
    };
    let Some(machine) = Machine::of(project).await else {
        return;
    };
    machine.works().await;
    machine.sign_out().await;
    machine.sign_in(ADMIN).await;
    let client = &machine.engine.client;

    let page = machine.page("?action=session.created").await;
    let created = page.events.first().expect("it has arrived");
    let session = created.session_id.expect("it is about one");
    assert_eq!(created.subject_kind, "session");
    // The device's clock is this machine's, and so is the backend's: it arrives after it happened.
    let happened = created.occurred_at.expect("a device has reported it");
    assert!(happened <= created.at, "{created:?}");
    assert!(created.is_here && created.device_seq.is_some());

    let all = machine.page("?limit=500").await.events;
    let question = format!("?session_id={session}&limit=500");
    let of_session = machine.page(&question).await.events;
    let wanted = all.iter().filter(|it| it.session_id == Some(session));
    assert!(of_session.iter().eq(wanted), "{of_session:?}");
    assert!(of_session.contains(created) && of_session.len() < all.len());
    let of_kind = machine.page("?subject_kind=membership&limit=500").await;
    let wanted = all.iter().filter(|it| it.subject_kind == "membership");
    assert!(of_kind.events.iter().eq(wanted), "{of_kind:?}");
    assert_eq!(of_kind.events.len(), 2);
    // What the backend notes itself has one time only, and no device.
    let is_its_own =
        |it: &OrgTrailEvent| it.occurred_at.is_none() && it.device_id.is_none() && !it.is_here;
    assert!(of_kind.events.iter().all(is_its_own), "{of_kind:?}");
    // Nothing that is asked for means anything in the question to the backend.
    for question in [
        "?session_id=1",
        "?subject_kind=a)",
        "?subject_kind=a%26limit%3D1",
        "?action=session.created%22",
        "?subject_kind=",
    ] {
        let refused = client.get::<OrgTrailPage>(&machine.path(question)).await;
        let refused = refused.expect_err(question);
        assert_eq!(refused.code, Code::BadRequest, "{question}");
    }

    let origin = machine.path(&format!("/{}/origin", created.seq));
    let answer = client.send(client.request(Method::GET, &origin)).await;
    let answer = answer.expect("it is told");
    let kept = answer.headers().get("cache-control").cloned();
    assert_eq!(kept.expect("it is said"), "no-store");
    let origin: OrgTrailOrigin = answer.json().await.expect("it is an origin");
    assert_eq!(origin.address.as_deref(), Some("127.0.0.1"));
    let program = origin.program.expect("it has named itself");
    assert!(program.starts_with("berth/"), "{program}");
    let nowhere = machine.path("/1000000/origin");
    let nowhere: OrgTrailOrigin = client.get(&nowhere).await.expect("it is told");
    assert_eq!(nowhere, OrgTrailOrigin::default());
}

#[tokio::test]
async fn signing_in_and_out_reaches_an_organization_that_was_never_active() {
    let Some(machine) = Machine::new().await else {
        return;
    };
    machine.sign_in(USER).await;
    machine.sign_out().await;
    machine.sign_in(USER).await;
    let actions = ["org.signed_in", "org.signed_out"];
    let wanted = json!({"org": machine.org.id, "filter": {"actions": actions}});
    let events = machine.org.admin.call("audit_page", wanted).await.rows();
    let told: Vec<_> = events.iter().map(|event| &event["action"]).collect();
    assert_eq!(told, ["org.signed_in", "org.signed_out", "org.signed_in"]);
    // By whom is said by the pseudonym alone.
    for event in &events {
        assert_eq!(event["actor"], events[0]["actor"]);
        let said = event["details"].to_string();
        assert!(!said.contains(&machine.org.user.id.to_string()), "{said}");
    }
}

#[tokio::test]
async fn some_events_are_exported_by_a_filter_and_the_file_says_so() {
    let Some(machine) = Machine::new().await else {
        return;
    };
    machine.sign_in(ADMIN).await;
    let path = machine.path("/export?action=membership.created");
    let request = machine.engine.client.request(Method::GET, &path);
    let answer = machine.engine.client.send(request).await;
    let text = answer.expect("it is given").text().await;
    let text = text.expect("it arrives");
    assert_eq!(text.lines().count(), 3);
    let last = text.lines().last().expect("it has lines");
    let manifest: Value = serde_json::from_str(last).expect("it is JSON");
    assert_eq!(
        manifest["manifest"]["filter"],
        json!({"actions": ["membership.created"]})
    );
    let (code, said) = machine.proved(&text).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("valid: 2 events"), "{said}");
    assert!(said.contains("membership.created"), "{said}");
}

#[tokio::test]
async fn who_is_no_admin_is_told_so_whatever_they_ask_of_the_trail() {
    let Some(machine) = Machine::new().await else {
        return;
    };
    machine.sign_in(USER).await;
    let client = &machine.engine.client;
    for (method, rest) in [
        (Method::GET, ""),
        (Method::GET, "/people"),
        (Method::GET, "/1/origin"),
        (Method::GET, "/export"),
        (Method::POST, "/verify"),
    ] {
        let request = client.request(method, &machine.path(rest));
        let refused = client.send(request).await.expect_err(rest);
        assert_eq!(refused.code, Code::NotAnAdmin, "{rest}");
    }
    // Nor do they reach the trail of an organization that they do not belong to.
    let other = machine.project.backend.organization("globex").await;
    let path = format!("/org/organizations/{}/audit", other.id);
    let refused = client.get::<OrgTrailPage>(&path).await;
    assert_eq!(
        refused.expect_err("they are no member").code,
        Code::NotAMember
    );
    machine.sign_out().await;
    let refused = client.get::<OrgTrailPage>(&machine.path("")).await;
    assert_eq!(
        refused.expect_err("nobody is signed in").code,
        Code::TenantSignedOut
    );
}

#[tokio::test]
async fn a_trail_that_was_written_anew_is_found_by_what_was_kept_of_it() {
    let why = "it switches the guards of the trail off";
    let Some(project) = Project::own(why).await else {
        return;
    };
    let Some(machine) = Machine::of(project).await else {
        return;
    };
    machine.sign_in(ADMIN).await;
    let verified = machine.verify().await;
    assert!(verified.valid, "{verified:?}");
    let last = verified.last.expect("there are events");

    // A superuser changes the last event and everything that says how the chain ends.
    let org = machine.org.id;
    // In the partition of the month in which it was written.
    let leaf = format!(
        "select tableoid::regclass::text from audit.logs where org_id = '{org}' and seq = {last}"
    );
    let leaf = machine.project.backend.cluster.ask(&leaf).await.remove(0);
    let anew = format!(
        "alter table {leaf} disable trigger all;
         update {leaf} set action = 'nothing.happened' where org_id = '{org}' and seq = {last};
         update {leaf} as event set hash = private.audit_hash(event) where org_id = '{org}' and seq = {last};
         update private.audit_heads set hash = (select hash from {leaf} where org_id = '{org}' and seq = {last})
         where org_id = '{org}';
         alter table {leaf} enable always trigger refuse_change"
    );
    machine.project.backend.cluster.superuser(&anew).await;
    let told = machine
        .org
        .admin
        .call("audit_verify", json!({"org": org}))
        .await
        .ok();
    assert_eq!(told["valid"], true, "the backend finds nothing: {told}");

    let found = machine.verify().await;
    assert!(!found.valid, "{found:?}");
    assert_eq!(found.broken_at, Some(last));
    assert!(found.kept.is_some_and(|kept| !kept.is_same));
}

#[tokio::test]
async fn a_backend_that_has_retired_what_it_must_still_keep_is_found_out() {
    let Some(machine) = Machine::new().await else {
        return;
    };
    machine.sign_in(ADMIN).await;
    let verified = machine.verify().await;
    assert!(verified.valid, "{verified:?}");
    let last = verified.last.expect("there are events");

    // A superuser makes the chain begin behind its end, so that nothing before need be what it was.
    let org = machine.org.id;
    let retired = format!(
        "insert into private.audit_checkpoints (org_id, seq, hash, partition)
         select org_id, seq, hash, 'logs_2024_01' from private.audit_heads where org_id = '{org}'"
    );
    machine.project.backend.cluster.superuser(&retired).await;
    let told = machine
        .org
        .admin
        .call("audit_verify", json!({"org": org}))
        .await
        .ok();
    assert_eq!(told["valid"], true, "the backend finds nothing: {told}");
    assert_eq!(told["checked"], 0, "{told}");

    let found = machine.verify().await;
    assert!(!found.valid, "{found:?}");
    assert_eq!(found.broken_at, Some(last));
    assert_eq!(found.checkpoint, Some(last));
    assert!(
        found
            .kept
            .is_some_and(|kept| kept.is_retired && !kept.is_same)
    );
}
