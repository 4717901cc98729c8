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
const REPLACED: [&str; 20] = [
    "todate",
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

/// Native functions of the interpreter's library that expressions cannot call: regular expressions without bounds, what writes into a
/// log, and what reads the environment of the engine, which SonataFlow's jq does not have either.
const EXCLUDED: [&str; 6] = ["matches", "split_matches", "split_", "debug_empty", "stderr_empty", "env"];

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
    const OWN: [&str; 4] = ["now", "halt", "range", "type"];
    let library = jaq_core::funs()
        .chain(jaq_std::funs())
        .filter(|(name, ..)| !OWN.contains(name) && !EXCLUDED.contains(name));
    // `prelude.jq` looks at the arguments of these first: they multiply a moment, add to a month, or take as many rounds as an order. For
    // patterns without `%` it calls this crate's functions.
    let library = library.map(|(name, arguments, native)| match name {
        "gmtime" => ("_gmtime", arguments, native),
        "localtime" => ("_localtime", arguments, native),
        "mktime" => ("_mktime", arguments, native),
        "strftime" => ("_strftime", arguments, native),
        "strptime" => ("_strptime", arguments, native),
        "strflocaltime" => ("_strflocaltime", arguments, native),
        "todateiso8601" => ("_todateiso8601", arguments, native),
        "jn" => ("_jn", arguments, native),
        "yn" => ("_yn", arguments, native),
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

/// Whether there is a function of that name, with any number of arguments.
pub(super) fn is_function(name: &str) -> bool {
    LIBRARY.known.contains_key(name)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// All native functions, by what bounds what one call of them makes and how long it takes. A function that is not here has to be thought
    /// about before it comes here.
    const BOUNDED_BY: [(&str, &str); 8] = [
        (
            "its arguments: a number, a name, some members",
            "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp10 exp2 expm1 fabs fdim floor fma fmax fmin \
             fmod frexp _gmtime hostname hypot ilogb infinite isnan j0 j1 ldexp lgamma _localtime log log10 log1p log2 _mktime modf nan nearbyint \
             nextafter now pow random remainder rint round scalbln sin sinh sqrt tan tanh tgamma _todateiso8601 trunc type utf8bytelength uuid4 \
             y0 y1 halt builtins error_empty has isnan uriparse fromdateiso8601",
        ),
        ("the order of a Bessel function, in prelude.jq", "_jn _yn"),
        (
            "the length of the pattern, there or in dates.rs",
            "_strftime _strptime _strflocaltime strftime strptime",
        ),
        (
            "the text that it gets, of which it makes one that is as long: Val::text spends steps and takes memory",
            "ascii_downcase ascii_upcase decode_uri ltrim ltrimstr rtrim rtrimstr trim endswith startswith length tonumber",
        ),
        (
            "a TextBuilder, which looks at length, memory and steps before each piece",
            "@csv @tsv _tostring encode_base64 encode_uri escape_html escape_sh join tojson unescape_html",
        ),
        (
            "Items and MemberMap, which take their memory before they grow, and steps for each element",
            "_delpaths _matches _parts decode_base64 explode from_entries fromjson group_by implode indices key_values keys_unsorted \
             max_by_or_empty min_by_or_empty reverse sort sort_by",
        ),
        ("text times pattern, before the search; then steps for what it looked through", "_test contains"),
        (
            "the steps of the filter that it runs",
            "first last limit path path_value range skip _called_again _further",
        ),
    ];

    #[test]
    fn every_native_function_is_bounded_by_something() {
        let known: BTreeSet<_> = BOUNDED_BY.iter().flat_map(|(_, names)| names.split_whitespace()).collect();
        let native: BTreeSet<_> = native_functions().map(|(name, ..)| name).collect();
        assert_eq!(native, known);
    }
}
