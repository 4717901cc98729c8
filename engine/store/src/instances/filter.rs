//! Filters as SQL: the one place where statements are put together.
//!
//! Promises: every operand and every path of the caller is bound as a parameter; the text of a statement depends on the shape of the filter
//! only, so that equal shapes share one compiled statement.

use rusqlite::{Params, params_from_iter, types::Value as Sql};
use uuid::Uuid;

use super::rows::DATA;
use crate::{Condition, Direction, Field, Filter, Query, State, Value};

/// A statement with what is bound to it.
#[derive(Debug, Default)]
pub(super) struct Statement {
    pub(super) sql: String,
    values: Vec<Sql>,
}

/// The numbers of the instances of a query, in their order.
pub(super) fn numbers(query: &Query) -> Statement {
    let mut statement =
        Statement { sql: "SELECT number FROM instance WHERE ".to_owned(), values: Vec::new() };
    statement.filter(&query.filter);
    statement.sql += " ORDER BY ";
    for (field, direction) in &query.order {
        statement.sql += column(*field);
        statement.sql += match direction {
            Direction::Ascending => " ASC NULLS LAST, ",
            Direction::Descending => " DESC NULLS FIRST, ",
        };
    }
    statement.sql += "number";
    // A negative limit is none.
    let limit = query.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let limit = statement.bind(Sql::Integer(limit));
    let offset = statement.bind(Sql::Integer(i64::try_from(query.offset).unwrap_or(i64::MAX)));
    statement.sql += &format!(" LIMIT {limit} OFFSET {offset}");
    statement
}

/// How many instances a filter lets through.
pub(super) fn count(filter: &Filter) -> Statement {
    let mut statement =
        Statement { sql: "SELECT count(*) FROM instance WHERE ".to_owned(), values: Vec::new() };
    statement.filter(filter);
    statement
}

/// The SQL of a column.
fn column(field: Field) -> &'static str {
    match field {
        Field::Id => "id",
        Field::Workflow => "(SELECT workflow FROM revision WHERE revision.number = instance.revision)",
        Field::Version => "(SELECT version FROM revision WHERE revision.number = instance.revision)",
        Field::Name => "(SELECT name FROM revision WHERE revision.number = instance.revision)",
        Field::State => "state",
        Field::BusinessKey => "business_key",
        Field::ReferenceId => "reference_id",
        Field::Parent => "parent",
        Field::Root => "root",
        Field::RootWorkflow => "root_workflow",
        Field::StartedAt => "started_at",
        Field::EndedAt => "ended_at",
        Field::UpdatedAt => "updated_at",
        // Older rows have one name for both.
        Field::ErrorNode => {
            "coalesce(iif(json_valid(error), error, NULL) ->> '$.action', iif(json_valid(error), error, NULL) ->> '$.state', \
             iif(json_valid(error), error, NULL) ->> '$.nodeDefinitionId')"
        }
        Field::ErrorMessage => "(iif(json_valid(error), error, NULL) ->> '$.message')",
    }
}

/// An operand for a column; `None` when it is not of the column's type.
fn operand(field: Field, value: &Value) -> Option<Sql> {
    match field {
        Field::Id | Field::Parent | Field::Root => {
            let id = Uuid::try_parse(value.as_str()?).ok()?;
            Some(Sql::Blob(id.as_bytes().to_vec()))
        }
        Field::State => Some(Sql::Integer(value.as_str()?.parse::<State>().ok()?.number())),
        Field::StartedAt | Field::EndedAt | Field::UpdatedAt => value.as_i64().map(Sql::Integer),
        _ => value.as_str().map(|text| Sql::Text(text.to_owned())),
    }
}

/// Whether a column holds text.
fn is_text(field: Field) -> bool {
    operand(field, &Value::String(String::new())).is_some_and(|operand| matches!(operand, Sql::Text(_)))
}

impl Statement {
    /// What is bound to the statement, which takes `count` parameters. These can be fewer than there are values: a condition that is decided
    /// without its operands, such as an empty list, leaves the last ones unused.
    pub(super) fn parameters(&self, count: usize) -> impl Params {
        params_from_iter(self.values.iter().take(count))
    }

