//! The parser of the conditions in filters.

use super::Parser;
use crate::{
    jsonpath::filter::{Condition, Operand, Operator, SIGNS, WORDS},
    value::Val,
};

impl Parser<'_> {
    pub(super) fn any(&mut self) -> Result<Condition, String> {
        let mut conditions = vec![self.all()?];
        while self.operator("||") {
            conditions.push(self.all()?);
        }
        Ok(Condition::Any(conditions))
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut conditions = vec![self.comparison()?];
        while self.operator("&&") {
            conditions.push(self.comparison()?);
        }
        Ok(Condition::All(conditions))
    }

    fn comparison(&mut self) -> Result<Condition, String> {
        self.blanks();
        // `!!` is refused, because it would nest without the brackets that bound the nesting.
        if self.eat("!") {
            self.blanks();
            if self.text.starts_with('!') {
                return Err("`!` stands twice".to_owned());
            }
            return self.comparison().map(Box::new).map(Condition::Not);
        }
        if self.eat("(") {
            let inner = self.any()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let left = self.operand()?;
        self.blanks();
        if let Some((_, operator)) = SIGNS.iter().find(|(sign, _)| self.eat(sign)) {
            return Ok(Condition::Compare(left, *operator, self.operand()?));
        }
        if let Some(operator) = self.word_operator() {
            return Ok(Condition::Compare(left, operator, self.operand()?));
        }
        match left {
            Operand::Path(path) => Ok(Condition::Exists(path)),
            _ => Err(format!("a comparison is expected where `{}` stands", self.preview())),
        }
    }

    fn word_operator(&mut self) -> Option<Operator> {
        let before = self.text;
        let name = self.name();
        let known = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(name));
        if known.is_none() {
            self.text = before;
        }
        known.map(|(_, operator)| *operator)
    }

    pub(super) fn operand(&mut self) -> Result<Operand, String> {
        self.blanks();
        if self.text.starts_with(['@', '$']) {
            return Ok(Operand::Path(self.path()?));
        }
        if self.eat("/") {
            let mut pattern = String::new();
            loop {
                match self.take_char().ok_or("a pattern ends with `/`")? {
                    '/' => break,
                    '\\' if self.eat("/") => pattern.push('/'),
                    '\\' => pattern.extend(['\\'].into_iter().chain(self.take_char())),
                    other => pattern.push(other),
                }
            }
            let flags: String = self.name().chars().filter(|flag| "imsx".contains(*flag)).collect();
            return Ok(Operand::Pattern(Val::text(format!("\\A(?{flags}:{pattern})\\z"))));
        }
        self.literal().map(Operand::Literal)
    }

    fn literal(&mut self) -> Result<Val, String> {
        self.blanks();
        if self.text.starts_with(['\'', '"']) {
            return self.quoted().map(Val::text);
        }
        if self.eat("[") {
            let mut items = Vec::new();
            self.blanks();
            while !self.eat("]") {
                items.push(self.literal()?);
                if !self.operator(",") {
                    self.expect("]")?;
                    break;
                }
            }
            return Ok(Val::array(items));
        }
        if self.text.starts_with('{') {
            let mut reader = serde_json::Deserializer::from_str(self.text).into_iter::<Val>();
            let value = reader.next().and_then(Result::ok);
            self.text = self.text.get(reader.byte_offset()..).unwrap_or_default();
            return value.ok_or_else(|| format!("`{}` is no value", self.preview()));
        }
        let ends = self.text.find(|next: char| {
            matches!(next, ')' | ']' | '&' | '|' | ',' | '=' | '<' | '>' | '!') || next.is_whitespace()
        });
        let (word, rest) = self.text.split_at(ends.unwrap_or(self.text.len()));
        self.text = rest;
        Val::from_json(word.as_bytes()).map_err(|_| format!("`{word}` is no value"))
    }
}
