//! Functions that call a Knative service.
//!
//! Owns: the address of the service, and the request. Source: `apache/incubator-kie-kogito-runtimes`, `KnativeWorkItemHandler` and its
//! `…ParamsDecorator`s. Never: asks the cluster's API; the cluster's DNS knows the name of a Knative service.

use std::time::Duration;

use rondo_definition::Properties;
use rondo_expression::Val;
use rondo_program::{HttpMethod, KnativeFunction};

use crate::caller::Request;
use crate::encoding::form_encode;
use crate::request_builder::RequestBuilder;
use crate::rest::{to_text, write_named};
use crate::settings::lookup;

/// The time limit of a call if `kogito.sw.functions.<name>.timeout` is not set. Source: `KnativeWorkItemHandler`.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// The prefix of the property that holds the address of a service.
const DISCOVERY: &str = "org.kie.kogito.addons.discovery.knative:";

/// Kubernetes sets this variable in each container, so its presence means that names of the cluster can be resolved.
const IN_CLUSTER: &str = "KUBERNETES_SERVICE_HOST";

/// The attributes that every `CloudEvent` must have, except for `id`, which is generated.
const REQUIRED_ATTRIBUTES: [&str; 3] = ["specversion", "source", "type"];

/// Prefixes of values that a property with `${knative:…}` or `${kubernetes:…}` has: the name of a service of Knative or of Kubernetes follows.
const RESOURCES: [&str; 2] = ["services.v1.serving.knative.dev/", "services.v1/"];

/// The address of a service that the value of a property names; `None` for any other value.
pub(crate) fn named_address(value: &str, properties: &Properties) -> Option<String> {
    let names_service = RESOURCES.iter().any(|resource| value.starts_with(resource));
    names_service.then(|| address(value, properties).ok()).flatten()
}

/// The address of a service: from a property, else its name in the cluster.
pub(crate) fn address(service: &str, properties: &Properties) -> Result<String, String> {
    let key = format!("{DISCOVERY}{service}");
    let configured = properties.resolve(&key).map_err(|error| error.to_string())?;
    if let Some(address) = configured.filter(|address| !address.trim().is_empty()) {
        return Ok(address.trim().to_owned());
    }
    if lookup(properties, IN_CLUSTER).is_none() {
        return Err(format!(
            "the address of the Knative service `{service}` is not known, because the engine runs in no cluster; set `{}`",
            escaped(&key)
        ));
    }
    let mut names = service.rsplit('/');
    let name = names.next().unwrap_or_default();
    // Three parts are kind, namespace and name; two are kind and name.
    let namespace = names.next().filter(|_| names.next().is_some());
    Ok(match namespace {
        Some(namespace) => format!("http://{name}.{namespace}.svc.cluster.local"),
        None => format!("http://{name}"),
    })
}

/// A key as a properties file must write it.
fn escaped(key: &str) -> String {
    key.replace(':', "\\:")
}

/// Builds the request with its whole address. The error names the argument at fault.
pub(crate) fn build(
    target: &KnativeFunction,
    address: String,
    request: &Request<'_>,
) -> Result<RequestBuilder, String> {
    let mut builder = RequestBuilder::new(target.method.as_str());
    builder.url = format!("{}{}", address.trim_end_matches('/'), target.path);
    builder.headers.add("Accept", "application/json");
    let arguments = match &request.arguments {
        None | Some(Val::Object(_)) => request.arguments.as_ref(),
        Some(_) => return Err("the arguments of a Knative function are an object".to_owned()),
    };
    if target.method == HttpMethod::Get {
        add_query(&mut builder, arguments.unwrap_or(&Val::Null))?;
        return Ok(builder);
    }
    let left = write_named(&mut builder, arguments.unwrap_or(&Val::Null));
    if target.as_cloud_event {
        let event = cloud_event(Val::object(left), request)?;
        let content_type = "application/cloudevents+json; charset=UTF-8".to_owned();
        builder.body = Some((content_type, event.to_json().into_bytes()));
        return Ok(builder);
    }
    let body = if left.is_empty() { request.state_data.clone() } else { Val::object(left) };
    if arguments.is_some() && missing_attribute(&body).is_none() {
        return Err(
            "the arguments are a CloudEvent, and the function does not send one; add `asCloudEvent=true` to its operation"
                .to_owned(),
        );
    }
    builder.body = Some(("application/json".to_owned(), body.to_json().into_bytes()));
    Ok(builder)
}

