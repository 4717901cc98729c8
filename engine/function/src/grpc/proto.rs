//! Reads `.proto` files when a definition is loaded.
//!
//! Owns: finding a method in a file and its imports. Promises: every problem of a file is a message for people; no file outside of the folder of
//! workflows is read. Never: needs the compiler of Protocol Buffers.

use prost_reflect::{MethodDescriptor, ServiceDescriptor};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use rondo_definition::did_you_mean;

use crate::bind::first_ids;

/// Why a method cannot be called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ProtoProblem {
    /// The file or one of its imports cannot be used.
    Document(String),
    /// The file has no such service or method: the problem, and the names that exist.
    Unknown(String, String),
}

/// Deepest nesting of brackets in a file. Generated files have about five levels; the parser recurses at each.
const DEEPEST: usize = 64;

/// Most files that one file imports, directly or not. A file of Google's largest interface has a few hundred.
const MOST_FILES: usize = 1000;

/// Reads a file by its name: the main file, or one that is imported.
pub(crate) type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// The method of a service in a file.
pub(crate) fn find_method(
    document: &str,
    service: &str,
    method: &str,
    read: ReadFile<'_>,
) -> Result<MethodDescriptor, ProtoProblem> {
    let pool = {
        // The resolver must own its data while the compiler lives, so all files are read before.
        let files = Files::read(document, read).map_err(ProtoProblem::Document)?;
        let mut resolvers = ChainFileResolver::new();
        resolvers.add(files);
        resolvers.add(GoogleFileResolver::new());
        let mut compiler = protox::Compiler::with_file_resolver(resolvers);
        compiler.include_imports(true);
        compiler.open_file(document).map_err(|error| ProtoProblem::Document(describe(&error)))?;
        compiler.descriptor_pool()
    };
    let services: Vec<ServiceDescriptor> = pool.services().collect();
    let is_meant = |known: &&ServiceDescriptor| known.full_name() == service || known.name() == service;
    let Some(found) = services.iter().find(is_meant) else {
        let names = || services.iter().map(ServiceDescriptor::name);
        let problem = format!("calls the service `{service}`, but `{document}` has no such service");
        return Err(ProtoProblem::Unknown(problem, near(service, &names)));
    };
    let methods: Vec<MethodDescriptor> = found.methods().collect();
    let Some(known) = methods.iter().find(|known| known.name() == method) else {
        let names = || methods.iter().map(MethodDescriptor::name);
        let problem = format!("calls the method `{method}`, but the service `{service}` has no such method");
        return Err(ProtoProblem::Unknown(problem, near(method, &names)));
    };
    Ok(known.clone())
}

/// The most similar name, else a list of those that exist.
fn near<'a, I: Iterator<Item = &'a str>>(name: &str, names: &dyn Fn() -> I) -> String {
    match did_you_mean(name, names()) {
        Some(other) => format!("there is `{other}`"),
        None => first_ids(names()),
    }
}

/// The message of an error with those of its causes.
fn describe(error: &protox::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

/// A file and those that it imports, by name.
struct Files(Vec<(String, Result<String, String>)>);

impl Files {
    fn read(document: &str, read: ReadFile<'_>) -> Result<Self, String> {
        let mut files = vec![(document.to_owned(), Ok(read(document)?))];
        let mut next = 0;
        while next < files.len() && files.len() < MOST_FILES {
            let found = match files.get(next) {
                Some((_, Ok(text))) => imports(text),
                _ => Vec::new(),
            };
            for import in found {
                let is_known = files.iter().any(|(name, _)| *name == import);
                if !is_known && !import.starts_with("google/protobuf/") {
                    let text = read(&import);
                    files.push((import, text));
                }
            }
            next += 1;
        }
        Ok(Self(files))
    }
}

impl FileResolver for Files {
    fn resolve_path(&self, path: &std::path::Path) -> Option<String> {
        path.to_str().map(str::to_owned)
    }

    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.iter().find(|(known, _)| known == name) {
            None => Err(protox::Error::file_not_found(name)),
            Some((_, Err(problem))) => {
                Err(protox::Error::new(std::io::Error::other(format!("`{name}`: {problem}"))))
            }
            Some((_, Ok(text))) if depth(text) > DEEPEST => Err(protox::Error::new(std::io::Error::other(
                format!("`{name}` has brackets of more than {DEEPEST} levels"),
            ))),
            Some((_, Ok(text))) => File::from_source(name, text),
        }
    }
}

/// The files that a text imports.
fn imports(text: &str) -> Vec<String> {
    let text = without_comments(text);
    let statements =
        text.split([';', '{', '}']).filter_map(|statement| statement.trim().strip_prefix("import"));
    let quoted = statements.filter_map(|rest| {
        let rest = rest.trim();
        let rest = rest.strip_prefix("public").or_else(|| rest.strip_prefix("weak")).unwrap_or(rest).trim();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        rest.get(1..)?.split(quote).next().map(str::to_owned)
    });
    quoted.collect()
}

