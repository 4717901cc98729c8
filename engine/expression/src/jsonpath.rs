//! `JSONPath`, as older Kogito examples write it (Jayway's dialect).
//!
//! `$.a.b`, `$['a']`, `$[0]`, `$[-1]`, `$[1:3]`, `$[*]`, `$..a`, `$[?(@.a == 'x' && @.b > 1)]`, unions `['a','b']`. A definite path gives a
//! value, any other an array of what it found. A text of several paths and words is concatenated. `$WORKFLOW.x`,
//! `$SECRET.x`, `$CONST.x` and iteration parameters are variables.

use crate::{
    CompileError, Scope,
    jq::{DEEPEST, nesting},
    value::Val,
};

/// Most values that a path may look at.
const LONGEST: usize = 100_000;

/// A compiled path, or a text made of several.
pub(crate) struct JsonPath {
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Path(Path),
}

struct Path {
    /// `$`, or `$NAME` for a variable, or `@` in a filter.
    root: String,
    steps: Vec<Step>,
}

enum Step {
    Names(Vec<String>),
    Index(i64),
    Slice(Option<i64>, Option<i64>),
    All,
    Deep,
    Filter(Condition),
}

enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Compare(Operand, String, Operand),
    Exists(Path),
}

enum Operand {
    Path(Path),
    Literal(Val),
}

impl JsonPath {
    pub(crate) fn compile(text: &str) -> Result<Self, CompileError> {
        if nesting(text) > DEEPEST {
            return Err(CompileError::new(format!(
                "brackets may be nested {DEEPEST} deep, these are deeper"
            )));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = path_start(rest) {
            let (before, path) = rest.split_at(start);
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let mut parser = Parser { text: path };
            let path = parser.path().map_err(|message| CompileError {
                message,
                range: Some(text.len() - parser.text.len()..text.len()),
            })?;
            parts.push(Part::Path(path));
            rest = parser.text;
        }
        if parts.is_empty() {
            return Err(CompileError::new("a path begins with `$`".to_owned()));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    pub(crate) fn eval(&self, data: &Val, scope: &Scope<'_>) -> Result<Val, String> {
        if let [Part::Path(path)] = self.parts.as_slice() {
            return path.read(data, data, scope);
        }
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(words) => text.push_str(words),
                Part::Path(path) => text.push_str(&path.read(data, data, scope)?.to_text()),
            }
        }
        Ok(Val::text(text))
    }
}

/// Where the next path begins: at `$` followed by `.`, `[`, a name, or nothing.
fn path_start(text: &str) -> Option<usize> {
    text.char_indices().find_map(|(index, character)| {
        let next = text.get(index + 1..).and_then(|rest| rest.chars().next());
        let begins = next.is_none_or(|next| matches!(next, '.' | '[') || next.is_alphabetic() || next == '_');
        (character == '$' && begins).then_some(index)
    })
}

impl Path {
    /// What it finds: the value of a definite path (null when it is not there), else an array of all.
    fn read(&self, data: &Val, current: &Val, scope: &Scope<'_>) -> Result<Val, String> {
        let (root, mut steps) = match self.root.as_str() {
            "$" => (data.clone(), self.steps.as_slice()),
            "@" => (current.clone(), self.steps.as_slice()),
            name => {
                let value = scope.variable(name).ok_or_else(|| format!("{name} is not defined"))?;
                (value, self.steps.as_slice())
            }
        };
        let mut root = root;
        // What is looked up when it is needed is asked name by name.
        while let (Val::Lookup(lookup), Some((Step::Names(names), rest))) = (&root, steps.split_first()) {
            let Some(name) = names.first() else { break };
            root = lookup.get(name)?;
            steps = rest;
        }
        let mut found = vec![root.plain()];
        let mut definite = true;
        for step in steps {
            definite &= step.is_definite();
            found = step.apply(found, data, scope)?;
            if found.len() > LONGEST {
                return Err(format!("the path finds more than {LONGEST} values"));
            }
        }
        Ok(if definite { found.pop().unwrap_or_default() } else { Val::array(found) })
    }
}

impl Step {
    fn is_definite(&self) -> bool {
        match self {
            Self::Names(names) => names.len() == 1,
            Self::Index(_) => true,
            _ => false,
        }
    }

