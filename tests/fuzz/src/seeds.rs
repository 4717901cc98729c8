//! Files of the repository, and texts within them, to begin with.

use std::{fs, path::Path};

/// Largest file that is a seed: what is larger makes each try slow.
const LARGEST: u64 = 64 * 1024;

/// The contents of the files below a folder whose names have one of the endings, sorted by path.
pub(crate) fn files(folder: &Path, endings: &[&str]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut paths: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            found.extend(files(&path, endings));
            continue;
        }
        let name = path.to_string_lossy();
        let is_small = path.metadata().is_ok_and(|data| data.len() <= LARGEST);
        if is_small && endings.iter().any(|ending| name.ends_with(ending)) {
            found.extend(fs::read(&path).ok());
        }
    }
    found
}

/// The texts that stand as literals in the Rust files below a folder.
pub(crate) fn literals(folder: &Path) -> Vec<String> {
    let sources = files(folder, &[".rs"]);
    let mut found: Vec<String> =
        sources.iter().flat_map(|source| literals_of(&String::from_utf8_lossy(source))).collect();
    found.sort();
    found.dedup();
    found
}

/// The literals of one source; comments and characters that hold a quotation mark may give a wrong one, which is no harm.
fn literals_of(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/']) {
        let (before, from) = rest.split_at(at);
        if let Some(comment) = from.strip_prefix("//") {
            rest = comment.split_once('\n').map_or("", |(_, next)| next);
        } else if let Some(text) = from.strip_prefix('"') {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let is_raw = before.trim_end_matches('#').ends_with('r');
            let end = format!("\"{}", "#".repeat(hashes));
            let (literal, next) = if is_raw {
                text.split_once(&end).map_or((None, ""), |(text, next)| (Some(text.to_owned()), next))
            } else {
                escaped(text)
            };
            found.extend(literal);
            rest = next;
        } else {
            rest = from.get(1..).unwrap_or_default();
        }
    }
    found
}

/// An ordinary literal from behind its opening quotation mark, and what follows it.
fn escaped(text: &str) -> (Option<String>, &str) {
    let mut literal = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (Some(literal), text.get(at + 1..).unwrap_or_default()),
            '\\' => match characters.next() {
                Some((_, 'n')) => literal.push('\n'),
                Some((_, 't')) => literal.push('\t'),
                // The line goes on behind the blanks of the next one.
                Some((_, '\n')) => {
                    let rest = characters.as_str();
                    let blanks = rest.len() - rest.trim_start().len();
                    characters = text.char_indices();
                    let skipped = text.len() - rest.len() + blanks;
                    while characters.clone().next().is_some_and(|(at, _)| at < skipped) {
                        characters.next();
                    }
                }
                Some((_, other)) => literal.push(other),
                None => break,
            },
            other => literal.push(other),
        }
    }
    (None, "")
}

#[cfg(test)]
mod tests {
    use super::literals_of;

    #[test]
    fn the_literals_of_a_source_are_found() {
        let source =
            "// \"no\"\nlet a = \"one \\\" \\n\"; f(r#\"two \" \"#, r\"three\\\", \"fo\\\n    ur\");";
        assert_eq!(literals_of(source), ["one \" \n", "two \" ", "three\\", "four"]);
    }
}
