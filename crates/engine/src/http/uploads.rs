//! `POST /sessions/{id}/upload`.

use std::sync::Arc;

use axum::{
    extract::{
        Multipart, State as Shared,
        multipart::{MultipartError, MultipartRejection},
    },
    http::StatusCode,
};
use berth_protocol::{Code, Problem, SessionId, UPLOAD_LIMIT, Uploaded};

use super::{
    Problems, carried_through,
    extract::{Json, Path},
};
use crate::{
    error::ApiError,
    sessions::{self, Given},
    state::State,
};

/// The field of the form that has the file.
const FIELD: &str = "file";

/// The form with a file.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
struct UploadForm {
    /// The file and its name, 10 MiB at most.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Hands a file to the session: it is kept beside the session's own files, outside of its workspace, and goes with the
/// session. The answer tells its path, which a message can name. Of a form with several files the first is taken.
#[utoipa::path(post, path = "/sessions/{id}/upload", tag = "sessions", params(("id" = SessionId, Path)),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Uploaded),
        (status = 413, description = "The file is too large.", body = Problem,
            content_type = "application/problem+json"),
        Problems))]
pub async fn upload(
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<SessionId>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Uploaded>), ApiError> {
    // Nothing is read for a session that does not take it.
    sessions::takes_files(&state, id).await?;
    let given = file_of(form?).await?;
    let kept = carried_through(async move { sessions::upload(&state, id, given).await }).await?;
    Ok((StatusCode::CREATED, Json(kept)))
}

async fn file_of(mut form: Multipart) -> Result<Given, ApiError> {
    while let Some(field) = form.next_field().await? {
        if field.name() != Some(FIELD) {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        let content = field.bytes().await?;
        if content.len() > UPLOAD_LIMIT {
            return Err(too_large());
        }
        return Ok(Given { name, content });
    }
    let detail = format!("the form has no field {FIELD}");
    Err(ApiError::new(Code::BadRequest, detail))
}

fn too_large() -> ApiError {
    let detail = format!("a file has at most {UPLOAD_LIMIT} bytes");
    ApiError::new(Code::BodyTooLarge, detail)
}

impl From<MultipartRejection> for ApiError {
    fn from(rejection: MultipartRejection) -> Self {
        let problem = Problem::new(Code::BadRequest, rejection.body_text());
        Self::from(problem.with_hint("Send a form (multipart/form-data) with the field file."))
    }
}

impl From<MultipartError> for ApiError {
    fn from(error: MultipartError) -> Self {
        match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(),
            _ => Self::new(Code::BadRequest, error.body_text()),
        }
    }
}
