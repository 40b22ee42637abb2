//! Translates between columns and the types of the API. A value that cannot be translated means a
//! damaged store.

use std::str::FromStr;

use berth_protocol::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::{ColumnIndex, Decode, Row, Sqlite, Type, sqlite::SqliteRow};

use crate::StoreError;

/// A row together with what it was read for.
pub(crate) struct Columns<'r> {
    row: &'r SqliteRow,
    doing: &'static str,
}

impl<'r> Columns<'r> {
    pub(crate) fn of(row: &'r SqliteRow, doing: &'static str) -> Self {
        Self { row, doing }
    }

    pub(crate) fn get<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
        &'static str: ColumnIndex<SqliteRow>,
    {
        self.row
            .try_get(column)
            .map_err(|error| StoreError::sql(self.doing, error))
    }

    /// An integer of a narrower or unsigned type.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T::Error: std::error::Error + Send + Sync + 'static,
    {
        T::try_from(self.get(column)?).map_err(|error| self.damaged(error))
    }

    /// As [`number`](Self::number), for a column that may be null.
    pub(crate) fn maybe_number<T: TryFrom<i64>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError>
    where
        T::Error: std::error::Error + Send + Sync + 'static,
    {
        let value: Option<i64> = self.get(column)?;
        value
            .map(|value| T::try_from(value).map_err(|error| self.damaged(error)))
            .transpose()
    }

    /// Something that is written as text, such as an identifier.
    pub(crate) fn parse<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        let text: &str = self.get(column)?;
        text.parse().map_err(|error: T::Err| self.damaged(error))
    }

    /// As [`parse`](Self::parse), for a column that may be null.
    pub(crate) fn maybe_parse<T: FromStr>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError>
    where
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        let text: Option<&str> = self.get(column)?;
        text.map(|text| text.parse().map_err(|error: T::Err| self.damaged(error)))
            .transpose()
    }

    /// One of the words of the API.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        serde_json::from_value(Value::String(text)).map_err(|error| self.damaged(error))
    }

    /// JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(self.get(column)?).map_err(|error| self.damaged(error))
    }

    /// JSON in a column that may be null.
    pub(crate) fn maybe_json<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<&str> = self.get(column)?;
        text.map(|text| serde_json::from_str(text).map_err(|error| self.damaged(error)))
            .transpose()
    }

    pub(crate) fn moment(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(self.get(column)?).map_err(|error| self.damaged(error))
    }

    pub(crate) fn maybe_moment(
        &self,
        column: &'static str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let value: Option<i64> = self.get(column)?;
        value
            .map(|value| Timestamp::from_millisecond(value).map_err(|error| self.damaged(error)))
            .transpose()
    }

    pub(crate) fn damaged(
        &self,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> StoreError {
        StoreError::sql(self.doing, sqlx::Error::Decode(Box::new(error)))
    }
}

/// The word with which the API writes a value, such as `in_place`.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        // Only enums without data are given here, and they serialize as their name.
        other => unreachable!("not a word: {other:?}"),
    }
}

/// The present moment as the store keeps it: in whole milliseconds.
pub(crate) fn now() -> Timestamp {
    kept(Timestamp::now())
}

/// A moment as it is read back.
pub(crate) fn kept(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// Unsigned numbers of the API in SQLite's signed integers; what does not fit is far beyond
/// anything that can be counted.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