/// Replaces each comment by a blank.
fn without_comments(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut quote = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (quote, c, characters.peek()) {
            (None, '/', Some('/')) => {
                let _ = characters.by_ref().find(|c| *c == '\n');
                written.push('\n');
            }
            (None, '/', Some('*')) => {
                characters.next();
                let mut last = ' ';
                let _ = characters.by_ref().find(|c| std::mem::replace(&mut last, *c) == '*' && *c == '/');
                written.push(' ');
            }
            (Some(open), _, _) => {
                written.push(c);
                if c == '\\' {
                    written.extend(characters.next());
                } else if c == open {
                    quote = None;
                }
            }
            _ => {
                quote = matches!(c, '"' | '\'').then_some(c);
                written.push(c);
            }
        }
    }
    written
}

/// The deepest nesting of brackets, including those in texts and comments.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'(' | b'<' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' | b')' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn found(service: &str, method: &str, text: &str) -> Result<String, ProtoProblem> {
        let read = |name: &str| match name {
            "a.proto" => Ok(text.to_owned()),
            "sub/b.proto" => Ok("syntax = \"proto3\"; package b; message B { int64 n = 1; }".to_owned()),
            _ => Err("the file does not exist".to_owned()),
        };
        find_method("a.proto", service, method, &read)
            .map(|method| format!("{} {}", method.full_name(), method.input().full_name()))
    }

    const TEXT: &str = "syntax = \"proto3\";\npackage p.q;\nimport \"sub/b.proto\";\nimport \"google/protobuf/timestamp.proto\";\n\
        message M { b.B b = 1; google.protobuf.Timestamp at = 2; }\n\
        service Greeter { rpc Say(M) returns (stream M); rpc Hear(M) returns (M); }";

    #[test]
    fn a_method_is_found_in_its_file() {
        assert_eq!(found("Greeter", "Say", TEXT).unwrap(), "p.q.Greeter.Say p.q.M");
        assert_eq!(found("p.q.Greeter", "Hear", TEXT).unwrap(), "p.q.Greeter.Hear p.q.M");
    }

    const TOKENS: [&str; 40] = [
        "syntax",
        "=",
        "\"proto3\"",
        "'proto2'",
        "edition",
        "\"2023\"",
        ";",
        "message",
        "M",
        "{",
        "}",
        "service",
        "S",
        "rpc",
        "(",
        ")",
        "returns",
        "stream",
        "int32",
        "string",
        "a",
        "b",
        "1",
        "-1",
        "0x7fffffff",
        "18446744073709551616",
        "1e999",
        "import",
        "\"a.proto\"",
        "public",
        "option",
        "[",
        "]",
        "enum",
        "oneof",
        "map",
        "<",
        ">",
        "reserved 1 to max",
        "extensions",
    ];

    proptest::proptest! {
        #[test]
        fn any_file_is_read_or_refused(parts in proptest::collection::vec(proptest::sample::select(&TOKENS), 0..60)) {
            let _ = found("S", "M", &parts.join(" "));
        }
    }

    #[test]
    fn imports_are_found_however_they_are_written() {
        let text = "syntax='proto3';import 'a/b.proto'; // import \"x\";\n/* import \"y\"; **/import public\n\"c.proto\";\
            option o = \"// no comment\"; import weak 'd.proto'; message important { string import_me = 1; }";
        assert_eq!(imports(text), ["a/b.proto", "c.proto", "d.proto"]);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let unknown = |service, method| match found(service, method, TEXT).unwrap_err() {
            ProtoProblem::Unknown(problem, help) => format!("{problem} ({help})"),
            ProtoProblem::Document(problem) => problem,
        };
        insta::assert_snapshot!(unknown("Greter", "Say"), @"calls the service `Greter`, but `a.proto` has no such service (there is `Greeter`)");
        insta::assert_snapshot!(unknown("Greeter", "Zzz"), @"calls the method `Zzz`, but the service `Greeter` has no such method (it has `Hear`, `Say`)");
        for (text, expected) in [
            ("syntax = \"proto3\"; message {", "expected an identifier"),
            ("import \"away.proto\";", "`away.proto`: the file does not exist"),
            ("syntax = \"proto3\"; message M { Unknown u = 1; }", "Unknown"),
            ("import \"a.proto\";", "import cycle detected"),
            (&"message M {".repeat(100_000), "brackets of more than 64 levels"),
        ] {
            let ProtoProblem::Document(problem) = found("S", "M", text).unwrap_err() else {
                panic!("{text}")
            };
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
