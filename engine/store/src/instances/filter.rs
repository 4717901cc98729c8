//! Filters as SQL.
//!
//! Promises: every operand and every path of the caller is bound as a parameter; the text of a statement depends on the shape of the filter
//! only, so that equal shapes share one compiled statement.

use rusqlite::{Params, params_from_iter, types::Value as Sql};
use uuid::Uuid;

use super::json_filter;
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
    /// The values for the `count` parameters of the statement. There can be more values than parameters: a condition that is decided without
    /// its operands, such as an empty list, leaves the last ones unused.
    pub(super) fn parameters(&self, count: usize) -> impl Params {
        params_from_iter(self.values.iter().take(count))
    }

    /// Binds a value; gives the SQL of its parameter.
    pub(super) fn bind(&mut self, value: Sql) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    /// Appends the condition of a filter. It can be SQL's third truth value, unknown, with which no row passes: AND and OR treat it
    /// like false, so only NOT must turn it into one of the other two.
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
                let sql = json_filter::condition(self, path, condition);
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
        // Columns of the revision are searched in the few revisions, and the instances of those by an index.
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
}

/// The pattern for GLOB, to which `?` and `[` have a meaning.
pub(super) fn glob(pattern: &str) -> Sql {
    Sql::Text(pattern.replace('[', "[[]").replace('?', "[?]"))
}
