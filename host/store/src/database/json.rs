//! JSON in columns and parameters.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A column that holds its value as JSON.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0);
        let failed = |error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
        Ok(text.map_err(failed)?.into())
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let value = serde_json::from_str(value.as_str()?);
        value
            .map(Self)
            .map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

/// A list as one parameter, for `json_each`.
pub(crate) fn json_list(values: impl IntoIterator<Item: AsRef<str>>) -> String {
    let values = values.into_iter();
    serde_json::Value::from_iter(values.map(|value| value.as_ref().to_owned())).to_string()
}
