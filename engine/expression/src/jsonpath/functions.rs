//! Functions at the end of a path: `$.list.length()`.
//!
//! Functions of numbers take the numbers of an array and of the paths in their brackets, and give a float, as Jayway's do. Unlike
//! Jayway's, they take the quotes off a text in their brackets, and take an index there.

use super::{Environment, Problem, filter::Operand};
use crate::{budget, text_builder::TextBuilder, value::Val};

pub(super) struct Function {
    kind: Kind,
    arguments: Vec<Operand>,
}

#[derive(Clone, Copy)]
enum Kind {
    Length,
    Keys,
    Min,
    Max,
    Sum,
    Avg,
    Stddev,
    First,
    Last,
    Index,
    Concat,
    Append,
}

impl Function {
    /// A function by its name.
    pub(super) fn new(name: &str, arguments: Vec<Operand>) -> Result<Self, String> {
        let kind = match name {
            "length" | "size" => Kind::Length,
            "keys" => Kind::Keys,
            "min" => Kind::Min,
            "max" => Kind::Max,
            "sum" => Kind::Sum,
            "avg" => Kind::Avg,
            "stddev" => Kind::Stddev,
            "first" => Kind::First,
            "last" => Kind::Last,
            "index" => Kind::Index,
            "concat" => Kind::Concat,
            "append" => Kind::Append,
            _ => return Err(format!("no function of a path is called `{name}`")),
        };
        Ok(Self { kind, arguments })
    }

    /// Applies it to a value; `None` if it does not apply to values of this type.
    pub(super) fn call(&self, value: &Val, environment: Environment<'_>) -> Result<Option<Val>, Problem> {
        Ok(match self.kind {
            Kind::Length => match value {
                Val::Array(_) => Some(Val::from(value.elements().len())),
                Val::Object(_) => Some(Val::from(value.members().len())),
                _ => None,
            },
            Kind::Keys => {
                let names = || value.members().into_iter().map(|(name, _)| Val::text(name));
                value.is_object().then(|| Val::array(names()))
            }
            Kind::Min => {
                Some(self.of_numbers(value, environment, |numbers| {
                    numbers.copied().fold(f64::INFINITY, f64::min)
                })?)
            }
            Kind::Max => Some(self.of_numbers(value, environment, |numbers| {
                numbers.copied().fold(f64::NEG_INFINITY, f64::max)
            })?),
            Kind::Sum => Some(self.of_numbers(value, environment, |numbers| numbers.sum())?),
            Kind::Avg => Some(self.of_numbers(value, environment, |numbers| mean(numbers))?),
            Kind::Stddev => Some(self.of_numbers(value, environment, |numbers| {
                let squares: Vec<f64> = numbers.clone().map(|number| number * number).collect();
                (mean(squares.iter()) - mean(numbers.clone()).powi(2)).sqrt()
            })?),
            Kind::First => Some(at(value, 0)?),
            Kind::Last => Some(at(value, -1)?),
            Kind::Index => {
                let index = self.values(environment, true)?.first().and_then(Val::as_i64);
                Some(at(value, index.ok_or_else(|| failed("an index is missing"))?)?)
            }
            Kind::Concat => {
                let mut text = TextBuilder::default();
                let arguments = self.values(environment, true)?;
                for part in value.elements().iter().chain(&arguments).filter_map(Val::as_str) {
                    budget::step();
                    text.push(part);
                }
                Some(text.into_value())
            }
            Kind::Append if !value.is_array() => Some(value.clone()),
            Kind::Append => {
                let items = value.elements().iter().cloned();
                Some(Val::array(items.chain(self.values(environment, true)?)))
            }
        })
    }

    /// The values of the arguments in the brackets.
    fn values(&self, environment: Environment<'_>, with_literals: bool) -> Result<Vec<Val>, Problem> {
        let arguments = self.arguments.iter();
        let arguments = arguments.filter(|argument| with_literals || matches!(argument, Operand::Path(_)));
        let values = arguments.map(|argument| argument.value(environment));
        values.filter_map(Result::transpose).collect()
    }

    fn of_numbers(
        &self,
        value: &Val,
        environment: Environment<'_>,
        combine: impl Fn(&mut std::slice::Iter<'_, f64>) -> f64,
    ) -> Result<Val, Problem> {
        let arguments = self.values(environment, false)?;
        let mut numbers = Vec::new();
        for source in [value].into_iter().chain(&arguments) {
            numbers.extend(source.elements().iter().filter_map(Val::as_number));
        }
        numbers.extend(arguments.iter().filter_map(Val::as_number));
        if numbers.is_empty() {
            return Err(failed("Aggregation function attempted to calculate value using empty array"));
        }
        Ok(Val::Float(combine(&mut numbers.iter())))
    }
}

#[allow(clippy::cast_precision_loss, reason = "there are not so many")]
fn mean<'a>(numbers: impl ExactSizeIterator<Item = &'a f64>) -> f64 {
    let count = numbers.len() as f64;
    numbers.sum::<f64>() / count
}

fn at(value: &Val, index: i64) -> Result<Val, Problem> {
    value.element(index).cloned().ok_or_else(|| failed("there is no element at this index"))
}

fn failed(reason: &str) -> Problem {
    Problem::Failed(reason.to_owned())
}
