//! Error handlers and retry policies.

use rondo_definition::model::{self, At};

use super::{Lowering, duration_of, shared};
use crate::{ErrorMatch, Jitter, RetryPolicy};

/// The wait of the default retry policy with `autoRetries`, as the specification names it.
const DEFAULT_DELAY: std::time::Duration = std::time::Duration::from_secs(1);

impl<'a> Lowering<'a> {
    /// What the named error definitions are compared with.
    pub(super) fn error_matches(&self, names: &[At<String>]) -> Vec<ErrorMatch> {
        let errors = &self.context.document.workflow.errors;
        names
            .iter()
            .filter_map(|name| errors.get(&name.value))
            .map(|error| ErrorMatch { name: shared(&error.name), code: error.code.as_deref().map(shared) })
            .collect()
    }

    /// The policy by which an action is retried, if it is at all (spec-0.8, "Retrying").
    pub(super) fn retry(&mut self, action: &'a model::Action) -> Option<RetryPolicy> {
        let workflow = &self.context.document.workflow;
        let named = action.retry_ref.as_ref().and_then(|name| workflow.retries.get(&name.value));
        if named.is_none() && !workflow.auto_retries {
            return None;
        }
        let only = match (workflow.auto_retries, action.retryable_errors.as_slice()) {
            (true, _) => None,
            (false, []) => Some(workflow.errors.values().map(error_match).collect()),
            (false, names) => Some(self.error_matches(names)),
        };
        let except =
            if workflow.auto_retries { self.error_matches(&action.non_retryable_errors) } else { Vec::new() };
        let Some(named) = named else {
            return Some(RetryPolicy {
                delay: DEFAULT_DELAY,
                max_delay: None,
                increment: std::time::Duration::ZERO,
                multiplier: 2.0,
                max_attempts: None,
                jitter: None,
                only,
                except,
            });
        };
        let span = |text: &Option<At<String>>| text.as_ref().and_then(duration_of);
        Some(RetryPolicy {
            delay: span(&named.delay).unwrap_or_default(),
            max_delay: span(&named.max_delay),
            increment: span(&named.increment).unwrap_or_default(),
            multiplier: named.multiplier.unwrap_or(1.0),
            max_attempts: named.max_attempts,
            jitter: match &named.jitter {
                Some(model::Jitter::Fraction(fraction)) => Some(Jitter::Fraction(*fraction)),
                Some(model::Jitter::Duration(text)) => span(&Some(text.clone())).map(Jitter::Span),
                None => None,
            },
            only,
            except,
        })
    }
}

fn error_match(error: &model::ErrorDefinition) -> ErrorMatch {
    ErrorMatch { name: shared(&error.name), code: error.code.as_deref().map(shared) }
}
