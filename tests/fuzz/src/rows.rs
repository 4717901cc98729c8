//! Rows of the database beside the snapshot: errors, history, inputs, messages of mailboxes.
//!
//! An input is a letter (`e`, `h`, `i`, `m`, see [`play`]), the stored bytes, and for an input of an instance the data.

use std::path::Path;

use rondo_expression::Val;
use rondo_machine::Fact;
use rondo_runtime::{HistoryEvent, HistoryLine, fuzzing};
use rondo_store::rusqlite::{Connection, OpenFlags, types::FromSql};

use crate::{Target, joined, parts};

/// Rows.
pub const TARGET: Target = Target { name: "rows", play, seeds: begin };

fn play(input: &[u8]) {
    let [stored, data] = parts(input);
    let Some((letter, stored)) = stored.split_first() else { return };
    let text = std::str::from_utf8(stored);
    match (letter, text) {
        (b'e', Ok(text)) => {
            let _ = fuzzing::read_error(text);
        }
        (b'h', Ok(text)) => history(text),
        (b'i', Ok(text)) => {
            let data = Val::from_json(data).unwrap_or_default();
            let Ok(input) = fuzzing::read_input(Some(text), &data) else { return };
            let Ok(written) = fuzzing::write_input(&input, &data) else {
                panic!("{input} cannot be written")
            };
            let read = fuzzing::read_input(written.as_deref(), &data);
            assert_eq!(read.as_ref(), Ok(&input), "written as {written:?}");
        }
        (b'm', _) => {
            let Ok((message, written)) = fuzzing::read_message(stored) else { return };
            let again = fuzzing::read_message(&written);
            assert_eq!(again, Ok((message, written.clone())), "{}", String::from_utf8_lossy(&written));
        }
        _ => {}
    }
}

/// Facts that are known come back; what is shown of any history is made.
fn history(text: &str) {
    let Ok(events) = fuzzing::read_history(text) else { return };
    let facts: Vec<Fact> = events
        .iter()
        .filter_map(|event| match event {
            HistoryEvent::Fact(fact) => Some(fact.clone()),
            HistoryEvent::Unknown(_) => None,
        })
        .collect();
    if let Ok(Some(written)) = fuzzing::write_history(&facts) {
        let known: Vec<_> = facts.iter().cloned().map(HistoryEvent::Fact).collect();
        assert_eq!(fuzzing::read_history(&written), Ok(known), "written as {written}");
    }
    let lines: Vec<_> = (0..).zip(events).map(|(at, event)| HistoryLine { at, event }).collect();
    let _ = fuzzing::visits(&lines);
    let _ = serde_json::to_string(&lines);
}

fn begin(repository: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for format in ["1", "2"] {
        let database = repository.join("tests/fixtures/formats").join(format).join("rondo.db");
        let of = |letter: &[u8], sql: &str| {
            let rows = rows::<Vec<u8>>(&database, sql);
            rows.into_iter()
                .map(|(stored, data)| joined(&[&[letter, &stored].concat(), &data]))
                .collect::<Vec<_>>()
        };
        all.extend(of(
            b"e",
            "SELECT DISTINCT CAST(error AS BLOB), x'' FROM instance WHERE error IS NOT NULL",
        ));
        all.extend(of(b"h", "SELECT DISTINCT CAST(facts AS BLOB), x'' FROM history"));
        all.extend(of(
            b"i",
            "SELECT DISTINCT CAST(input AS BLOB), CAST(data AS BLOB) FROM instance WHERE input IS NOT NULL",
        ));
        all.extend(of(b"m", "SELECT payload, x'' FROM mailbox"));
    }
    all
}

/// Rows of two columns of a database that nobody writes.
pub(crate) fn rows<T: FromSql>(database: &Path, sql: &str) -> Vec<(T, Vec<u8>)> {
    let read = || {
        let address = format!("file:{}?immutable=1", database.display());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(address, flags)?;
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    read().unwrap_or_else(|error| panic!("{}: {error}", database.display()))
}
