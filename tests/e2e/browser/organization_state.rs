//! How sync stands, as the page shows it: while the network is away and when it is back, and while the backend answers
//! that something is wrong.

use berth_tests::{
    cable::Cable,
    tenant::{Member, Organization, Project},
    webdriver::{Page, id},
};

use crate::stage::Stage;

/// A stage on which a user of an organization, which is active, is signed in over a cable that can be cut.
struct Pier {
    stage: Stage,
    project: Project,
    org: Organization,
    cable: Cable,
}

impl Pier {
    async fn at(project: Project) -> Option<Self> {
        let stage = Stage::with_keychain().await?;
        let org = project.backend.organization("acme").await;
        let cable = Cable::plug_in(project.port()).await;
        let mut member = Member::of(&project, org.user.id, "user@acme.example").await;
        member.url = format!("http://{}", cable.address);
        let client = &stage.engine.client;
        member.sign_in(client).await;
        client.org_fresh(org.id).await;
        client.switch_org(Some(org.id)).await;
        Some(Self {
            stage,
            project,
            org,
            cable,
        })
    }

    /// Opens the page of organizations, where all is well.
    async fn page(&self) -> Page {
        let page = self.stage.page().await;
        page.click(&id("nav-organization")).await;
        self.is(&page, "fresh").await;
        page.reads(&self.card("org-told"), "what the backend has")
            .await;
        self.is_late(&page, false).await;
        page
    }

    /// Something in the card of the organization.
    fn card(&self, test_id: &str) -> String {
        format!("[data-org='{}'] [data-testid={test_id}]", self.org.id)
    }

    /// Waits until the card and the sign beside every page show this state.
    async fn is(&self, page: &Page, state: &str) {
        let chip = self.card("org-sync");
        page.sees(&format!("{chip}[data-state={state}]")).await;
        page.sees(&format!("[data-testid=org-sign][data-state={state}]"))
            .await;
    }

    /// Waits until the card says since when it is late, or no longer. When it was fresh it says in any case.
    async fn is_late(&self, page: &Page, is_late: bool) {
        let script = "const said = document.querySelector(arguments[0])?.innerText ?? '';
            return said.includes('Last fresh') && said.includes('Began') === (arguments[1] === 'true')";
        let what = format!("that it is late is said: {is_late}");
        let is_late = is_late.to_string();
        page.until_js(&what, script, &[&self.card("org-times"), &is_late])
            .await;
    }
}

#[tokio::test]
async fn a_network_that_is_away_is_shown_with_its_beginning_and_its_return_by_itself() {
    let Some(project) = Project::start().await else {
        return;
    };
    let Some(pier) = Pier::at(project).await else {
        return;
    };
    let page = pier.page().await;
    pier.cable.cut().await;
    page.click(&id("look-for-orgs")).await;
    pier.is(&page, "offline").await;
    page.reads(&pier.card("org-sync"), "Offline").await;
    page.reads(&pier.card("org-told"), "does not answer").await;
    pier.is_late(&page, true).await;

    // Nobody asks for it.
    pier.cable.mend();
    pier.is(&page, "fresh").await;
    page.reads(&pier.card("org-told"), "what the backend has")
        .await;
    pier.is_late(&page, false).await;
}

#[tokio::test]
async fn a_backend_that_answers_that_something_is_wrong_is_shown_as_stale_with_its_words() {
    let why = "it changes a function of the schema";
    let Some(project) = Project::own(why).await else {
        return;
    };
    let Some(pier) = Pier::at(project).await else {
        return;
    };
    let cluster = &pier.project.backend.cluster;
    let page = pier.page().await;
    let as_it_is = "select pg_get_functiondef('public.sync_head(uuid)'::regprocedure)";
    let as_it_is = cluster.ask(as_it_is).await.remove(0);
    let wrong = "create or replace function public.sync_head(org uuid)
        returns jsonb language plpgsql stable security invoker set search_path = '' as $$
        begin
            perform private.fail(503, 'backend.paused', 'it is being looked after');
            return null;
        end
        $$";
    cluster.superuser(wrong).await;
    page.click(&id("look-for-orgs")).await;
    pier.is(&page, "stale").await;
    page.reads(&pier.card("org-sync"), "Stale").await;
    page.reads(&pier.card("org-told"), "it is being looked after")
        .await;
    pier.is_late(&page, true).await;

    cluster.superuser(&as_it_is).await;
    pier.is(&page, "fresh").await;
    pier.is_late(&page, false).await;
}
