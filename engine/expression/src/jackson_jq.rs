//! Adapts the text of an expression from the syntax of jackson-jq, which SonataFlow uses, to that of the interpreter.
//!
//! `and` and `or` have one precedence in jackson-jq, from left to right: `.a or .b and .c` is `(.a or .b) and .c`. A whole number has no zero in
//! front and fits 64 bits, so that `007` and long account numbers are texts, not numbers. `.5` is a number. `try` reaches to its
//! `catch`, or as far as the brackets do: `try .a.b != null and .c` tries all of it.
//!
//! It also bounds the number of tokens and the length of written paths, because the interpreter recurses along chains of operators and
//! paths; `loops.rs` does so for those that grow while the expression runs.

mod loops;

use std::{borrow::Cow, ops::Range};

use jaq_core::load::{
    Lexer,
    lex::{StrPart, Tok, Token},
    span,
};

use crate::CompileError;
pub(crate) use loops::{CALLED, FURTHER};

/// Tokens behind which a new chain of operands begins.
const LOOSER: [&str; 17] =
    ["|", ",", ";", ":", "//", "?//", "=", "|=", "+=", "-=", "*=", "/=", "%=", "//=", "then", "elif", "else"];

/// Most tokens of an expression.
pub(crate) const TOKENS: usize = 10_000;

/// Longest path, in names and indices that follow each other.
const PATH: usize = 256;

/// A text in the syntax of the interpreter.
#[derive(Debug)]
pub(crate) struct Adapted<'t> {
    pub(crate) text: Cow<'t, str>,
    /// How many tokens it has; 0 if it cannot be read, which the interpreter reports.
    pub(crate) tokens: usize,
    /// What was inserted, and where in the author's text, in order.
    inserts: Vec<(usize, &'static str)>,
}

impl Adapted<'_> {
    /// The range of the author's text that a range of this text stands for.
    pub(crate) fn to_source(&self, range: Range<usize>) -> Range<usize> {
        let place = |place: usize| {
            let mut inserted = 0;
            for (before, insert) in &self.inserts {
                if place < before + inserted + insert.len() {
                    return place.saturating_sub(inserted).min(*before);
                }
                inserted += insert.len();
            }
            place - inserted
        };
        place(range.start)..place(range.end)
    }
}

/// Adapts a text.
///
/// # Errors
/// Says what is wrong with the text, and where.
pub(crate) fn adapted(text: &str) -> Result<Adapted<'_>, CompileError> {
    let Ok(tokens) = Lexer::new(text).lex() else {
        return Ok(Adapted { text: text.into(), tokens: 0, inserts: Vec::new() });
    };
    let mut reader = Reader { text, inserts: Vec::new(), tokens: 0, wrong: None };
    reader.read(&tokens, false);
    if reader.tokens > TOKENS {
        return Err(CompileError::new(format!(
            "an expression may have {TOKENS} words and signs, this has {}",
            reader.tokens
        )));
    }
    if let Some((message, place)) = reader.wrong {
        return Err(CompileError { message, range: Some(place) });
    }
    let tokens = reader.tokens;
    if reader.inserts.is_empty() {
        return Ok(Adapted { text: text.into(), tokens, inserts: Vec::new() });
    }
    // The sort is stable: insertions at one place keep their order.
    reader.inserts.sort_by_key(|(place, _)| *place);
    let (mut adapted, mut copied) = (String::new(), 0);
    for (place, insert) in &reader.inserts {
        adapted.push_str(text.get(copied..*place).unwrap_or_default());
        adapted.push_str(insert);
        copied = *place;
    }
    adapted.push_str(text.get(copied..).unwrap_or_default());
    Ok(Adapted { text: adapted.into(), tokens, inserts: reader.inserts })
}

struct Reader<'a> {
    text: &'a str,
    inserts: Vec<(usize, &'static str)>,
    tokens: usize,
    wrong: Option<(String, Range<usize>)>,
}

/// A chain of operands that `and` and `or` join: where it begins, and whether an `or` stands in it.
#[derive(Clone, Copy, Default)]
struct Chain {
    start: Option<usize>,
    has_or: bool,
}