/// Adds the arguments of a GET. A prefix `QUERY_` stays in the name of its parameter, as on `SonataFlow`.
fn add_query(builder: &mut RequestBuilder, arguments: &Val) -> Result<(), String> {
    for (name, value) in arguments.members() {
        if let Some(header) = name.strip_prefix("HEADER_") {
            builder.headers.set(header, to_text(value));
            continue;
        }
        if matches!(value, Val::Object(_) | Val::Array(_)) {
            return Err(format!(
                "argument `{name}` is {}, which cannot be a query parameter",
                value.type_name()
            ));
        }
        builder.query.push(format!("{}={}", form_encode(name), form_encode(&to_text(value))));
    }
    Ok(())
}

/// Makes an event from arguments: its attributes become strings, and it gets an `id` if it has none.
fn cloud_event(arguments: Val, request: &Request<'_>) -> Result<Val, String> {
    if let Some(missing) = missing_attribute(&arguments) {
        return Err(format!("the arguments are no CloudEvent: there is no `{missing}`"));
    }
    let attribute = |(name, value): (&_, &Val)| {
        let value = match (name as &str, value) {
            ("specversion", Val::Int(1)) => Val::text("1.0"),
            // jq reads an argument such as `"42"` as a number, but attributes of a CloudEvent are strings.
            ("data", value) => value.clone(),
            (_, Val::Int(_) | Val::Float(_)) if is_context_attribute(name) => Val::text(value.to_text()),
            (_, value) => value.clone(),
        };
        (name.to_owned(), value)
    };
    let members = arguments.members().into_iter().map(|(name, value)| attribute((name, value)));
    let mut event = Val::object(members.collect::<Vec<(String, Val)>>());
    if event.get("id").is_none_or(Val::is_null) {
        let call = request.idempotency_key.rsplit(['-', '/']).next().unwrap_or_default();
        event.insert("id", Val::text(format!("{}_{call}", request.process.instance_id)));
    }
    Ok(event)
}

/// Whether the specification defines an attribute of this name, whose value is a string.
fn is_context_attribute(name: &str) -> bool {
    ["id", "specversion", "source", "type", "subject", "datacontenttype", "dataschema", "time"]
        .contains(&name)
}

/// The first required attribute of a `CloudEvent` that a value lacks.
fn missing_attribute(value: &Val) -> Option<&'static str> {
    REQUIRED_ATTRIBUTES.into_iter().find(|name| value.get(name).is_none_or(Val::is_null))
}

#[cfg(test)]
mod tests {
    use rondo_definition::Environment;

    use super::*;

    #[test]
    fn a_property_may_name_a_service_of_the_cluster() {
        let env = Environment::from_iter([("KUBERNETES_SERVICE_HOST".to_owned(), "10.0.0.1".to_owned())]);
        let line = "quarkus.rest-client.a.url=${knative:services.v1.serving.knative.dev/ns/greet}";
        let (properties, _) = Properties::parse("application.properties", line, env);
        let settings = crate::settings::ClientSettings { properties: &properties, key: "a", choice: None };
        let url = settings.base_url().ok().flatten();
        assert_eq!(url.as_deref(), Some("http://greet.ns.svc.cluster.local"));
        assert_eq!(named_address("https://services.v1/x", &properties), None);
    }

    #[test]
    fn an_address_is_a_property_or_a_name_in_the_cluster() {
        let in_cluster =
            Environment::from_iter([("KUBERNETES_SERVICE_HOST".to_owned(), "10.0.0.1".to_owned())]);
        let line = "org.kie.kogito.addons.discovery.knative\\:s.dev\\/ns\\/greet=http://h.test/base/\n";
        for (file, env, service, expected) in [
            (line, Environment::new(), "s.dev/ns/greet", Ok("http://h.test/base/")),
            ("", in_cluster.clone(), "s.dev/ns/greet", Ok("http://greet.ns.svc.cluster.local")),
            ("", in_cluster.clone(), "s.dev/greet", Ok("http://greet")),
            ("", in_cluster, "greet", Ok("http://greet")),
            (
                "",
                Environment::new(),
                "s.dev/ns/greet",
                Err(
                    "the address of the Knative service `s.dev/ns/greet` is not known, because the engine runs in no cluster; set `org.kie.kogito.addons.discovery.knative\\:s.dev/ns/greet`",
                ),
            ),
        ] {
            let (properties, _) = Properties::parse("application.properties", file, env);
            let address = address(service, &properties);
            assert_eq!(address.as_deref().map_err(String::as_str), expected, "{service}");
        }
    }
}
