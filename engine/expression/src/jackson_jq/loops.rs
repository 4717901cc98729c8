//! What is inserted into loops and recursions: the counting of calls, and the bound of paths.
//!
//! A function that takes filters and calls itself builds a chain of filters, and a path that goes further in a loop or a recursion is a
//! chain of steps. The interpreter frees both recursively, so long ones would exhaust the stack.

use jaq_core::load::{
    lex::{StrPart, Tok, Token},
    span,
};

use super::Reader;

/// The function that counts how often functions with filters as arguments call themselves. Authors cannot call it.
pub(crate) const CALLED: &str = "_called_again";

/// The function that bounds how long a path gets. Authors cannot call it.
pub(crate) const FURTHER: &str = "_further";

/// What is inserted before the body of a function whose calls are counted.
const COUNTED: &str = "_called_again|";

/// What is inserted where a path may go further again and again.
const BOUNDED: &str = "_further|";

impl Reader<'_> {
    /// Inserts into a function that calls itself the counting of calls, if it takes filters, else the bound of paths. `tokens` are those
    /// behind its `def`.
    pub(super) fn count_calls(&mut self, tokens: &[Token<&str>]) {
        let (name, arguments, body) = match tokens {
            [Token(name, _), Token(_, Tok::Block(arguments)), Token(":", _), body @ ..] => {
                (name, arguments.as_slice(), body)
            }
            [Token(name, _), Token(":", _), body @ ..] => (name, &[][..], body),
            _ => return,
        };
        let takes_filters = arguments.iter().any(|argument| matches!(argument.1, Tok::Word));
        let body = body.get(..body_end(body)).unwrap_or_default();
        if let (Some(first), true) = (body.first(), mentions(body, name)) {
            let counted = if takes_filters { COUNTED } else { BOUNDED };
            self.inserts.push((span(self.text, first.0).start, counted));
        }
    }

    /// Inserts the bound of paths into a `reduce` or `foreach`, where one begins with the variable behind an `as`. `tokens` are those
    /// behind the `as`.
    pub(super) fn bound_path(&mut self, tokens: &[Token<&str>]) {
        let is_pattern = |token: &&Token<&str>| token.0.starts_with(['$', '[', '{']) || token.0 == "?//";
        let pattern = tokens.iter().take_while(is_pattern).count();
        let Some(Token(block, Tok::Block(inner))) = tokens.get(pattern) else { return };
        if !block.starts_with('(') {
            return;
        }
        let update = inner.get(body_end(inner) + 1..).unwrap_or_default();
        let body = update.get(..body_end(update)).unwrap_or_default();
        if let (Some(first), true) = (body.first(), may_be_path(body)) {
            self.inserts.push((span(self.text, first.0).start, BOUNDED));
        }
    }
}

/// Where a body ends: at its `;`, but not at that of an inner definition, or at the end of the tokens.
fn body_end(tokens: &[Token<&str>]) -> usize {
    let mut open = 0_usize;
    let end = tokens.iter().position(|token| match token.0 {
        "def" => {
            open += 1;
            false
        }
        ";" if open > 0 => {
            open -= 1;
            false
        }
        ";" => true,
        _ => false,
    });
    end.unwrap_or(tokens.len())
}

/// Whether these tokens can be a path: a computation at their top is none, unless something else stands before it.
fn may_be_path(tokens: &[Token<&str>]) -> bool {
    let computes = |sign: &str| {
        matches!(sign, "+" | "-" | "*" | "/" | "%" | "==" | "!=" | "<" | ">" | "<=" | ">=" | "and" | "or")
            || sign.ends_with('=') && sign.len() > 1
    };
    let chooses = |sign: &str| {
        matches!(sign, "," | "//" | "?//" | "?" | "if" | "try" | "label" | "reduce" | "foreach" | "def")
    };
    let is_sign = |token: &Token<&str>| matches!(token.1, Tok::Sym | Tok::Word);
    !tokens.iter().any(|token| is_sign(token) && computes(token.0))
        || tokens.iter().any(|token| is_sign(token) && chooses(token.0))
}

/// Whether a word stands among tokens, at whatever depth.
fn mentions(tokens: &[Token<&str>], word: &str) -> bool {
    tokens.iter().any(|token| match &token.1 {
        Tok::Block(inner) => mentions(inner, word),
        Tok::Str(parts) => parts.iter().any(|part| match part {
            StrPart::Term(term) => mentions(std::slice::from_ref(term), word),
            _ => false,
        }),
        _ => token.0 == word,
    })
}

#[cfg(test)]
mod tests {
    use super::super::adapted;

    #[test]
    fn calls_are_counted_of_functions_that_pass_filters_to_themselves() {
        for (text, read) in [
            ("def f(x): f(x+1); f(0)", "def f(x): _called_again|f(x+1); f(0)"),
            ("[def f(g): def h: [f(g)]; h; f(.)]", "[def f(g): _called_again|def h: [f(g)]; h; f(.)]"),
            ("def f(x): \"\\(f(x))\"; f(0)", "def f(x): _called_again|\"\\(f(x))\"; f(0)"),
            ("def f(x; $y): x + $y; f(.; 1) | f(.; 2)", "def f(x; $y): x + $y; f(.; 1) | f(.; 2)"),
        ] {
            assert_eq!(adapted(text).unwrap().text, read);
        }
        assert!(adapted("_called_again").is_err());
    }

    #[test]
    fn paths_are_bounded_where_they_may_go_further_again_and_again() {
        for (text, read) in [
            ("def f($x): f($x); f(0)", "def f($x): _further|f($x); f(0)"),
            ("def f: f; {def: 1, f: 2}", "def f: _further|f; {def: 1, f: 2}"),
            ("def f: .a | def g: f; g; f", "def f: _further|.a | def g: f; g; f"),
            ("def f: .a; f", "def f: .a; f"),
            ("reduce .l[] as $x (.; .[$x])", "reduce .l[] as $x (.; _further|.[$x])"),
            ("foreach .l[] as [$x, {a: $y}] (.; .a; 1)", "foreach .l[] as [$x, {a: $y}] (.; _further|.a; 1)"),
            ("reduce .l[] as $x (def f: 1; f; .a)", "reduce .l[] as $x (def f: 1; f; _further|.a)"),
            ("reduce .l[] as $x (0; . + $x)", "reduce .l[] as $x (0; . + $x)"),
            ("reduce .l[] as $x ({}; .[$x] += 1)", "reduce .l[] as $x ({}; .[$x] += 1)"),
            ("reduce .l[] as $x (0; .a, . + 1)", "reduce .l[] as $x (0; _further|.a, . + 1)"),
            (".a as $x | (1; 2)", ".a as $x | (1; 2)"),
        ] {
            assert_eq!(adapted(text).unwrap().text, read);
        }
        assert!(adapted("_further").is_err());
    }
}
