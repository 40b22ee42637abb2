//! Two users of two organizations, each an admin of the one and a user of the other: what they see, what they may
//! change, and what binds them.

use berth_protocol::{Code, ProjectId, PromptDraft, PromptPreview, PromptScope, SystemPrompt};
use berth_tests::{
    session,
    tenant::{Caller, Member, Project, addition},
    webdriver::{Page, id},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    form::{value, write},
    stage::Stage,
};

const ADA: &str = "ada@harbor.example";
const BEN: &str = "ben@harbor.example";

/// What changes the settings of an organization.
const CONTROLS: [&str; 5] = [
    "member-role",
    "remove-member",
    "org-invitations",
    "invite",
    "save-org-policy",
];

/// An organization with a prompt, a server and a policy. All that is its own has its word in it, and nothing else has.
struct House {
    id: Uuid,
    name: &'static str,
    word: &'static str,
    /// Its policy lets a shell begin.
    lets_shells: bool,
}

impl House {
    async fn of(admin: &Caller, name: &'static str, word: &'static str, lets_shells: bool) -> Self {
        let id = admin.found(name).await;
        let prompt = json!({
            "scope": "organization", "name": format!("{word} rules"), "content": format!("words of {word}"),
        });
        // Offered and not installed, so that nothing is asked of anybody.
        let server = json!({
            "scope": "organization", "name": word, "catalog": "available",
            "server": {"type": "http", "url": format!("https://{word}.example/mcp")},
        });
        let mutations = [
            addition("prompt", Uuid::now_v7(), prompt),
            addition("mcp_configuration", Uuid::now_v7(), server),
        ];
        let request = json!({"org": id, "device": Uuid::now_v7(), "mutations": mutations});
        let results = admin.call("sync_push", request).await.rows();
        let is_applied = |result: &Value| result["status"] == "applied";
        assert!(results.iter().all(is_applied), "{results:?}");
        let mut policy = json!({"tool_rules": [{"server": word, "rule": "deny"}]});
        if !lets_shells {
            policy["allowed_agents"] = json!(["codex"]);
        }
        let set = json!({"org": id, "version": 1, "policy": policy});
        admin.call("set_policy", set).await.ok();
        Self {
            id,
            name,
            word,
            lets_shells,
        }
    }

    /// Something in its card.
    fn card(&self, test_id: &str) -> String {
        format!("[data-org='{}'] [data-testid={test_id}]", self.id)
    }
}

/// Where one of them works: an engine of their own and its page.
struct Desk {
    page: Page,
    stage: Stage,
    folder: ProjectId,
}

impl Desk {
    async fn of(stage: Stage, member: &Member, houses: [&House; 2]) -> Self {
        let client = &stage.engine.client;
        member.sign_in(client).await;
        let page = stage.page().await;
        page.click(&id("nav-organization")).await;
        for house in houses {
            client.org_fresh(house.id).await;
            page.sees(&format!("{}[data-state=fresh]", house.card("org-sync")))
                .await;
        }
        let folder = client.add_project(&stage.repository.path).await.id;
        Self {
            page,
            stage,
            folder,
        }
    }

    async fn open_settings(&self, house: &House) {
        let title = format!("Settings of {}", house.name);
        self.page.click(&house.card("open-org-settings")).await;
        self.page.reads("#org-settings-title", &title).await;
        self.page.sees(&id("policy-version")).await;
    }

    async fn close_settings(&self) {
        self.page.click(&id("close-org-settings")).await;
        self.page.misses(&id("org-settings")).await;
    }

    /// Changes the policy of an organization as its admin; this other one belongs to it too.
    async fn sets_policy(&self, house: &House, user: Uuid) {
        let page = &self.page;
        self.open_settings(house).await;
        page.sees("[data-testid=org-settings][data-admin=true]")
            .await;
        page.sees(&format!("[data-member='{user}'] {}", id("member-role")))
            .await;
        page.sees(&id("invite")).await;
        page.sees(&id("rule-server")).await;
        assert_eq!(value(page, &id("rule-server")).await, house.word);
        write(page, &id("policy-retention"), "90").await;
        page.click(&id("save-org-policy")).await;
        page.reads(&id("policy-version"), "Version 3").await;
        self.close_settings().await;
    }

    /// Sees, as a user of an organization, what its admin has set, and nothing that would change it.
    async fn only_sees_policy(&self, house: &House, admin: Uuid) {
        let page = &self.page;
        page.click(&id("look-for-orgs")).await;
        self.open_settings(house).await;
        page.reads(&id("policy-version"), "Version 3").await;
        let rule = format!("Server {}, tool any: Refuse", house.word);
        page.reads(&id("policy-rules"), &rule).await;
        let role = format!("[data-member='{admin}'] {}", id("member-is"));
        page.reads(&role, "admin").await;
        page.sees("[data-testid=org-settings][data-admin=false]")
            .await;
        for control in CONTROLS {
            assert_eq!(page.count(&id(control)).await, 0, "{control}");
        }
        self.close_settings().await;
    }

