//! The services: their names, their tokens, and their forms of errors.

use axum::http::{HeaderMap, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::options::Options;
use crate::{backstage, gitlab, kubernetes, mail, openstack, orders};

/// One of the simulated products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// GitLab, API version 4.
    Gitlab,
    /// Backstage with scaffolder, notifications and catalog.
    Backstage,
    /// Kubernetes with `KubeVirt`.
    Kubernetes,
    /// OpenStack: Keystone, Nova, Neutron, Glance, Cinder and Swift.
    Openstack,
    /// A mail service with a REST face.
    Mail,
    /// The order service of a shop.
    Orders,
}

impl Service {
    pub(crate) const ALL: [Self; 6] =
        [Self::Gitlab, Self::Backstage, Self::Kubernetes, Self::Openstack, Self::Mail, Self::Orders];

    /// Whether these headers hold the token of this service.
    pub(crate) fn lets_in(self, headers: &HeaderMap, options: &Options) -> bool {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = header(header::AUTHORIZATION.as_str())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        match self {
            Self::Gitlab => {
                header("private-token").is_some_and(|token| token == options.gitlab_token)
                    || bearer.is_some_and(|token| token == options.gitlab_token)
            }
            Self::Backstage => bearer.is_some_and(|token| token == options.backstage_token),
            Self::Kubernetes => bearer.is_some_and(|token| token == options.kubernetes_token),
            // OpenStack has tokens of its own making, which its handlers check. The other two stand on a trusted network.
            Self::Openstack | Self::Mail | Self::Orders => true,
        }
    }

    /// Whether a request with an `Idempotency-Key` that came before gets the first answer again.
    ///
    /// OpenStack knows no such key: what is sent twice is made twice.
    pub(crate) fn knows_idempotency_keys(self) -> bool {
        self != Self::Openstack
    }

    /// The body of an error in the form of this product.
    pub(crate) fn refusal(self, status: StatusCode, message: &str, method: &Method, url: &str) -> Value {
        match self {
            Self::Gitlab => gitlab::refusal_body(status, message),
            Self::Backstage => backstage::refusal_body(status, message, method, url),
            Self::Kubernetes => kubernetes::refusal_body(status, message),
            Self::Openstack => openstack::refusal_body(status, message, url),
            Self::Mail => mail::refusal_body(status, message),
            Self::Orders => orders::refusal_body(message),
        }
    }

    /// The message of this product to a request without a valid token.
    pub(crate) fn unauthorized_message(self) -> &'static str {
        match self {
            Self::Backstage => "Missing credentials",
            _ => "Unauthorized",
        }
    }
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gitlab => "GitLab",
            Self::Backstage => "Backstage",
            Self::Kubernetes => "Kubernetes",
            Self::Openstack => "OpenStack",
            Self::Mail => "mail service",
            Self::Orders => "order service",
        })
    }
}
