//! Reads properties that are durations.

use super::{Fields, Reader};
use crate::{codes, duration, model::At};

impl Fields<'_> {
    /// A duration; an invalid one is an error.
    pub(crate) fn duration(&mut self, reader: &mut Reader, name: &'static str) -> Option<At<String>> {
        let text = self.text(reader, name)?;
        self.check_duration(reader, name, &text).then_some(text)
    }

    /// A duration that `SonataFlow` does not check: an invalid one is a deviation and counts as absent.
    pub(crate) fn lenient_duration(&mut self, reader: &mut Reader, name: &'static str) -> Option<At<String>> {
        let text = self.text(reader, name)?;
        match duration::parse_duration(&text.value) {
            Ok(_) => {
                self.lint_duration(reader, name, &text);
                Some(text)
            }
            Err(error) => {
                reader.deviation(
                    codes::IGNORED_DURATION,
                    &text.at,
                    format!("{}: `{name}`: {error}", self.place),
                );
                None
            }
        }
    }

    /// Whether a text is a duration; reports one that is not.
    pub(crate) fn check_duration(&self, reader: &mut Reader, name: &str, text: &At<String>) -> bool {
        match duration::parse_duration(&text.value) {
            Ok(_) => {
                self.lint_duration(reader, name, text);
                true
            }
            Err(error) => {
                reader.error(codes::INVALID_DURATION, &text.at, format!("{}: `{name}`: {error}", self.place));
                false
            }
        }
    }

    fn lint_duration(&self, reader: &mut Reader, name: &str, text: &At<String>) {
        if duration::has_misplaced_designator(&text.value) {
            let message =
                format!("{}: `{name}` is `{}`, with days or weeks behind the `T`", self.place, text.value);
            reader.warning(codes::TOLERATED_FORM, &text.at, message).help("write days as P30D, weeks as P2W");
        }
    }
}