    /// Switches to an organization, and sees what it has and nothing of the other one.
    async fn switches_to(&self, house: &House, other: &House, is_admin: bool) {
        let page = &self.page;
        // What its admin has added meanwhile is here.
        self.stage.engine.client.org_settled(house.id).await;
        page.click(&id("nav-organization")).await;
        page.click(&house.card("switch-org")).await;
        page.sees(&house.card("org-active")).await;
        page.reads(&id("org-sign"), house.name).await;
        if is_admin {
            page.sees(&id("open-org-trail")).await;
        } else {
            let why = format!("Only admins of {}", house.name);
            page.reads(&id("org-trail-not-admin"), &why).await;
        }
        page.click(&id("nav-prompts")).await;
        let scope = format!("[data-scope={}]", PromptScope::Organization.as_str());
        let rules = format!("{} rules", house.word);
        let shown = page.reads(&scope, &rules).await;
        let is_read_only = shown.contains("Its admins write these");
        assert_eq!(is_read_only, !is_admin, "{shown}");
        let more = format!("{} more", house.word);
        assert_eq!(shown.contains(&more), !is_admin, "{shown}");
        self.shows_nothing_of(other).await;
        page.click(&id("nav-mcp")).await;
        let server = format!("[data-testid=mcp-card][data-name='{}']", house.word);
        page.sees(&server).await;
        self.shows_nothing_of(other).await;
    }

    async fn shows_nothing_of(&self, other: &House) {
        let script = "return document.body.innerText.includes(arguments[0])";
        let shown = self.page.eval(script, &[other.word]).await;
        assert_eq!(shown, json!(false), "{} is shown", other.word);
    }

    /// What the engine does is what the active organization wants, and nothing that the other one does.
    async fn is_bound_by(&self, house: &House, other: &House, is_admin: bool) {
        let client = &self.stage.engine.client;
        let preview = "/prompts/preview?agent=claude";
        let preview: PromptPreview = client.get(preview).await.expect("it is made");
        let text = preview.effective.text;
        assert!(text.contains(house.word), "{text}");
        assert!(!text.contains(other.word), "{text}");

        let begun = client.try_start(&session(self.folder, "shell")).await;
        if house.lets_shells {
            client.stop(begun.expect("nothing forbids it").id).await;
        } else {
            let refused = begun.expect_err("it is not among its agents");
            assert_eq!(refused.code, Code::PolicyRefused);
            assert!(refused.detail.contains(house.name), "{refused}");
        }

        let draft = PromptDraft {
            scope: PromptScope::Organization,
            name: format!("{} more", house.word),
            content: format!("more words of {}", house.word),
            enabled: true,
            ..PromptDraft::default()
        };
        let added = client.post::<SystemPrompt>("/prompts", &draft).await;
        if is_admin {
            added.expect("an admin adds it");
            client.org_settled(house.id).await;
        } else {
            let refused = added.expect_err("a user adds none");
            assert_eq!(refused.code, Code::PromptScopeDenied);
        }
    }
}

#[tokio::test]
async fn an_admin_here_and_a_user_there_is_shown_and_bound_by_the_active_organization_alone() {
    let Some(project) = Project::start().await else {
        return;
    };
    let (Some(one), Some(other)) = (Stage::with_keychain().await, Stage::with_keychain().await)
    else {
        return;
    };
    let backend = &project.backend;
    let (ada, ben) = (backend.person(ADA).await, backend.person(BEN).await);
    let north = House::of(&ada, "North", "lanternfish", false).await;
    let south = House::of(&ben, "South", "mudlark", true).await;
    ben.join(north.id, &ada, BEN, "user").await;
    ada.join(south.id, &ben, ADA, "user").await;
    let (ada, ben) = (ada.id, ben.id);
    let of_ada = Desk::of(one, &Member::of(&project, ada, ADA).await, [&north, &south]).await;
    let of_ben = Desk::of(
        other,
        &Member::of(&project, ben, BEN).await,
        [&north, &south],
    )
    .await;

    of_ada.sets_policy(&north, ben).await;
    of_ben.sets_policy(&south, ada).await;
    of_ada.only_sees_policy(&south, ben).await;
    of_ben.only_sees_policy(&north, ada).await;

    for (desk, house, other) in [(&of_ada, &north, &south), (&of_ben, &south, &north)] {
        desk.switches_to(house, other, true).await;
        desk.is_bound_by(house, other, true).await;
    }
    for (desk, house, other) in [(&of_ada, &south, &north), (&of_ben, &north, &south)] {
        desk.switches_to(house, other, false).await;
        desk.is_bound_by(house, other, false).await;
    }

    // Nor has anything of the one gone to the other at the backend, and the trail of each tells of its own admin alone.
    let prompts = "select distinct org_id || ' ' || split_part(name, ' ', 1) from public.system_prompts order by 1";
    let wanted = [&north, &south].map(|house| format!("{} {}", house.id, house.word));
    assert_eq!(backend.cluster.ask(prompts).await, wanted);
    let events = "select org_id || ' ' || count(*) from audit.logs
        where device_id is not null and action = 'sync.added' and org_id in (select id from public.organizations)
        group by org_id order by org_id";
    let wanted = [&north, &south].map(|house| format!("{} 1", house.id));
    assert_eq!(backend.cluster.ask(events).await, wanted);
    for desk in [&of_ada, &of_ben] {
        desk.stage.engine.client.assert_audit_valid().await;
    }
}