impl Reader<'_> {
    fn read(&mut self, tokens: &[Token<&str>], is_object: bool) {
        let mut is_caught = false;
        let mut chain = Chain::default();
        let mut around = Vec::new();
        let mut before: Option<&Token<&str>> = None;
        let mut path = 0;
        self.tokens += tokens.len();
        for (index, token) in tokens.iter().enumerate() {
            let here = span(self.text, token.0);
            let is_name = before.is_some_and(|before| before.0.ends_with('.'));
            path = match (&token.1, token.0) {
                (_, name) if name.starts_with(['.', '[']) => path + 1,
                (Tok::Sym, "?") => path,
                (Tok::Word | Tok::Str(_), _) if is_name => path,
                _ => 0,
            };
            if path > PATH {
                self.complain(format!("a path may have {PATH} names, this has more"), here.clone());
            }
            match (&token.1, token.0) {
                (Tok::Block(inner), block) => self.read(inner, block.starts_with('{')),
                (Tok::Str(parts), _) => self.read_text(parts),
                (Tok::Num, number) => self.check(number, &here),
                (Tok::Sym, ".") if is_fraction(self.text, before, &here, tokens.get(index + 1)) => {
                    self.inserts.push((here.start, "0"));
                }
                _ => {}
            }
            match token.0 {
                _ if is_name => {}
                "def" => self.count_calls(tokens.get(index + 1..).unwrap_or_default()),
                name @ (CALLED | FURTHER) => {
                    self.complain(format!("no function is called `{name}`"), here.clone());
                }
                "as" => self.bound_path(tokens.get(index + 1..).unwrap_or_default()),
                "if" => {
                    chain.start.get_or_insert(here.start);
                    around.push(std::mem::take(&mut chain));
                }
                "end" => chain = around.pop().unwrap_or_default(),
                sign if LOOSER.contains(&sign) => chain = Chain::default(),
                // In an object `try` ends at the next member, as in the interpreter.
                "try" if !is_object => {
                    self.bracket(try_body(tokens.get(index + 1..).unwrap_or_default()));
                    chain = Chain::default();
                }
                "catch" => is_caught = true,
                "or" => chain.has_or = true,
                "and" if chain.has_or && !is_caught => {
                    if let (Some(start), Some(before)) = (chain.start, before) {
                        self.inserts.push((start, "("));
                        self.inserts.push((span(self.text, before.0).end, ")"));
                    }
                    chain.has_or = false;
                }
                _ => {
                    chain.start.get_or_insert(here.start);
                }
            }
            before = Some(token);
        }
    }

    fn read_text(&mut self, parts: &[StrPart<&str, Token<&str>>]) {
        for part in parts {
            if let StrPart::Term(token) = part {
                self.read(std::slice::from_ref(token), false);
            }
        }
    }

    /// Puts tokens into brackets, unless they are a single operand.
    fn bracket(&mut self, tokens: &[Token<&str>]) {
        let joins = |token: &Token<&str>| match token.1 {
            Tok::Sym => token.0 != "?" && !token.0.starts_with('.'),
            _ => ["and", "or", "as"].contains(&token.0),
        };
        if let (Some(first), Some(last), true) = (tokens.first(), tokens.last(), tokens.iter().any(joins)) {
            self.inserts.push((span(self.text, first.0).start, "("));
            self.inserts.push((span(self.text, last.0).end, ")"));
        }
    }

    fn check(&mut self, number: &str, here: &Range<usize>) {
        let zero_in_front =
            number.starts_with('0') && number.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        let is_whole = number.bytes().all(|byte| byte.is_ascii_digit());
        if zero_in_front || is_whole && number.parse::<i64>().is_err() {
            self.complain(format!("`{number}` is no number"), here.clone());
        }
    }

    fn complain(&mut self, message: String, place: Range<usize>) {
        self.wrong.get_or_insert((message, place));
    }
}

