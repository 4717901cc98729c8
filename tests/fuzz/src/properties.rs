//! `application.properties` and environment variables: reading, expanding, checking, and what is shown of them.
//!
//! An input is the text of the file, then one variable a line as `NAME=value`.

use std::path::Path;

use rondo_definition::{Environment, Properties, settings};

use crate::{Target, joined, parts, seeds};

/// Properties.
pub const TARGET: Target = Target { name: "properties", play, seeds: begin };

/// Longest value that an input of some kilobytes may expand to.
const LONGEST: usize = 4 * 1024 * 1024;

fn play(input: &[u8]) {
    let [text, variables] = parts(input);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let variables = String::from_utf8_lossy(variables);
    let env: Environment = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let (properties, diagnostics) = Properties::parse("application.properties", text, env);
    let _ = (format!("{properties:?}"), diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>());
    for key in properties.keys_with_prefix("") {
        if let Ok(Some(value)) = properties.resolve(key) {
            assert!(value.len() <= LONGEST, "the value of `{key}` has {} bytes", value.len());
        }
        let _ = properties.position(key);
        if let Some(setting) = settings::find_setting(key) {
            let _ = properties.diagnostic_at(
                rondo_definition::Severity::Error,
                rondo_definition::codes::SETTING,
                key,
                setting.name,
            );
        }
    }
    for setting in settings::ALL {
        // The defaults are the same each time.
        let Ok(Some(text)) = setting.text(&properties) else { continue };
        assert!(!text.is_empty(), "`{}` is there and empty", setting.name);
        let _ = (setting.count::<u64>(&properties), setting.count::<u16>(&properties));
        let _ = (setting.duration(&properties), setting.flag(&properties));
        let _ = (setting.list(&properties), setting.tokens(&properties));
    }
    let problems = settings::check(&properties, Path::new("/nowhere"));
    let _ = problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    let shown = settings::without_secrets(text);
    assert_eq!(settings::without_secrets(&shown), shown, "masking twice is not masking once");
    assert_eq!(shown.matches('\n').count(), text.matches('\n').count(), "lines move");
    for secret in ["rondo.auth.token", "kogito.sw.functions.name.password"] {
        let Ok(Some(value)) = properties.resolve(secret) else { continue };
        let is_of_the_file = text.matches(&value).count() == 1 && value.len() >= 8 && variables.is_empty();
        assert!(!is_of_the_file || !shown.contains(&value), "`{secret}` is shown:\n{shown}");
    }
}

fn begin(repository: &Path) -> Vec<Vec<u8>> {
    let mut all = seeds::files(repository, &["application.properties"]);
    let table: Vec<String> = settings::ALL
        .iter()
        .map(|setting| {
            let default = if setting.default.is_empty() { "${A:x}" } else { setting.default };
            format!("{} = {default}\n", setting.name.replace(['<', '>'], ""))
        })
        .collect();
    let variables: Vec<String> = settings::ALL
        .iter()
        .map(|setting| {
            let name = setting.name.to_ascii_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            format!("{name}=1\n")
        })
        .collect();
    for (lines, variables) in table.chunks(8).zip(variables.chunks(8)) {
        all.push(joined(&[lines.concat().as_bytes(), variables.concat().as_bytes()]));
    }
    let texts = seeds::literals(&repository.join("engine/definition/src"));
    all.extend(texts.into_iter().filter(|text| text.contains('=')).map(String::into_bytes));
    all
}
