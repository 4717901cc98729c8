//! One operation of an `OpenAPI` document, with the parts that a call needs.
//!
//! Owns: the types between reading a document and making a request, which are the same for 2.0, 3.0 and 3.1.

use std::collections::HashMap;

use openapiv3::{PathStyle, QueryStyle};
use rondo_expression::Val;
use url::Url;

use super::shape::{Shape, Shapes};

/// An operation that can be called.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// Upper case.
    pub(crate) method: String,
    /// Template with `{name}`.
    pub(crate) path: String,
    /// The document's server, with variables filled in. Only [`Self::address`] says whether it can be called.
    pub(crate) server: Option<String>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
    pub(crate) answers: Answers,
    /// Schemes that authenticate the engine at the service; the call uses all that are configured.
    pub(crate) security: Vec<SchemeUse>,
    pub(crate) shapes: Shapes,
}

impl Operation {
    /// The address of the server. A server without a host does not count: its host would be the one from which the document was fetched, which
    /// may be any file server and must not get calls with their credentials.
    pub(crate) fn address(&self) -> Option<&str> {
        let server = self.server.as_deref()?;
        let url = Url::parse(server).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(server)
    }

    /// Whether the document declares this header for the operation.
    pub(crate) fn declares_header(&self, name: &str) -> bool {
        let mut headers = self.parameters.iter().filter(|parameter| parameter.place == Place::Header);
        headers.any(|parameter| parameter.name.eq_ignore_ascii_case(name))
    }
}

/// A parameter.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) explode: bool,
    /// `allowReserved`.
    pub(crate) reserved: bool,
    /// The value is one JSON text (`content` instead of `schema`).
    pub(crate) json: bool,
    pub(crate) required: bool,
    /// Whether a `/` in a value of the path separates segments, if the document says so (`x-multi-segment`).
    pub(crate) multi_segment: Option<bool>,
    pub(crate) shape: Shape,
    pub(crate) default: Option<Val>,
}

/// The place of a parameter, and its style.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    Path(PathStyle),
    Query(QueryStyle),
    Header,
    Cookie,
}

/// The request body.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    /// Sent as `Content-Type`.
    pub(crate) media_type: String,
    pub(crate) format: Format,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
    /// The media types of the parts of a multipart body, by name, if the document declares them (`encoding`).
    pub(crate) part_types: HashMap<String, String>,
}

/// The format in which a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Form,
    Multipart,
    Text,
    Bytes,
}

impl Format {
    /// The format of a media type, if it can be written. Everything but JSON, forms and text is bytes.
    pub(crate) fn of(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "*/*" | "application/*" | "application/json" | "text/json" => Some(Self::Json),
            "application/x-www-form-urlencoded" => Some(Self::Form),
            "multipart/form-data" => Some(Self::Multipart),
            other if other.ends_with("+json") => Some(Self::Json),
            other if other.starts_with("text/") || other.ends_with("xml") => Some(Self::Text),
            other if other.starts_with("multipart/") || !other.contains('/') => None,
            _ => Some(Self::Bytes),
        }
    }

    /// A media type that can be sent: an example of a type with `*`.
    pub(crate) fn concrete(self, media_type: &str) -> String {
        let example = match self {
            _ if !media_type.contains('*') => media_type,
            Self::Text => "text/plain",
            Self::Bytes => "application/octet-stream",
            _ => "application/json",
        };
        example.to_owned()
    }
}

/// The answers of an operation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    /// The forms in the order of the document.
    pub(crate) forms: Vec<(AnsweredStatus, AnswerForm)>,
}

/// The statuses for which a document declares an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnsweredStatus {
    /// One status, `200`.
    One(u16),
    /// All statuses that begin with this digit, `2XX`.
    Class(u16),
    /// All statuses without a declaration of their own, `default`.
    Default,
}

impl AnsweredStatus {
    /// Reads a key of `responses`; `None` for an extension.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        if key.eq_ignore_ascii_case("default") {
            return Some(Self::Default);
        }
        match key.strip_suffix("XX").or_else(|| key.strip_suffix("xx")) {
            Some(class) => class.parse().ok().map(Self::Class),
            None => key.parse().ok().map(Self::One),
        }
    }

    fn is_success(self) -> bool {
        matches!(self, Self::One(200..300) | Self::Class(2))
    }
}

/// The content that is declared for one status.
#[derive(Debug, Clone)]
pub(crate) struct AnswerForm {
    /// JSON first, if the service can send it.
    pub(crate) media_types: Vec<String>,
    pub(crate) shape: Shape,
}

impl Answers {
    /// The form of an answer: by its status, else that of the first declared success (services often answer 201 where the document says 200),
    /// else the default.
    pub(crate) fn form(&self, status: u16) -> Option<&AnswerForm> {
        let by = |wanted: &dyn Fn(AnsweredStatus) -> bool| {
            self.forms.iter().find(|(answered, _)| wanted(*answered)).map(|(_, form)| form)
        };
        by(&|answered| answered == AnsweredStatus::One(status))
            .or_else(|| by(&AnsweredStatus::is_success))
            .or_else(|| by(&|answered| answered == AnsweredStatus::Default))
    }

    /// The `Accept` header.
    pub(crate) fn accept(&self) -> String {
        let media_types = self.form(200).map(|form| form.media_types.as_slice()).unwrap_or_default();
        match media_types.first() {
            None => "application/json, */*;q=0.8".to_owned(),
            Some(first) if first == "*/*" => "application/json, */*;q=0.8".to_owned(),
            Some(first) if Format::of(first) == Some(Format::Json) => first.clone(),
            Some(_) => media_types.join(", "),
        }
    }
}

/// A security scheme that an operation uses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SchemeUse {
    /// The name as in the properties, with other characters than letters and digits replaced by `_`.
    pub(crate) name: String,
    pub(crate) scheme: Scheme,
}

/// How the engine authenticates itself at the service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scheme {
    ApiKey {
        place: KeyPlace,
        name: String,
    },
    Basic,
    Bearer,
    /// `OAuth2` client credentials, with the document's token address.
    OAuth2 {
        token_url: Option<String>,
    },
    /// `OpenID` Connect, with the address of its discovery document.
    OpenId {
        discovery_url: String,
    },
}

/// Where an API key is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyPlace {
    Header,
    Query,
    Cookie,
}
