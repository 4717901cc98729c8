//! Stored snapshots, of both formats, read with a program: what a damaged database may hold.
//!
//! An input is a byte that says which of the fixtures' workflows it is of, the head, the data as JSON, and the parts, key and content by
//! turns.

use std::{path::Path, sync::LazyLock};

use rondo_definition::{Compat, Options, parse_with};
use rondo_expression::Val;
use rondo_machine::{DecodeError, Input, Snapshot};
use rondo_program::{Failure, Program};

use crate::{
    SEPARATOR, Target,
    instances::{NOW, context, looked_at, read_again, settled, stored_and_read},
    joined, repository, rows, seeds,
};

/// Snapshots.
pub const TARGET: Target = Target { name: "snapshots", play, seeds: begin };

/// The programs of the fixtures' workflows, with their ids, sorted by these.
static PROGRAMS: LazyLock<Vec<Program>> = LazyLock::new(|| {
    let folder = repository().join("tests/fixtures/formats/2/workflows");
    let mut programs: Vec<Program> = seeds::files(&folder, &[".sw.yaml"])
        .iter()
        .filter_map(|text| {
            let options = Options { compat: Compat::SonataFlow, resources: None };
            let (document, _) = parse_with("a.sw.yaml", &String::from_utf8_lossy(text), options);
            Some(rondo_lowering::lower(&document?).0.program)
        })
        .collect();
    programs.sort_by(|one, other| one.id.cmp(&other.id));
    programs
});

fn play(input: &[u8]) {
    let mut pieces = input.split(|byte| *byte == SEPARATOR);
    let (Some(first), data) = (pieces.next(), pieces.next().unwrap_or_default()) else { return };
    let Some((number, head)) = first.split_first() else { return };
    let Some(program) = PROGRAMS.get(usize::from(*number) % PROGRAMS.len().max(1)) else { return };
    let mut parts = Vec::new();
    while let (Some(key), Some(content)) = (pieces.next(), pieces.next()) {
        parts.push((String::from_utf8_lossy(key).into_owned(), content.to_vec()));
    }
    let data = Val::from_json(data).unwrap_or_default();
    let Ok(snapshot) = Snapshot::decode(program, head, &parts, data.clone(), data) else { return };
    let context = context();
    looked_at(program, &snapshot, &context, NOW);
    let mut inputs = vec![
        Input::Tick,
        Input::Retrigger,
        Input::Skip,
        Input::Abort,
        Input::Halt(Failure::runtime("the position is lost")),
        Input::Patch(Val::object([("p", Val::Int(1))])),
        Input::Start { at: None },
    ];
    inputs.extend(snapshot.calls().take(2).map(|call| Input::Answered {
        call,
        result: Some(Val::Int(1)),
        response: None,
    }));
    inputs.extend(
        snapshot.calls().take(2).map(|call| Input::CallFailed { call, failure: Failure::runtime("no") }),
    );
    inputs.extend(snapshot.children().take(2).map(|call| Input::ChildEnded { call, outcome: Ok(Val::Null) }));
    if snapshot.lost_position().is_some() {
        // The engine halts such an instance before anything else happens to it.
        inputs.retain(|input| matches!(input, Input::Halt(_)));
    } else {
        stored_and_read(program, &snapshot);
    }
    for input in inputs {
        let Some((after, _)) = settled(program, snapshot.clone(), input, &context, NOW) else { continue };
        looked_at(program, &after, &context, NOW);
        let after = match read_again(program, &after) {
            Ok(after) => after,
            Err(DecodeError::Unsound(_)) => continue,
            Err(error) => panic!("what was written cannot be read: {error}"),
        };
        // Much later, everything that is due happens at once.
        let later = NOW + 365 * 24 * 60 * 60 * 1000;
        settled(program, after, Input::Tick, &context, later);
    }
}

fn begin(repository: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for format in ["1", "2"] {
        let database = repository.join("tests/fixtures/formats").join(format).join("rondo.db");
        let heads = rows::rows::<String>(
            &database,
            "SELECT DISTINCT r.workflow || ' ' || i.number || ' ' || i.data, i.frames FROM instance i JOIN revision r ON r.number = i.revision",
        );
        for (what, head) in heads {
            let mut words = what.splitn(3, ' ');
            let (Some(workflow), Some(instance), Some(data)) = (words.next(), words.next(), words.next())
            else {
                continue;
            };
            let Some(number) = PROGRAMS.iter().position(|program| *program.id == *workflow) else { continue };
            let Ok(number) = u8::try_from(number) else { continue };
            let first = [&[number], head.as_slice()].concat();
            let mut pieces: Vec<Vec<u8>> = vec![first, data.as_bytes().to_vec()];
            if format == "2" {
                let sql = format!("SELECT key, content FROM part WHERE instance = {instance}");
                for (key, content) in rows::rows::<String>(&database, &sql) {
                    pieces.push(key.into_bytes());
                    pieces.push(content);
                }
            }
            all.push(joined(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>()));
        }
    }
    all.sort();
    all.dedup();
    all
}
