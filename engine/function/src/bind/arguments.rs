//! Checks the written arguments of calls against what their functions take.
//!
//! Promises: a warning says what the engine does with the call, so it is true of every run that reaches the call; arguments that an expression
//! computes are not checked. Never: an error, because `SonataFlow` makes these calls, and a service may do without what its document requires.

use std::collections::HashSet;

use rondo_definition::{Pointer, codes, did_you_mean};
use rondo_program::{CallSite, HttpFunction, HttpMethod, WrittenArgument, WrittenArguments};

use super::{Binder, Bindings};
use crate::binding::Target;
use crate::http_target::HttpTarget;
use crate::openapi::body::{Takes, is_always_sent};
use crate::openapi::operation::{KeyPlace, Operation, Parameter, Place, Scheme};
use crate::openapi::shape::{Members, Shape};
use crate::rest::{is_named_part, placeholders};

/// Most names that a message lists.
const SHOWN: usize = 12;

/// The arguments that are written in a call; empty if it has none.
struct Written<'a> {
    call: &'a CallSite,
    /// The place at which a missing argument is reported.
    at: &'a Pointer,
    arguments: &'a [WrittenArgument],
}

impl<'a> Written<'a> {
    /// The written arguments; `None` if an expression computes them.
    fn of(call: &'a CallSite) -> Option<Self> {
        match &call.arguments {
            WrittenArguments::None => Some(Self { call, at: &call.at, arguments: &[] }),
            WrittenArguments::Computed => None,
            WrittenArguments::Named { at, arguments } => Some(Self { call, at, arguments }),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.arguments.iter().any(|argument| argument.name == name)
    }
}

impl Binder<'_> {
    pub(super) fn check_calls(&mut self, calls: &[CallSite], bindings: &Bindings) {
        for call in calls {
            let Some(binding) = bindings.get(&call.function) else { continue };
            match &binding.target {
                Target::OpenApi(target) => {
                    if let Some(written) = Written::of(call) {
                        self.check_operation(&written, &target.operation);
                    }
                    self.check_result(call, Some(&target.operation));
                }
                Target::Http(HttpTarget::Rest(function)) => {
                    if let Some(written) = Written::of(call) {
                        self.check_rest(&written, function);
                    }
                    self.check_result(call, None);
                }
                #[cfg(feature = "grpc")]
                Target::Grpc(target) => {
                    if let Some(written) = Written::of(call) {
                        self.check_fields(&written, &target.method.input());
                    }
                    self.check_result(call, None);
                }
                Target::Http(_) | Target::Python(_) | Target::JwtParser(_) => self.check_result(call, None),
                Target::Channel(_) | Target::Unusable(_) => {}
            }
        }
    }

    fn check_operation(&mut self, written: &Written<'_>, operation: &Operation) {
        let parameters: HashSet<&str> =
            operation.parameters.iter().map(|parameter| &*parameter.name).collect();
        let takes = Takes::of(operation.body.as_ref(), &operation.shapes);
        let left: Vec<&WrittenArgument> =
            written.arguments.iter().filter(|argument| !parameters.contains(&*argument.name)).collect();
        let mut known: Vec<&str> = operation.parameters.iter().map(|parameter| &*parameter.name).collect();
        if let Takes::Members(members) = takes {
            let sent = members.declared.iter().filter(|(_, member)| !member.read_only);
            let sent = sent.map(|(name, _)| name.as_str()).filter(|name| !parameters.contains(name));
            known.extend(sent);
        }
        let mut meant = HashSet::new();
        for argument in unsent(&left, takes) {
            let missing = known.iter().copied().filter(|name| !written.has(name));
            let similar = did_you_mean(&argument.name, missing);
            meant.extend(similar);
            self.warn_unknown(written.call, argument, takes, similar, &known);
        }
        if let (Takes::One, [first, second, ..]) = (takes, left.as_slice()) {
            let message = format!(
                "{}: of the arguments `{}` and `{}` only one is sent, because function `{}` takes one value as its body",
                written.call.place, first.name, second.name, written.call.function
            );
            let help = "give the body alone beside the parameters".to_owned();
            self.warn_at(codes::UNKNOWN_ARGUMENT, &second.at, message, help);
        }
        for parameter in &operation.parameters {
            let is_meant = meant.contains(&*parameter.name);
            if needs(parameter, operation) && !written.has(&parameter.name) && !is_meant {
                self.warn_missing(written, written.at, &parameter.name, None);
            }
        }
        let Some(body) = &operation.body else { return };
        match takes {
            Takes::Members(members) if is_always_sent(body, &operation.method) || !left.is_empty() => {
                let left: Vec<WrittenArgument> = left.into_iter().cloned().collect();
                let skipped = |name: &str| parameters.contains(name) || meant.contains(name);
                self.check_members(written, written.at, members, &left, operation, &skipped);
            }
            Takes::One if body.required && left.is_empty() => {
                let message = format!(
                    "{}: function `{}` is called without a body, which its operation requires",
                    written.call.place, written.call.function
                );
                let help = "give it one argument beside the parameters, whatever its name is".to_owned();
                self.warn_at(codes::MISSING_OPERATION_ARGUMENT, written.at, message, help);
            }
            _ => {}
        }
    }

