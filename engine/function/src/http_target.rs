//! Functions whose call is one HTTP request, built from the function itself.
//!
//! Owns: the differences between those kinds: address, request, time limit and result. Never: sends anything.

use std::time::Duration;

use rondo_definition::Properties;
use rondo_expression::{ReadLimits, Val};
use rondo_program::{GraphQlFunction, HttpFunction, KnativeFunction, ODataFunction, Origin};

use crate::answer::Unreadable;
use crate::caller::Request;
use crate::error::CallErrorKind;
use crate::mask::Mask;
use crate::request_builder::RequestBuilder;
use crate::rest_address::base_address;
use crate::transport::Incoming;
use crate::{graphql, knative, odata, rest};

/// A function whose call is one HTTP request.
#[derive(Debug, Clone)]
pub(crate) enum HttpTarget {
    Rest(HttpFunction),
    Knative(KnativeFunction),
    GraphQl(GraphQlFunction),
    OData(ODataFunction),
}

impl HttpTarget {
    /// The address without arguments, which identifies the service before a request is built.
    pub(crate) fn place(&self, function: &str, properties: &Properties) -> String {
        match self {
            Self::Rest(target) if target.address.contains("://") => target.address.clone(),
            Self::Rest(target) => base_address(target, function, properties).unwrap_or_default(),
            Self::Knative(target) => knative::address(&target.service, properties).unwrap_or_default(),
            Self::GraphQl(target) => target.address.clone(),
            Self::OData(target) => target.address.clone(),
        }
    }

    /// Builds the request with its whole address.
    pub(crate) fn build(
        &self,
        function: &str,
        request: &Request<'_>,
        mask: &mut Mask,
    ) -> Result<RequestBuilder, CallErrorKind> {
        let properties = request.properties;
        let arguments = request.arguments.as_ref();
        let built = match self {
            Self::Rest(target) => {
                let base = base_address(target, function, properties)
                    .map_err(|problem| CallErrorKind::NotConfigured(problem.to_string()))?;
                let state_data = || request.state_data.to_json();
                rest::build(target, &base, function, arguments, &state_data, properties, mask)
            }
            Self::Knative(target) => {
                let address =
                    knative::address(&target.service, properties).map_err(CallErrorKind::NotConfigured)?;
                knative::build(target, address, request)
            }
            Self::GraphQl(target) => graphql::build(target, arguments),
            Self::OData(target) => odata::build(target, arguments),
        };
        let mut builder = built.map_err(CallErrorKind::InvalidArgument)?;
        if !matches!(self, Self::Rest(_)) {
            rest::add_credentials(&mut builder, function, properties, mask);
        }
        Ok(builder)
    }

    /// The time limit of a call if no property sets one.
    pub(crate) fn default_timeout(&self) -> Option<Duration> {
        matches!(self, Self::Knative(_)).then_some(knative::TIMEOUT)
    }

    /// Whether an answer with an error status fails the call.
    pub(crate) fn fails_on_error_status(&self) -> bool {
        match self {
            Self::Rest(target) => target.fails_on_error_status,
            _ => true,
        }
    }

    /// The origin of its failures.
    pub(crate) fn origin(&self) -> Origin {
        if matches!(self, Self::Knative(_)) { Origin::Knative } else { Origin::Rest }
    }

    /// Reads the value of an answer.
    pub(crate) fn read(
        incoming: &Incoming,
        limits: ReadLimits,
        grant: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Val, Unreadable> {
        let tolerant = !incoming.is_success();
        let text = incoming.utf8(grant)?;
        rest::read(&text, incoming.content_type(), tolerant, limits, grant)
    }
}
