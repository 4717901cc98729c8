//! Reads tables row by row, around pages that cannot be read.
//!
//! A table is read from its first row up to the first bad page, from its last row down to the last bad page, and each number between is
//! looked up by itself. An index that can be read adds the numbers that it knows.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, ToSql, types::ToSqlOutput};

use super::{Findings, SalvageError, TableFindings, events, image::Image, instances::Instances};

/// Numbers between two bad pages that are looked up one by one: some seconds. Of larger gaps only those that an index knows.
const PROBED: i64 = 2_000_000;

/// Bad places in the file that are named. A page that is bad makes many.
const BAD_PLACES: usize = 20;

/// A table of the damaged database.
struct Table {
    name: String,
    has_numbers: bool,
    columns: usize,
    indexes: Vec<String>,
}

/// Reads all tables, writes their rows into a new database, and tells what is lost.
pub(super) fn read(image: &Image, target: Option<Connection>) -> Result<Findings, SalvageError> {
    let source = &image.connection;
    let mut findings = Findings { problems: image.problems.clone(), ..Findings::default() };
    let schema = schema(source).map_err(SalvageError::Schema)?;
    findings.problems.extend(bad_places(source));
    if let Some(target) = &target {
        prepare(source, target, &schema).map_err(SalvageError::Write)?;
    }
    let mut instances = Instances::new(source);
    let mut tables = tables(source, &schema);
    // What belongs to an instance is written only where the instance is.
    tables.sort_by_key(|table| match table.name.as_str() {
        "revision" => 0,
        "instance" => 1,
        _ => 2,
    });
    for table in &tables {
        let found = copy(source, target.as_ref(), table, &mut instances)?;
        if found.unreadable > 0 {
            findings.tables.push(found);
        }
    }
    if let Some(target) = target {
        finish(source, &target).map_err(SalvageError::Write)?;
        target.close().map_err(|(_, error)| SalvageError::Write(error))?;
    }
    (findings.whole, findings.instances) = instances.findings(source);
    Ok(findings)
}

/// What SQLite finds wrong with pages and indexes.
fn bad_places(source: &Connection) -> Vec<String> {
    let mut found = Vec::new();
    let is_whole = each(source, &format!("PRAGMA quick_check({BAD_PLACES})"), &mut |row| {
        found.extend(row.get::<_, String>(0).ok().filter(|text| text != "ok"));
        true
    });
    if !is_whole {
        found.push("the check of all pages ended at one that cannot be read".to_owned());
    }
    let several =
        found.iter().flat_map(|text| text.lines().map(str::to_owned)).filter(|line| !line.starts_with("***"));
    several.take(BAD_PLACES).map(|line| format!("the file is damaged: {line}")).collect()
}

/// Type, name, table and SQL of everything in the database, in the order in which it was made.
type Schema = Vec<(String, String, String, String)>;

fn schema(source: &Connection) -> rusqlite::Result<Schema> {
    let mut statement = source.prepare(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         ORDER BY rowid",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    rows.collect()
}

fn tables(source: &Connection, schema: &Schema) -> Vec<Table> {
    let of_type = |wanted: &'static str| schema.iter().filter(move |(kind, ..)| kind == wanted);
    let table = |(_, name, _, _): &(String, String, String, String)| {
        let quoted = quoted(name);
        let columns = source.prepare(&format!("SELECT * FROM {quoted}")).ok()?.column_count();
        Some(Table {
            has_numbers: source.prepare(&format!("SELECT rowid FROM {quoted}")).is_ok(),
            columns,
            indexes: of_type("index")
                .filter(|(_, _, of, _)| of == name)
                .map(|(_, index, ..)| index.clone())
                .collect(),
            name: name.clone(),
        })
    };
    of_type("table").filter_map(table).collect()
}

/// Makes the tables of the new database as they are in the damaged one, and begins its one transaction.
fn prepare(source: &Connection, target: &Connection, schema: &Schema) -> rusqlite::Result<()> {
    target.pragma_update(None, "page_size", crate::database::PAGE_SIZE)?;
    // Nobody uses the file before it is whole and synced.
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN")?;
    for (.., sql) in schema {
        target.execute_batch(sql)?;
    }
    for number in ["application_id", "user_version"] {
        let value: i64 = source.query_row(&format!("PRAGMA {number}"), [], |row| row.get(0))?;
        target.pragma_update(None, number, value)?;
    }
    Ok(())
}

/// Keeps numbers that were given out from being used again, makes events whole, and ends the transaction.
fn finish(source: &Connection, target: &Connection) -> rusqlite::Result<()> {
    // Where the number of a table cannot be read, the highest one that is left is the next best.
    each(source, "SELECT name, seq FROM sqlite_sequence", &mut |row| {
        let (Ok(name), Ok(used)) = (row.get::<_, String>(0), row.get::<_, i64>(1)) else { return true };
        let written = target
            .execute("DELETE FROM sqlite_sequence WHERE name = ?1", [&name])
            .and_then(|_| target.execute("INSERT INTO sqlite_sequence VALUES (?1, ?2)", (&name, used)));
        written.is_ok()
    });
    events::mend(target)?;
    target.execute_batch("COMMIT")
}

/// Reads one table, and writes its rows.
fn copy(
    source: &Connection,
    target: Option<&Connection>,
    table: &Table,
    instances: &mut Instances,
) -> Result<TableFindings, SalvageError> {
    let mut found = TableFindings { name: table.name.clone(), readable: 0, unreadable: 0 };
    // A page that is older than its neighbours can have rows that these have too: the later turn of an instance counts.
    let conflict = if table.name == "instance" { "REPLACE" } else { "IGNORE" };
    let places = vec!["?"; table.columns].join(", ");
    let insert = format!("INSERT OR {conflict} INTO {} VALUES ({places})", quoted(&table.name));
    let mut insert = target.map(|target| target.prepare(&insert)).transpose().map_err(SalvageError::Write)?;
    // The number of the row comes first where there is one.
    let first = usize::from(table.has_numbers);
    let mut take = |row: &Row<'_>| {
        if !instances.observe(&table.name, row, first) {
            return true;
        }
        let Some(insert) = &mut insert else { return true };
        let written = (0..table.columns).try_for_each(|column| {
            let value = ToSqlOutput::Borrowed(row.get_ref(first + column)?);
            insert.raw_bind_parameter(column + 1, &value as &dyn ToSql)
        });
        written.and_then(|()| insert.raw_execute()).is_ok()
    };
    let mut count = |is_taken: bool| match is_taken {
        true => found.readable += 1,
        false => found.unreadable += 1,
    };
    if table.has_numbers {
        read_by_number(source, table, &mut |row| count(row.is_some_and(&mut take)));
    } else {
        read_both_ways(source, table, &mut |row| count(row.is_some_and(&mut take)));
    }
    Ok(found)
}