    fn warn_unknown(
        &mut self,
        call: &CallSite,
        argument: &WrittenArgument,
        takes: Takes<'_>,
        similar: Option<&str>,
        known: &[&str],
    ) {
        let why = match takes {
            Takes::Nothing => "has no parameter of this name and takes no body",
            _ => "has neither a parameter nor a member of its body of this name",
        };
        let (name, function) = (&argument.name, &call.function);
        let message = format!("{}: argument `{name}` is not sent: function `{function}` {why}", call.place);
        let help = match similar {
            Some(similar) => format!("did you mean `{similar}`?"),
            None if is_named_part(name) => {
                "`HEADER_` and `QUERY_` are for functions of the type `custom` with `rest:`".to_owned()
            }
            None if known.is_empty() => "it takes no arguments".to_owned(),
            None => {
                let more = if known.len() > SHOWN { ", …" } else { "" };
                let known = known.get(..SHOWN).unwrap_or(known);
                format!("it takes `{}`{more}", known.join("`, `"))
            }
        };
        self.warn_at(codes::UNKNOWN_ARGUMENT, &argument.at, message, help);
    }

    /// Warns of members that an object requires and that are not written, in the body and in every written object within it.
    fn check_members(
        &mut self,
        written: &Written<'_>,
        at: &Pointer,
        members: &Members,
        given: &[WrittenArgument],
        operation: &Operation,
        skipped: &dyn Fn(&str) -> bool,
    ) {
        let shapes = &operation.shapes;
        for name in &members.required {
            let Some(member) = members.declared.get(name) else { continue };
            let is_given = given.iter().any(|argument| argument.name == *name);
            if !is_given && !member.read_only && shapes.default_of(member).is_none() && !skipped(name) {
                let inside = (at != written.at).then_some(at);
                self.warn_missing(written, at, name, inside);
            }
        }
        for argument in given {
            let shape = members.declared.get(&argument.name).map(|member| shapes.resolve(&member.shape));
            if let (Some(Shape::Object(members)), Some(given)) = (shape, &argument.members) {
                self.check_members(written, &argument.at, members, given, operation, &|_| false);
            }
        }
    }

    /// Warns that a required argument is not written. `inside` is the place of the argument that lacks it, if it is a member of one.
    fn warn_missing(&mut self, written: &Written<'_>, at: &Pointer, name: &str, inside: Option<&Pointer>) {
        let (place, function) = (&written.call.place, &written.call.function);
        let path = inside.map(|inside| {
            let all = written.at.tokens().count();
            inside.tokens().skip(all).collect::<Vec<_>>().join(".")
        });
        let path = path.map(|path| format!("{path}.")).unwrap_or_default();
        let message = format!(
            "{place}: function `{function}` is called without `{path}{name}`, which its operation requires"
        );
        self.warn_at(
            codes::MISSING_OPERATION_ARGUMENT,
            at,
            message,
            format!("add the argument `{path}{name}`"),
        );
    }

