//! The parser of paths.

mod condition;

use super::{Path, Step, functions::Function};

/// Where the next path begins: at `$` followed by `.`, `[`, a name, or nothing.
pub(super) fn path_start(text: &str) -> Option<usize> {
    text.char_indices().find_map(|(index, character)| {
        let next = text.get(index + 1..).and_then(|rest| rest.chars().next());
        let begins = next.is_none_or(|next| matches!(next, '.' | '[') || next.is_alphabetic() || next == '_');
        (character == '$' && begins).then_some(index)
    })
}

pub(super) struct Parser<'a> {
    text: &'a str,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// The text that is not parsed yet.
    pub(super) fn rest(&self) -> &'a str {
        self.text
    }

    pub(super) fn path(&mut self) -> Result<Path, String> {
        let mut root: String = self.take_char().into_iter().collect();
        root.push_str(self.name());
        let mut steps = Vec::new();
        loop {
            if self.eat("..") {
                steps.push(Step::Deep);
                if !self.text.starts_with('[') {
                    steps.push(self.member()?);
                }
            } else if self.text.starts_with(".[") {
                self.eat(".");
            } else if self.text.starts_with('[') {
                steps.push(self.bracket()?);
            } else if self.text.starts_with('.') && self.member_follows() {
                self.eat(".");
                steps.push(self.member()?);
            } else {
                return Ok(Path { root, steps });
            }
        }
    }

    /// Whether a dot is followed by a step of the path; the dot at the end of a sentence is not.
    fn member_follows(&self) -> bool {
        self.text.chars().nth(1).is_some_and(|next| next.is_alphanumeric() || matches!(next, '_' | '*' | '-'))
    }

    fn member(&mut self) -> Result<Step, String> {
        if self.eat("*") {
            return Ok(Step::All);
        }
        let name = self.name();
        if name.is_empty() {
            return Err(format!("a name is expected where `{}` stands", self.preview()));
        }
        if !self.eat("(") {
            return Ok(Step::Name(name.to_owned()));
        }
        let mut arguments = Vec::new();
        self.blanks();
        while !self.eat(")") {
            arguments.push(self.operand()?);
            if !self.operator(",") {
                self.expect(")")?;
                break;
            }
        }
        Function::new(name, arguments).map(Step::Function)
    }

    fn bracket(&mut self) -> Result<Step, String> {
        self.eat("[");
        self.blanks();
        let step = if self.eat("*") {
            Step::All
        } else if self.eat("?") {
            self.blanks();
            let bracketed = self.eat("(");
            let condition = self.any()?;
            if bracketed {
                self.expect(")")?;
            }
            Step::Filter(condition)
        } else if self.text.starts_with(['\'', '"']) {
            let name = self.quoted()?;
            let mut names = vec![name];
            while self.operator(",") {
                self.blanks();
                names.push(self.quoted()?);
            }
            match names.len() {
                1 => Step::Name(names.remove(0)),
                _ => Step::Names(names),
            }
        } else {
            let start = self.integer();
            if self.eat(":") {
                Step::Slice(start, self.integer())
            } else {
                let expected =
                    |parser: &Self| format!("an index is expected where `{}` stands", parser.preview());
                let mut indices = vec![start.ok_or_else(|| expected(self))?];
                while self.operator(",") {
                    indices.push(self.integer().ok_or_else(|| expected(self))?);
                }
                Step::Indices(indices)
            }
        };
        self.expect("]")?;
        Ok(step)
    }

    fn quoted(&mut self) -> Result<String, String> {
        let quote = self.take_char().filter(|next| matches!(next, '\'' | '"')).ok_or("a text is expected")?;
        let mut text = String::new();
        while let Some(next) = self.take_char() {
            match next {
                '\\' => text.extend(self.take_char()),
                next if next == quote => return Ok(text),
                next => text.push(next),
            }
        }
        Err("a text in quotes does not end".to_owned())
    }

    fn name(&mut self) -> &'a str {
        let ends = self.text.find(|next: char| !next.is_alphanumeric() && next != '_' && next != '-');
        let (name, rest) = self.text.split_at(ends.unwrap_or(self.text.len()));
        self.text = rest;
        name
    }

    fn integer(&mut self) -> Option<i64> {
        self.blanks();
        let ends = self.text.find(|next: char| !next.is_ascii_digit() && next != '-');
        let (digits, rest) = self.text.split_at(ends.unwrap_or(self.text.len()));
        let number = digits.parse().ok()?;
        self.text = rest;
        self.blanks();
        Some(number)
    }

    fn operator(&mut self, operator: &str) -> bool {
        self.blanks();
        self.eat(operator)
    }

    fn blanks(&mut self) {
        self.text = self.text.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.text.strip_prefix(token) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.operator(token) {
            Ok(())
        } else {
            Err(format!("`{token}` is expected where `{}` stands", self.preview()))
        }
    }

    fn take_char(&mut self) -> Option<char> {
        let mut characters = self.text.chars();
        let next = characters.next();
        self.text = characters.as_str();
        next
    }

    fn preview(&self) -> String {
        self.text.chars().take(20).collect()
    }
}