/// Reads a table with numbers. `visit` is given each row, and nothing for each row that is known to be there and cannot be read.
fn read_by_number(source: &Connection, table: &Table, visit: &mut dyn FnMut(Option<&Row<'_>>)) {
    let name = quoted(&table.name);
    let all = format!("SELECT rowid, * FROM {name} NOT INDEXED");
    let mut last_before = 0;
    let mut visit_upwards = |row: &Row<'_>| {
        last_before = row.get(0).unwrap_or(last_before);
        visit(Some(row));
        true
    };
    if each(source, &format!("{all} ORDER BY rowid"), &mut visit_upwards) {
        return;
    }
    let mut first_behind = None;
    each(source, &format!("{all} ORDER BY rowid DESC"), &mut |row| {
        let number = row.get(0).unwrap_or_default();
        if number <= last_before {
            return false;
        }
        first_behind = Some(number);
        visit(Some(row));
        true
    });
    let known = known_numbers(source, table);
    let end = first_behind.or(known.last().map(|last| last + 1)).unwrap_or(last_before + 1);
    let between = last_before + 1..end;
    let mut has_failed = false;
    let mut probe = |number: i64, visit: &mut dyn FnMut(Option<&Row<'_>>)| {
        let one = source.prepare_cached(&format!("{all} WHERE rowid = ?1"));
        let looked_up = one.and_then(|mut one| {
            one.query_row([number], |row| {
                visit(Some(row));
                Ok(())
            })
        });
        if let Err(error) = looked_up {
            has_failed |= error != rusqlite::Error::QueryReturnedNoRows;
            if known.contains(&number) {
                visit(None);
            }
        }
    };
    if between.end - between.start <= PROBED {
        between.for_each(|number| probe(number, visit));
    } else {
        known.range(between).for_each(|number| probe(*number, visit));
    }
    // How many rows are on the bad pages is not known then.
    if has_failed && known.is_empty() {
        visit(None);
    }
}

/// Reads a table without numbers from both ends.
fn read_both_ways(source: &Connection, table: &Table, visit: &mut dyn FnMut(Option<&Row<'_>>)) {
    let name = quoted(&table.name);
    if each(source, &format!("SELECT * FROM {name}"), &mut |row| {
        visit(Some(row));
        true
    }) {
        return;
    }
    let key = source
        .prepare(&format!("SELECT * FROM {name}"))
        .ok()
        .and_then(|statement| statement.column_name(0).ok().map(quoted));
    if let Some(key) = key {
        each(source, &format!("SELECT * FROM {name} ORDER BY {key} DESC"), &mut |row| {
            visit(Some(row));
            true
        });
    }
    visit(None);
}

/// The numbers of rows that the indexes of a table know, as far as these can be read.
fn known_numbers(source: &Connection, table: &Table) -> BTreeSet<i64> {
    let mut known = BTreeSet::new();
    for index in &table.indexes {
        let sql = format!("SELECT rowid FROM {} INDEXED BY {}", quoted(&table.name), quoted(index));
        each(source, &sql, &mut |row| {
            known.extend(row.get::<_, i64>(0).ok());
            true
        });
    }
    known
}

/// Visits the rows of a query until one cannot be read or `visit` says so. Returns whether all could be read.
pub(super) fn each(source: &Connection, sql: &str, visit: &mut dyn FnMut(&Row<'_>) -> bool) -> bool {
    let Ok(mut statement) = source.prepare(sql) else { return false };
    let Ok(mut rows) = statement.query([]) else { return false };
    loop {
        match rows.next() {
            Ok(Some(row)) if visit(row) => {}
            Ok(Some(_) | None) => return true,
            Err(_) => return false,
        }
    }
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