    fn check_rest(&mut self, written: &Written<'_>, function: &HttpFunction) {
        let call = written.call;
        let mut names: Vec<&str> = placeholders(&function.address).map(|(name, _)| name).collect();
        names.dedup();
        for (name, has_dollar) in placeholders(&function.address) {
            if written.has(name) || !names.contains(&name) {
                continue;
            }
            // A name that occurs twice is reported once.
            names.retain(|other| *other != name);
            let message = format!(
                "{}: function `{}` has `{{{name}}}` in its path, and no argument `{name}` fills it, so the call fails",
                call.place, call.function
            );
            let help = if has_dollar {
                format!(
                    "environment variables are not put into a path: write `{{{name}}}` without `$`, and give it `{name}: $SECRET.{name}`, which reads the property or variable `{name}`"
                )
            } else {
                let unused = written.arguments.iter().map(|argument| &*argument.name);
                match did_you_mean(name, unused) {
                    Some(other) => format!("should the argument `{other}` be called `{name}`?"),
                    None => format!("add the argument `{name}`"),
                }
            };
            self.warn_at(codes::PATH_WITHOUT_ARGUMENT, written.at, message, help);
        }
        if matches!(function.method, HttpMethod::Post | HttpMethod::Put) {
            return;
        }
        let filled: HashSet<&str> = placeholders(&function.address).map(|(name, _)| name).collect();
        for argument in written.arguments {
            let name = &*argument.name;
            if filled.contains(name) || is_named_part(name) {
                continue;
            }
            let method = function.method.as_str().to_ascii_lowercase();
            let message = format!(
                "{}: argument `{name}` is not sent: `rest:{method}` of function `{}` sends no body",
                call.place, call.function
            );
            let help = match function.method {
                HttpMethod::Patch => format!(
                    "describe the operation in an OpenAPI document, which sends it as the body; `QUERY_{name}` is sent as a query parameter"
                ),
                _ => format!(
                    "`QUERY_{name}` is sent as a query parameter, `HEADER_{name}` as a header, and `{{{name}}}` in the path takes it"
                ),
            };
            self.warn_at(codes::UNSENT_ARGUMENT, &argument.at, message, help);
        }
    }

    /// Warns of arguments that are no fields of the gRPC message, because they make the call fail.
    #[cfg(feature = "grpc")]
    fn check_fields(&mut self, written: &Written<'_>, message: &prost_reflect::MessageDescriptor) {
        let fields: Vec<_> = message.fields().collect();
        if message.full_name().starts_with("google.protobuf.") {
            return; // These have forms of their own in JSON.
        }
        for argument in written.arguments {
            let name = &*argument.name;
            if fields.iter().any(|field| field.name() == name || field.json_name() == name) {
                continue;
            }
            let text = format!(
                "{}: argument `{name}` is no field of the message `{}` that function `{}` sends, so the call fails",
                written.call.place,
                message.full_name(),
                written.call.function
            );
            let help = match did_you_mean(name, fields.iter().map(prost_reflect::FieldDescriptor::json_name))
            {
                Some(similar) => format!("did you mean `{similar}`?"),
                None => super::first_ids(fields.iter().map(prost_reflect::FieldDescriptor::json_name)),
            };
            self.warn_at(codes::UNKNOWN_ARGUMENT, &argument.at, text, help);
        }
    }
}

/// The remaining arguments that the body does not take.
fn unsent<'a>(left: &[&'a WrittenArgument], takes: Takes<'_>) -> Vec<&'a WrittenArgument> {
    let is_unsent = |argument: &&WrittenArgument| match takes {
        Takes::Nothing => true,
        Takes::One | Takes::All => false,
        Takes::Members(members) => !members.open && !members.declared.contains_key(&argument.name),
    };
    left.iter().copied().filter(is_unsent).collect()
}

/// Whether only an argument can give the parameter. The request that starts an instance may bring a header, and a parameter may be the place of
/// credentials.
fn needs(parameter: &Parameter, operation: &Operation) -> bool {
    let is_key = |wanted: KeyPlace| {
        operation.security.iter().any(|scheme| {
            matches!(&scheme.scheme, Scheme::ApiKey { place, name } if *place == wanted && *name == parameter.name)
        })
    };
    let is_given_otherwise = match parameter.place {
        Place::Header => true,
        Place::Query(_) => is_key(KeyPlace::Query),
        Place::Cookie => is_key(KeyPlace::Cookie),
        Place::Path(_) => false,
    };
    parameter.required && parameter.default.is_none() && !is_given_otherwise
}