/// The tokens that a `try` before them applies to.
fn try_body<'a, 'b>(tokens: &'a [Token<&'b str>]) -> &'a [Token<&'b str>] {
    let (mut conditions, mut tries) = (0_usize, 0_usize);
    let end = tokens.iter().position(|token| match token.0 {
        "if" => {
            conditions += 1;
            false
        }
        "end" if conditions > 0 => {
            conditions -= 1;
            false
        }
        "then" | "elif" | "else" | "end" | ";" => conditions == 0,
        "try" => {
            tries += 1;
            false
        }
        "catch" if tries > 0 => {
            tries -= 1;
            false
        }
        // The last token of a block is its closing bracket.
        "catch" | ")" | "]" | "}" => true,
        _ => false,
    });
    tokens.get(..end.unwrap_or(tokens.len())).unwrap_or_default()
}

/// Whether a `.` is the point of a number such as `.5`.
fn is_fraction(
    text: &str,
    before: Option<&Token<&str>>,
    here: &Range<usize>,
    next: Option<&Token<&str>>,
) -> bool {
    let Some(Token(number, Tok::Num)) = next else { return false };
    let follows_operand =
        before.is_some_and(|Token(sign, kind)| !matches!(kind, Tok::Sym) || *sign == "?" || *sign == ".");
    span(text, number).start == here.end && !follows_operand
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_and_or_are_read_from_left_to_right() {
        for (text, read) in [
            (".a and .b or .c", ".a and .b or .c"),
            (".a or .b and .c", "(.a or .b) and .c"),
            (".a or .b and .c or .d and .e", "((.a or .b) and .c or .d) and .e"),
            (".x // .a or .b and .c", ".x // (.a or .b) and .c"),
            ("{a: .a or .b and .c, or: .and}", "{a: (.a or .b) and .c, or: .and}"),
            ("if .a or .b and .c then 1 else 2 end", "if (.a or .b) and .c then 1 else 2 end"),
            ("if .a then 1 else 2 end or .b and .c", "(if .a then 1 else 2 end or .b) and .c"),
            (".l | any(.a or .b == 1 and .c)", ".l | any((.a or .b == 1) and .c)"),
            (r#""\(.a or .b and .c)""#, r#""\((.a or .b) and .c)""#),
            (".or.and and .or", ".or.and and .or"),
            (".a as $x | $x or .b and .c", ".a as $x | ($x or .b) and .c"),
            ("reduce .l[] as $x (1; 2 + 3) or .b and .c", "(reduce .l[] as $x (1; 2 + 3) or .b) and .c"),
            ("try .a or .b and .c", "try ((.a or .b) and .c)"),
            ("try .a catch .b", "try .a catch .b"),
            ("[try .a + 1 catch .b, .c]", "[try (.a + 1) catch .b, .c]"),
            ("[try .a, 2]", "[try (.a, 2)]"),
            ("if try .a.b == 1 then .x else .y end", "if try (.a.b == 1) then .x else .y end"),
            (".5 + .a", "0.5 + .a"),
            (".a[.5]", ".a[0.5]"),
        ] {
            assert_eq!(adapted(text).unwrap().text, read);
        }
    }

    #[test]
    fn a_place_is_one_of_the_authors_text() {
        let text = ".a or .b and .c | reduce .l[] as $x (.; .d)";
        let adapted = adapted(text).unwrap();
        for word in [".a", ".b", ".c", "reduce", ".d"] {
            let start = adapted.text.find(word).unwrap();
            assert_eq!(&text[adapted.to_source(start..start + word.len())], word);
        }
        let end = adapted.text.len();
        assert_eq!(adapted.to_source(end..end), text.len()..text.len());
    }

    #[test]
    fn not_all_digits_are_a_number() {
        for text in ["007", "1 + 01", "9223372036854775808", "[10000000000000000000000]"] {
            assert!(adapted(text).is_err(), "{text}");
        }
        for text in ["0", "0.07", "9223372036854775807", "1e3", "\"007\"", ".a1 == 10"] {
            assert!(adapted(text).is_ok(), "{text}");
        }
    }
}
