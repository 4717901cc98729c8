//! `rondo emit`: sends an event to a running engine.

use std::process::ExitCode;

use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    client::{Target, message_of},
    instances::read_data,
    output,
};

/// The media type of an event in the JSON format.
const STRUCTURED: &str = "application/cloudevents+json";

/// Send an event.
#[derive(Debug, clap::Args)]
pub(crate) struct Emit {
    /// Type of the event, or `@FILE` with a whole event in JSON (`@-` reads standard input).
    event: String,
    /// Its data: JSON, or `@FILE`.
    #[arg(long)]
    data: Option<String>,
    /// Its source.
    #[arg(long, default_value = "rondo-emit")]
    source: String,
    /// Its id; an event of the same source and id that came before has no effect. By default a new one.
    #[arg(long)]
    id: Option<String>,
    /// A further attribute, such as `orderid=42`; may be given several times. `kogitoprocrefid` names the instance that it is for.
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,
    #[command(flatten)]
    target: Target,
}

impl Emit {
    pub(crate) async fn run(self) -> Result<ExitCode, String> {
        let event = self.event()?;
        let answer = self.target.send(Method::POST, "/", Some((STRUCTURED, event.to_string()))).await?;
        if answer.status != 202 {
            return Err(message_of(&answer));
        }
        let id = event.get("id").and_then(Value::as_str).unwrap_or_default();
        if self.target.json {
            output::json(&json!({ "id": id }))?;
        } else {
            output::line(id);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The event in the JSON format. Options replace the attributes of the file.
    fn event(&self) -> Result<Value, String> {
        let mut members = if self.event.starts_with('@') {
            match read_data(&self.event, "the event")? {
                Value::Object(members) => members,
                _ => return Err("the event is not a JSON object".to_owned()),
            }
        } else {
            let id = Uuid::new_v4().to_string();
            let own = [("specversion", "1.0"), ("id", &id), ("source", &self.source), ("type", &self.event)];
            own.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<_, _>>()
        };
        if let Some(id) = &self.id {
            members.insert("id".to_owned(), id.as_str().into());
        }
        if let Some(data) = &self.data {
            members.insert("data".to_owned(), read_data(data, "--data")?);
            members.entry("datacontenttype").or_insert_with(|| "application/json".into());
        }
        for (name, value) in &self.attributes {
            members.insert(name.to_ascii_lowercase(), value.as_str().into());
        }
        Ok(Value::Object(members))
    }
}

/// Parses the value of `--attribute`.
fn attribute(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_name || matches!(name, "data" | "specversion") {
        return Err(format!("`{name}` cannot be an attribute: its name has letters and digits only"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emit(event: &str) -> Emit {
        Emit {
            event: event.to_owned(),
            data: Some(r#"{"by": "ana"}"#.to_owned()),
            source: "/test".to_owned(),
            id: Some("7".to_owned()),
            attributes: vec![("orderId".to_owned(), "42".to_owned())],
            target: Target::at(String::new()),
        }
    }

    #[test]
    fn options_make_an_event() {
        let expected = json!({
            "specversion": "1.0", "id": "7", "source": "/test", "type": "approved", "orderid": "42",
            "datacontenttype": "application/json", "data": {"by": "ana"},
        });
        assert_eq!(emit("approved").event().unwrap(), expected);
    }

    #[test]
    fn a_file_is_a_whole_event_and_options_come_before_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            r#"{"specversion": "1.0", "id": "1", "source": "s", "type": "t", "orderid": "1"}"#,
        )
        .unwrap();
        let event = emit(&format!("@{}", file.path().display())).event().unwrap();
        assert_eq!(
            (&event["id"], &event["source"], &event["orderid"]),
            (&json!("7"), &json!("s"), &json!("42"))
        );
        std::fs::write(file.path(), "[]").unwrap();
        assert!(emit(&format!("@{}", file.path().display())).event().unwrap_err().contains("JSON object"));
    }

    #[test]
    fn an_attribute_has_a_name_and_a_value() {
        assert_eq!(attribute("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        for text in ["a", "=b", "a-b=c", "data=1"] {
            assert!(attribute(text).is_err(), "{text}");
        }
    }
}