    /// Binds a value; gives the text that stands for it.
    fn bind(&mut self, value: Sql) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    /// Appends the condition of a filter. SQL's third truth value, unknown, may come out of it, which no row passes: And and Or
    /// treat it like false, so only Not must turn it into one of the other two.
    fn filter(&mut self, filter: &Filter) {
        match filter {
            Filter::And(filters) => self.joined(filters, " AND ", "1"),
            Filter::Or(filters) => self.joined(filters, " OR ", "0"),
            Filter::Not(filter) => {
                self.sql += "(";
                self.filter(filter);
                self.sql += ") IS NOT TRUE";
            }
            Filter::Compare { field, condition } => {
                let sql = self.compare(*field, condition);
                self.sql += &sql;
            }
            Filter::Json { path, condition } => {
                let sql = self.json(path, condition);
                self.sql += &sql;
            }
        }
    }

    fn joined(&mut self, filters: &[Filter], with: &str, without_any: &str) {
        if filters.is_empty() {
            self.sql += without_any;
            return;
        }
        for (place, filter) in filters.iter().enumerate() {
            self.sql += if place == 0 { "(" } else { with };
            self.filter(filter);
        }
        self.sql += ")";
    }

    fn compare(&mut self, field: Field, condition: &Condition) -> String {
        // What belongs to the revision is looked for among the few revisions, and the instances then by an index.
        let own = match field {
            Field::Workflow => "workflow",
            Field::Version => "version",
            Field::Name => "name",
            _ => return self.compare_column(field, column(field), condition),
        };
        let inner = self.compare_column(field, own, condition);
        format!("revision IN (SELECT revision.number FROM revision WHERE {inner})")
    }

    fn compare_column(&mut self, field: Field, column: &str, condition: &Condition) -> String {
        let mut than = |operator: &str, value: &Value| match operand(field, value) {
            Some(operand) => format!("{column} {operator} {}", self.bind(operand)),
            None => "0".to_owned(),
        };
        match condition {
            Condition::Equal(value) => than("=", value),
            Condition::Greater(value) => than(">", value),
            Condition::GreaterOrEqual(value) => than(">=", value),
            Condition::Less(value) => than("<", value),
            Condition::LessOrEqual(value) => than("<=", value),
            Condition::Between(from, to) => format!("({} AND {})", than(">=", from), than("<=", to)),
            Condition::In(values) => {
                let operands: Vec<String> = values
                    .iter()
                    .filter_map(|value| operand(field, value))
                    .map(|value| self.bind(value))
                    .collect();
                format!("{column} IN ({})", operands.join(", "))
            }
            Condition::Like(pattern) if is_text(field) => {
                format!("{column} GLOB {}", self.bind(glob(pattern)))
            }
            Condition::IsNull(true) => format!("{column} IS NULL"),
            Condition::IsNull(false) => format!("{column} IS NOT NULL"),
            Condition::Like(_)
            | Condition::Contains(_)
            | Condition::ContainsAll(_)
            | Condition::ContainsAny(_) => "0".to_owned(),
        }
    }

    fn json(&mut self, path: &[String], condition: &Condition) -> String {
        let (document, path) = match path.split_first() {
            Some((first, rest)) if first == "workflowdata" => (valid_json(DATA), rest),
            Some((first, _)) if first == "workflowdatainput" => ("NULL".to_owned(), path),
            Some(_) => (valid_json("extra"), path),
            None => ("NULL".to_owned(), path),
        };
        let path = self.bind(json_path(path));
        JsonPlace { document, path }.condition(self, condition)
    }
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

/// The pattern for GLOB, where `?` and `[` would be more than themselves.
fn glob(pattern: &str) -> Sql {
    Sql::Text(pattern.replace('[', "[[]").replace('?', "[?]"))
}

fn sql_number(number: &serde_json::Number) -> Sql {
    match number.as_i64() {
        Some(integer) => Sql::Integer(integer),
        None => number.as_f64().map_or(Sql::Null, Sql::Real),
    }
}
