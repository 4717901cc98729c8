//! The functions that expressions can call: the interpreter's library, with this crate's in place of some.
//!
//! A compiled expression holds all functions that it was compiled with, and the whole library takes 170 KB and some milliseconds.
//! Most expressions call none of it. So an expression is compiled with the functions that it calls, and those that they call.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::LazyLock,
};

use jaq_core::{
    load::{self, parse::Def},
    native::Fun,
};

use super::Data;
use crate::builtins;

/// Definitions of the interpreter's library that this crate has as native functions or in `prelude.jq`. The library's `nan` and `infinite`
/// divide by zero, which is an error in jq; the others call [`EXCLUDED`] functions, or those that do.
const REPLACED: [&str; 19] = [
    "nan",
    "infinite",
    "isnan",
    "type",
    "join",
    "from_entries",
    "test",
    "scan_",
    "scan",
    "match",
    "capture_of_match",
    "capture",
    "splits",
    "sub",
    "gsub",
    "debug",
    "stderr",
    "halt",
    "halt_error",
];

/// Native functions of the interpreter's library that expressions cannot call: regular expressions without bounds, and what writes into a
/// log.
const EXCLUDED: [&str; 5] = ["matches", "split_matches", "split_", "debug_empty", "stderr_empty"];

/// Name and number of arguments.
type Signature = (&'static str, usize);

struct Library {
    definitions: Vec<Def<&'static str>>,
    /// All functions there are, by name and number of arguments, with the places of their definitions; those without any are native.
    known: HashMap<&'static str, BTreeMap<usize, Vec<usize>>>,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let own = load::parse(include_str!("../prelude.jq"), |parser| parser.defs()).unwrap_or_default();
    let library = jaq_core::defs().chain(jaq_std::defs());
    let definitions: Vec<_> = library.filter(|definition| !is_replaced(definition)).chain(own).collect();
    let mut known: HashMap<_, BTreeMap<_, Vec<_>>> = HashMap::new();
    for (name, arguments, _) in native_functions() {
        known.entry(name).or_default().entry(arguments.len()).or_default();
    }
    for (place, definition) in definitions.iter().enumerate() {
        let places = known.entry(definition.name).or_default().entry(definition.args.len()).or_default();
        places.push(place);
    }
    Library { definitions, known }
});

fn is_replaced(definition: &Def<&'static str>) -> bool {
    REPLACED.contains(&definition.name) || definition.name == "split" && definition.args.len() == 2
}

fn native_functions() -> impl Iterator<Item = Fun<Data>> {
    // The first of two functions of one name is the one that is called.
    const OWN: [&str; 5] = ["now", "halt", "env", "range", "type"];
    let library = jaq_core::funs()
        .chain(jaq_std::funs())
        .filter(|(name, ..)| !OWN.contains(name) && !EXCLUDED.contains(name));
    // `prelude.jq` calls these for patterns with `%`, and this crate's for all others.
    let library = library.map(|(name, arguments, native)| match name {
        "strftime" => ("_strftime", arguments, native),
        "strptime" => ("_strptime", arguments, native),
        name => (name, arguments, native),
    });
    builtins::funs().chain(library)
}

/// All functions that expressions can call, as `name/1`, in order.
pub(crate) fn functions() -> impl Iterator<Item = String> {
    let known = LIBRARY.known.iter().filter(|(name, _)| !name.starts_with('_'));
    let names = known.flat_map(|(name, counts)| counts.keys().map(move |count| format!("{name}/{count}")));
    names.collect::<BTreeSet<_>>().into_iter()
}

/// The functions that an expression calls.
#[derive(Default)]
pub(super) struct Requested {
    signatures: BTreeSet<Signature>,
    /// In the library's order: a definition sees those before it.
    definitions: BTreeSet<usize>,
}

impl Requested {
    /// Adds a function; false if there is none of that name and number of arguments.
    pub(super) fn add(&mut self, name: &str, arguments: usize) -> bool {
        let Some((name, known)) = LIBRARY.known.get_key_value(name) else { return false };
        let Some(places) = known.get(&arguments) else { return false };
        self.definitions.extend(places);
        self.signatures.insert((name, arguments));
        true
    }

    /// How many functions there are.
    pub(super) fn len(&self) -> usize {
        self.signatures.len()
    }

    pub(super) fn definitions(&self) -> impl Iterator<Item = Def<&'static str>> {
        self.definitions.iter().filter_map(|place| LIBRARY.definitions.get(*place)).cloned()
    }

    pub(super) fn native_functions(&self) -> Vec<Fun<Data>> {
        if self.signatures.is_empty() {
            return Vec::new();
        }
        native_functions()
            .filter(|(name, arguments, _)| self.signatures.contains(&(*name, arguments.len())))
            .collect()
    }
}
