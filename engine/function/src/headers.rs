//! The headers that every call carries: those of the calling instance, and those of the request that started it.
//!
//! Source: `apache/incubator-kie-kogito-runtimes`, `CloudEventExtensionConstants` and `OpenApiWorkItemHandler`.

use std::collections::BTreeSet;

use crate::request_builder::Headers;
use crate::secret_names::is_credential_header;

/// The calling instance, sent as `kogitoproc…` headers.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessHeaders<'a> {
    /// The instance.
    pub instance_id: &'a str,
    /// Its workflow.
    pub workflow_id: &'a str,
    /// Version of the workflow.
    pub version: &'a str,
    /// The instance that started this one as a subflow.
    pub parent_instance_id: Option<&'a str>,
    /// The root of the instance's tree.
    pub root_instance_id: Option<&'a str>,
    /// Workflow of the root.
    pub root_workflow_id: Option<&'a str>,
    /// Business key.
    pub business_key: Option<&'a str>,
    /// Reference id.
    pub reference_id: Option<&'a str>,
}

impl ProcessHeaders<'_> {
    pub(crate) fn add_to(&self, headers: &mut Headers) {
        for (name, value) in [
            ("kogitoprocid", Some(self.workflow_id)),
            ("kogitoprocinstanceid", Some(self.instance_id)),
            ("kogitoprocversion", Some(self.version)),
            ("kogitoprocist", Some("Active")),
            ("kogitoproctype", Some("SW")),
            ("kogitoparentprociid", self.parent_instance_id),
            ("kogitorootprociid", self.root_instance_id),
            ("kogitorootprocid", self.root_workflow_id),
            ("kogitobusinesskey", self.business_key),
            ("kogitoprocrefid", self.reference_id),
        ] {
            if let Some(value) = value {
                headers.add(name, value);
            }
        }
    }
}

/// Headers of the start request that are not forwarded. The first six are `SonataFlow`'s; the others belong to one connection or one body, and
/// would break the call or make it look like a repetition of another.
const NOT_FORWARDED: [&str; 17] = [
    "user-agent",
    "host",
    "content-length",
    "accept",
    "accept-encoding",
    "connection",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "expect",
    "proxy-authorization",
    "proxy-connection",
    "idempotency-key",
];

/// A header with sessions of the client at this engine or a proxy, so only an operation that declares it gets it.
const FORWARDED_IF_DECLARED: &str = "cookie";

/// Adds the headers of the start request that are forwarded and not set yet. `declares` says whether the operation has a header parameter of that
/// name.
pub(crate) fn forward(from: &[(String, String)], declares: impl Fn(&str) -> bool, headers: &mut Headers) {
    for (name, value) in from {
        let lower = name.to_ascii_lowercase();
        let kept_back = lower == FORWARDED_IF_DECLARED && !declares(&lower);
        if !kept_back && !NOT_FORWARDED.contains(&lower.as_str()) {
            headers.add(name, value);
        }
    }
}

/// The headers of answers that a workflow sees: all but those with credentials (`Set-Cookie`, `WWW-Authenticate`, tokens), which it sees only if
/// the text of its document names them, as `$WORKFLOW.responseHeaders["Set-Cookie"]` does. Headers that the workflow does not see are not stored
/// either.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AskedHeaders(BTreeSet<String>);

impl AskedHeaders {
    /// The headers with credentials that a text names.
    pub(crate) fn in_text(text: &str) -> Self {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        let words: BTreeSet<&str> = words.filter(|word| !word.is_empty()).collect();
        let asked = words.into_iter().filter(|word| is_credential_header(word));
        Self(asked.map(str::to_ascii_lowercase).collect())
    }

    /// Whether the workflow sees a header of this name.
    pub(crate) fn shows(&self, name: &str) -> bool {
        !is_credential_header(name) || self.0.contains(&name.to_ascii_lowercase())
    }
}

/// The first value of a header; the case of its name does not matter.
pub(crate) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// A name in its usual case, `x-custom-header` → `X-Custom-Header`. HTTP libraries deliver names in lower case, but expressions read
/// `$WORKFLOW.responseHeaders["X-Custom-Header"]`.
pub(crate) fn canonical_case(name: &str) -> String {
    let mut start = true;
    name.chars()
        .map(|c| {
            let c = if start { c.to_ascii_uppercase() } else { c };
            start = c == '-';
            c
        })
        .collect()
}
