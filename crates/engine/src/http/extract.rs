//! Reading requests, with every failure as a problem of ours.

use axum::{
    extract::{
        FromRequest, FromRequestParts, OptionalFromRequest, Request,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
};
use berth_protocol::Code;

use crate::error::ApiError;

/// A JSON body, in either direction.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(ApiError))]
pub struct Json<T>(pub T);

/// A JSON body with a secret: what is wrong with it is not told, for the words of the parser repeat it.
pub struct SecretJson<T>(pub T);

impl<S, T> FromRequest<S> for SecretJson<T>
where
    S: Send + Sync,
    T: serde::de::DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match <axum::Json<T> as FromRequest<S>>::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(rejection) => {
                let code = ApiError::from(rejection).0.code;
                Err(ApiError::new(code, "the body is not as it must be"))
            }
        }
    }
}

/// A body that may be left out.
impl<S, T> OptionalFromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: serde::de::DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, ApiError> {
        let json: Option<axum::Json<T>> =
            <axum::Json<T> as OptionalFromRequest<S>>::from_request(request, state).await?;
        Ok(json.map(|axum::Json(json)| Self(json)))
    }
}

impl<T: serde::Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The variable parts of an address.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub struct Path<T>(pub T);

/// The query of an address.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub struct Query<T>(pub T);

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        let code = match rejection.status().as_u16() {
            413 => Code::BodyTooLarge,
            415 => Code::UnsupportedMediaType,
            _ => Code::BadRequest,
        };
        Self::new(code, rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::new(Code::BadRequest, rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(Code::BadRequest, rejection.body_text())
    }
}

/// Checks a one-line text that people read: 1 to `longest` characters, no control characters.
pub fn checked_text(what: &str, text: &str, longest: usize) -> Result<String, ApiError> {
    let text = text.trim();
    let count = text.chars().count();
    if count == 0 || count > longest || text.chars().any(char::is_control) {
        let detail = format!("the {what} must have 1 to {longest} characters on one line");
        return Err(ApiError::new(Code::BadRequest, detail));
    }
    Ok(text.to_owned())
}
