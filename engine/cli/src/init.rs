//! `rondo init`: writes a flow into a new folder.

use std::{collections::BTreeSet, fs, io, path::PathBuf, process::ExitCode};

use clap::builder::PossibleValuesParser;

use crate::{
    flows::{self, File},
    output,
};

/// Write a flow into a new folder.
#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// The folder: one that does not exist, or is empty.
    folder: PathBuf,
    /// The flow.
    #[arg(long, default_value = flows::DEFAULT, value_parser = PossibleValuesParser::new(flows::names()))]
    flow: String,
}

impl Init {
    pub(crate) fn run(self) -> Result<ExitCode, String> {
        let shown = self.folder.display();
        match fs::read_dir(&self.folder).map(|mut entries| entries.next().is_none()) {
            Ok(true) => {}
            Ok(false) => {
                return Err(format!(
                    "the folder {shown} is not empty\nname one that is, or that does not exist yet"
                ));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.folder)
                    .map_err(|error| format!("the folder {shown} cannot be made: {error}"))?;
            }
            Err(error) => return Err(format!("the folder {shown} cannot be used: {error}")),
        }
        let files = flows::of(&self.flow);
        flows::write(&files, &self.folder)?;
        for (path, _) in &files {
            output::line(&format!("wrote {}", self.folder.join(path).display()));
        }
        output::line("");
        let variables = variables_without_default(&files);
        if variables.is_empty() {
            output::line("Next:");
        } else {
            let names: Vec<_> = variables.into_iter().collect();
            output::line(&format!("It needs the environment variables {}. Then:", names.join(", ")));
        }
        let folder = quoted(&shown.to_string());
        output::line(&format!("  rondo check {folder}"));
        output::line(&format!("  rondo serve --workflows {folder}"));
        output::line(&format!("  rondo start {} --data '{{…}}'", self.flow));
        Ok(ExitCode::SUCCESS)
    }
}

/// Environment variables that the properties refer to without a default, as `${NAME}`. Of `${NAME:${OTHER}}` it is the first one, which is
/// the one to set; the other would do too.
fn variables_without_default(files: &[File]) -> BTreeSet<&'static str> {
    let texts = files.iter().filter(|(path, _)| *path == "application.properties").map(|(_, text)| *text);
    let is_variable =
        |name: &&str| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let mut variables = BTreeSet::new();
    for text in texts {
        let mut outer = None;
        for rest in text.split("${").skip(1) {
            let Some((name, _)) = rest.split_once('}') else {
                outer = outer.or(rest.strip_suffix(':'));
                continue;
            };
            let outer = outer.take();
            if is_variable(&name) {
                variables.insert(outer.filter(is_variable).unwrap_or(name));
            }
        }
    }
    variables
}

/// Quotes a text as one word of a shell command.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_word_for_a_shell() {
        for (text, expected) in
            [("flows/a-b_1", "flows/a-b_1"), ("my flows", "'my flows'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn variables_that_have_a_default_need_no_value() {
        let text = "a=${TOKEN}\nb=${URL:http://x}\nc=${own_property}\nd=${TOKEN}${KEY_2}\ne=${NEW:${OLD}}\nf=${A:${B:c}}\n";
        let files = [("application.properties", text), ("README.md", "${OTHER}")];
        assert_eq!(variables_without_default(&files), BTreeSet::from(["KEY_2", "NEW", "TOKEN"]));
    }
}