    fn apply(&self, values: Vec<Val>, data: &Val, scope: &Scope<'_>) -> Result<Vec<Val>, String> {
        let mut found = Vec::new();
        for value in values {
            match self {
                Self::Names(names) => found.extend(names.iter().filter_map(|name| value.get(name).cloned())),
                Self::Index(index) => found.extend(element(&value, *index).cloned()),
                Self::Slice(start, end) => {
                    let length = value.elements().len();
                    let at =
                        |bound: Option<i64>, default| bound.map_or(default, |bound| clamp(bound, length));
                    let (start, end) = (at(*start, 0), at(*end, length));
                    found.extend(
                        value.elements().get(start..end.max(start)).unwrap_or_default().iter().cloned(),
                    );
                }
                Self::All => found.extend(children(&value)),
                Self::Deep => {
                    // Breadth does not matter: what was found is looked at again until nothing new is inside.
                    let mut open = vec![value];
                    while let Some(next) = open.pop() {
                        open.extend(children(&next).into_iter().rev());
                        found.push(next);
                        if found.len() > LONGEST {
                            return Err(format!("the path looks at more than {LONGEST} values"));
                        }
                    }
                }
                Self::Filter(condition) => {
                    let candidates = if value.is_array() { value.elements().to_vec() } else { vec![value] };
                    for candidate in candidates {
                        if condition.holds(data, &candidate, scope)? {
                            found.push(candidate);
                        }
                    }
                }
            }
        }
        Ok(found)
    }
}

fn children(value: &Val) -> Vec<Val> {
    let members = value.members().into_iter().map(|(_, value)| value.clone());
    value.elements().iter().cloned().chain(members).collect()
}

fn element(value: &Val, index: i64) -> Option<&Val> {
    let elements = value.elements();
    if index < 0 {
        let back = usize::try_from(index.unsigned_abs()).ok()?;
        return elements.len().checked_sub(back).and_then(|index| elements.get(index));
    }
    usize::try_from(index).ok().and_then(|index| elements.get(index))
}

fn clamp(bound: i64, length: usize) -> usize {
    let size = i64::try_from(length).unwrap_or(i64::MAX);
    let bound = if bound < 0 { bound.saturating_add(size) } else { bound };
    usize::try_from(bound.clamp(0, size)).unwrap_or(length)
}

impl Condition {
    fn holds(&self, data: &Val, current: &Val, scope: &Scope<'_>) -> Result<bool, String> {
        Ok(match self {
            Self::Any(conditions) => {
                let mut any = false;
                for condition in conditions {
                    any |= condition.holds(data, current, scope)?;
                }
                any
            }
            Self::All(conditions) => {
                let mut all = true;
                for condition in conditions {
                    all &= condition.holds(data, current, scope)?;
                }
                all
            }
            Self::Exists(path) => !path.read(data, current, scope)?.is_null(),
            Self::Compare(left, operator, right) => {
                compare(&left.value(data, current, scope)?, operator, &right.value(data, current, scope)?)
            }
        })
    }
}

fn compare(left: &Val, operator: &str, right: &Val) -> bool {
    let alike = left.type_name() == right.type_name();
    match operator {
        "==" => left == right,
        "!=" => left != right,
        "<" => alike && left < right,
        "<=" => alike && left <= right,
        ">" => alike && left > right,
        ">=" => alike && left >= right,
        "in" => right.elements().contains(left),
        "=~" => match (left.as_str(), right.as_str()) {
            (Some(text), Some(pattern)) => crate::jq::pattern_found(pattern, text),
            _ => false,
        },
        _ => false,
    }
}

impl Operand {
    fn value(&self, data: &Val, current: &Val, scope: &Scope<'_>) -> Result<Val, String> {
        match self {
            Self::Path(path) => path.read(data, current, scope),
            Self::Literal(value) => Ok(value.clone()),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
}

impl Parser<'_> {
    fn path(&mut self) -> Result<Path, String> {
        let mut root: String = self.take_char().into_iter().collect();
        root.push_str(&self.name());
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

    /// A dot at the end of a sentence belongs to the words.
    fn member_follows(&self) -> bool {
        self.text.chars().nth(1).is_some_and(|next| next.is_alphanumeric() || matches!(next, '_' | '*' | '-'))
    }

    fn member(&mut self) -> Result<Step, String> {
        if self.eat("*") {
            return Ok(Step::All);
        }
        match self.name() {
            name if name.is_empty() => Err(format!("a name is expected where `{}` stands", self.shown())),
            name => Ok(Step::Names(vec![name])),
        }
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
            let mut names = vec![self.quoted()?];
            while self.separator() {
                names.push(self.quoted()?);
            }
            Step::Names(names)
        } else {
            let start = self.integer();
            if self.eat(":") {
                Step::Slice(start, self.integer())
            } else {
                Step::Index(
                    start.ok_or_else(|| format!("an index is expected where `{}` stands", self.shown()))?,
                )
            }
        };
        self.blanks();
        self.expect("]")?;
        Ok(step)
    }

    fn any(&mut self) -> Result<Condition, String> {
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
        if self.eat("(") {
            let inner = self.any()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let left = self.operand()?;
        for operator in ["==", "!=", "<=", ">=", "=~", "<", ">", "in "] {
            if self.operator(operator) {
                return Ok(Condition::Compare(left, operator.trim().to_owned(), self.operand()?));
            }
        }
        match left {
            Operand::Path(path) => Ok(Condition::Exists(path)),
            Operand::Literal(_) => Err(format!("a comparison is expected where `{}` stands", self.shown())),
        }
    }

    fn operand(&mut self) -> Result<Operand, String> {
        self.blanks();
        if self.text.starts_with(['@', '$']) {
            return Ok(Operand::Path(self.path()?));
        }
        if self.text.starts_with(['\'', '"']) {
            return Ok(Operand::Literal(Val::text(self.quoted()?)));
        }
        if self.eat("/") {
            let (pattern, rest) = self.text.split_once('/').ok_or("a pattern ends with `/`")?;
            let (pattern, rest) = (pattern.to_owned(), rest.len());
            self.text = self.text.get(self.text.len() - rest..).unwrap_or_default();
            let flags = self.name();
            let pattern = if flags.contains('i') { format!("(?i){pattern}") } else { pattern };
            return Ok(Operand::Literal(Val::text(pattern)));
        }
        let ends = self.text.find(|next: char| {
            matches!(next, ')' | ']' | '&' | '|' | ',' | '=' | '<' | '>' | '!') || next.is_whitespace()
        });
        let (word, rest) = self.text.split_at(ends.unwrap_or(self.text.len()));
        self.text = rest;
        Val::from_json(word.as_bytes()).map(Operand::Literal).map_err(|_| format!("`{word}` is no value"))
    }

    fn quoted(&mut self) -> Result<String, String> {
        let quote = self.take_char().ok_or("a text is expected")?;
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

    fn name(&mut self) -> String {
        let ends = self.text.find(|next: char| !next.is_alphanumeric() && next != '_' && next != '-');
        let (name, rest) = self.text.split_at(ends.unwrap_or(self.text.len()));
        self.text = rest;
        name.to_owned()
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

    fn separator(&mut self) -> bool {
        self.operator(",") && {
            self.blanks();
            true
        }
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
        self.blanks();
        if self.eat(token) {
            Ok(())
        } else {
            Err(format!("`{token}` is expected where `{}` stands", self.shown()))
        }
    }

    fn take_char(&mut self) -> Option<char> {
        let mut characters = self.text.chars();
        let next = characters.next();
        self.text = characters.as_str();
        next
    }

    fn shown(&self) -> String {
        self.text.chars().take(20).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Budget;
    use serde_json::{Value, json};

    #[test]
    fn paths_find_what_jayway_finds() {
        let data = json!({
            "name": "Ada", "list": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], "deep": {"a": 3}, "some-key": 4
        });
        let budget = Budget::default();
        let constants = Val::from(json!({"limit": 5}));
        let scope = Scope { constants: &constants, ..Scope::bare(&budget) };
        for (path, expected) in [
            ("$.name", json!("Ada")),
            ("$['name']", json!("Ada")),
            ("$.nope", json!(null)),
            ("$.list[0].b", json!("x")),
            ("$.list[-1].b", json!("y")),
            ("$.list[*].a", json!([1, 2])),
            ("$.list[0:1]", json!([{"a": 1, "b": "x"}])),
            ("$..a", json!([1, 2, 3])),
            ("$.list[?(@.a > 1)]", json!([{"a": 2, "b": "y"}])),
            ("$.list[?(@.a > 1 && @.b == 'x')]", json!([])),
            ("$.[?(@.name == 'Ada')].name", json!(["Ada"])),
            ("$.list[?(@.b =~ /^X$/i)].a", json!([1])),
            ("$.[?((@.name == 'Ada') && (@.deep.a  < 4))].name", json!(["Ada"])),
            ("$['name','some-key']", json!(["Ada", 4])),
            ("Hello $.name!", json!("Hello Ada!")),
            ("$.name and $.deep.a.", json!("Ada and 3.")),
            ("$CONST.limit", json!(5)),
        ] {
            let compiled = JsonPath::compile(path).map_err(|error| error.message).unwrap();
            assert_eq!(compiled.eval(&data.clone().into(), &scope).map(Value::from), Ok(expected), "{path}");
        }
        for text in ["", "no path", "$.a[", "$[?(@.a ==)]", "$['x"] {
            assert!(JsonPath::compile(text).is_err(), "{text}");
        }
    }
}
