//! The description of the API and the page that shows it.

use std::sync::Arc;

use axum::Router;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_swagger_ui::SwaggerUi;

use crate::state::State;

#[derive(OpenApi)]
#[openapi(
    info(title = "Berth", description = "Runs agent CLIs in workspaces of their own. Every request \
        under `/api` needs the token from the endpoint file as a bearer token. Errors are \
        `application/problem+json` (RFC 9457) with a stable `code`."),
    modifiers(&Token),
    security(("token" = []))
)]
struct Base;

struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The description without any address.
pub fn base() -> utoipa::openapi::OpenApi {
    let mut openapi = Base::openapi();
    crate::VERSION.clone_into(&mut openapi.info.version);
    openapi
}

/// `/openapi.json` and `/docs`.
pub fn router(description: utoipa::openapi::OpenApi) -> Router<Arc<State>> {
    SwaggerUi::new("/docs")
        .url("/openapi.json", description)
        .into()
}
