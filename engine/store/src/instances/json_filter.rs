//! Filters over values inside of JSON documents, as SQL.
//!
//! Promises: a document that is no JSON, or is damaged, has no values; it does not end the list.

use rusqlite::types::Value as Sql;

use super::{
    filter::{Statement, glob},
    rows::DATA,
};
use crate::{Condition, Value};

/// The SQL of a condition for a value of `{"workflowdata": data, …extra}`.
pub(super) fn condition(statement: &mut Statement, path: &[String], condition: &Condition) -> String {
    let (document, path) = match path.split_first() {
        Some((first, rest)) if first == "workflowdata" => (valid_json(DATA), rest),
        Some((first, _)) if first == "workflowdatainput" => ("NULL".to_owned(), path),
        Some(_) => (valid_json("extra"), path),
        None => ("NULL".to_owned(), path),
    };
    let path = statement.bind(json_path(path));
    JsonPlace { document, path }.condition(statement, condition)
}

/// The text of a document, or NULL when it is no JSON: a function of SQLite would end the whole list with an error.
fn valid_json(document: &str) -> String {
    format!("iif(json_valid({document}), {document}, NULL)")
}

/// A value inside of a JSON column.
struct JsonPlace {
    document: String,
    path: String,
}

impl JsonPlace {
    fn condition(&self, statement: &mut Statement, condition: &Condition) -> String {
        let Self { document, path } = self;
        let joined = |conditions: Vec<String>, with: &str, without_any: &str| match conditions.is_empty() {
            true => without_any.to_owned(),
            false => format!("({})", conditions.join(with)),
        };
        match condition {
            Condition::Equal(value) => self.equal(statement, value),
            Condition::In(values) => {
                let each = values.iter().map(|value| self.equal(statement, value)).collect();
                joined(each, " OR ", "0")
            }
            Condition::Like(pattern) => format!("{} GLOB {}", self.text(), statement.bind(glob(pattern))),
            Condition::IsNull(true) => format!("coalesce(json_type({document}, {path}), 'null') = 'null'"),
            Condition::IsNull(false) => format!("json_type({document}, {path}) <> 'null'"),
            Condition::Greater(value) => self.ordered(statement, ">", value),
            Condition::GreaterOrEqual(value) => self.ordered(statement, ">=", value),
            Condition::Less(value) => self.ordered(statement, "<", value),
            Condition::LessOrEqual(value) => self.ordered(statement, "<=", value),
            Condition::Between(from, to) => {
                format!("({} AND {})", self.ordered(statement, ">=", from), self.ordered(statement, "<=", to))
            }
            Condition::Contains(value) => self.contains(statement, value),
            Condition::ContainsAll(values) => {
                let each = values.iter().map(|value| self.contains(statement, value)).collect();
                joined(each, " AND ", "1")
            }
            Condition::ContainsAny(values) => {
                let each = values.iter().map(|value| self.contains(statement, value)).collect();
                joined(each, " OR ", "0")
            }
        }
    }

    /// The text of the value: that of a string as it is, that of anything else as JSON, nothing for null.
    fn text(&self) -> String {
        let Self { document, path } = self;
        format!(
            "CASE json_type({document}, {path}) WHEN 'text' THEN {document} ->> {path} WHEN 'null' THEN NULL \
             ELSE {document} -> {path} END"
        )
    }

    /// The value, if it is a number.
    fn number(&self) -> String {
        let Self { document, path } = self;
        format!(
            "CASE WHEN json_type({document}, {path}) IN ('integer', 'real') THEN {document} ->> {path} END"
        )
    }

    fn equal(&self, statement: &mut Statement, value: &Value) -> String {
        let Self { document, path } = self;
        match value {
            Value::String(text) => format!("{} = {}", self.text(), statement.bind(Sql::Text(text.clone()))),
            Value::Number(number) => format!("{} = {}", self.number(), statement.bind(sql_number(number))),
            Value::Null => format!("json_type({document}, {path}) = 'null'"),
            Value::Bool(bool) => format!("json_type({document}, {path}) = '{bool}'"),
            Value::Array(_) | Value::Object(_) => {
                let text = statement.bind(Sql::Text(value.to_string()));
                format!(
                    "(json_type({document}, {path}) IN ('array', 'object') AND {document} -> {path} = {text})"
                )
            }
        }
    }

    fn ordered(&self, statement: &mut Statement, operator: &str, value: &Value) -> String {
        match value {
            Value::String(text) => {
                format!("{} {operator} {}", self.text(), statement.bind(Sql::Text(text.clone())))
            }
            Value::Number(number) => {
                format!("{} {operator} {}", self.number(), statement.bind(sql_number(number)))
            }
            _ => "0".to_owned(),
        }
    }

    fn contains(&self, statement: &mut Statement, value: &Value) -> String {
        let Self { document, path } = self;
        let (item, member) = match value {
            Value::String(text) => {
                let text = statement.bind(Sql::Text(text.clone()));
                (format!("item.type = 'text' AND item.value = {text}"), format!("item.key = {text}"))
            }
            Value::Number(number) => {
                let number = statement.bind(sql_number(number));
                (format!("item.type IN ('integer', 'real') AND item.value = {number}"), "0".to_owned())
            }
            Value::Null => ("item.type = 'null'".to_owned(), "0".to_owned()),
            Value::Bool(bool) => (format!("item.type = '{bool}'"), "0".to_owned()),
            Value::Array(_) | Value::Object(_) => {
                let text = statement.bind(Sql::Text(value.to_string()));
                (format!("item.type IN ('array', 'object') AND item.value = {text}"), "0".to_owned())
            }
        };
        format!(
            "EXISTS (SELECT 1 FROM json_each({document}, {path}) AS item \
             WHERE CASE json_type({document}, {path}) WHEN 'array' THEN {item} WHEN 'object' THEN {member} END)"
        )
    }
}

/// The path in SQLite's notation, each name quoted as a JSON string: so dots, quotes and brackets in it are part of the name.
fn json_path(names: &[String]) -> Sql {
    let mut path = "$".to_owned();
    for name in names {
        path += ".";
        path += &Value::String(name.clone()).to_string();
    }
    Sql::Text(path)
}

fn sql_number(number: &serde_json::Number) -> Sql {
    match number.as_i64() {
        Some(integer) => Sql::Integer(integer),
        None => number.as_f64().map_or(Sql::Null, Sql::Real),
    }
}
