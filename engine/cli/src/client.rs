//! The client of a running engine.

use std::process::ExitCode;

use reqwest::{
    Client, Method,
    header::{self, HeaderValue},
};
use rondo_definition::without_userinfo;
use serde_json::{Value, json};

use crate::output;

/// The address of an engine that was started without `--listen`.
pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// Address and credentials of the engine.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Target {
    /// Base URL of the engine.
    #[arg(long, default_value = DEFAULT_URL, env = "RONDO_URL", value_parser = address)]
    url: String,
    /// Token, where the engine asks for one.
    #[arg(long, env = "RONDO_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// An answer of the engine, of any status.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Target {
    pub(crate) fn at(url: String) -> Self {
        Self { url, token: None, json: false }
    }

    /// The same engine, asked with a token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Shows what the engine answers at a path: with `--json` as JSON, whose moments `write_times` makes readable, else as the lines that
    /// `describe` makes of it.
    pub(crate) async fn show(
        &self,
        path: &str,
        write_times: fn(&mut Value),
        describe: fn(&Value) -> Result<Vec<String>, serde_json::Error>,
    ) -> Result<ExitCode, String> {
        let mut answer = self.request(Method::GET, path, None).await?;
        if answer.status != 200 {
            return Err(message_of(&answer));
        }
        if self.json {
            write_times(&mut answer.body);
            output::json(&answer.body)?;
        } else {
            output::lines(describe(&answer.body).map_err(|error| {
                format!("the answer of the engine cannot be read: {error}; is it of the same version?")
            })?);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Sends a request. The error says that the engine cannot be reached, and at which address.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        self.send(method, path, body.map(|body| ("application/json", body.to_string()))).await
    }

    /// Sends a request whose body has a type of its own; see [`Target::request`].
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, String)>,
    ) -> Result<Answer, String> {
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let mut request = Client::new().request(method, &url);
        if let Some(token) = &self.token {
            if HeaderValue::from_bytes(token.as_bytes()).is_err() {
                return Err(
                    "the token (--token, or RONDO_TOKEN) has a line break or another control character"
                        .to_owned(),
                );
            }
            request = request.bearer_auth(token);
        }
        if let Some((content_type, body)) = body {
            request = request.header(header::CONTENT_TYPE, content_type).body(body);
        }
        let answer = request.send().await.map_err(|error| {
            let why = if error.is_connect() { "nothing listens there".to_owned() } else { error.to_string() };
            format!(
                "no engine at {}: {why}. Start one with `rondo serve`, or name another with --url",
                without_userinfo(&self.url)
            )
        })?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(|error| error.to_string())?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body })
    }

    /// Sends a query to the Data Index and returns `data`.
    pub(crate) async fn query(&self, query: &str, variables: Value) -> Result<Value, String> {
        let body = json!({"query": query, "variables": variables});
        let mut answer = self.request(Method::POST, "/graphql", Some(&body)).await?;
        if let Some(message) = answer.body.pointer("/errors/0/message").and_then(Value::as_str) {
            return Err(message.to_owned());
        }
        if answer.status != 200 {
            return Err(message_of(&answer));
        }
        Ok(answer.body.get_mut("data").map(Value::take).unwrap_or_default())
    }
}

/// Parses the value of `--url`.
fn address(text: &str) -> Result<String, String> {
    let url =
        url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match url {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("it is not an http or https address such as {DEFAULT_URL}")),
    }
}

/// The message of an error answer.
pub(crate) fn message_of(answer: &Answer) -> String {
    let message =
        answer.body.get("message").and_then(Value::as_str).or(answer.body.as_str()).unwrap_or_default();
    format!("the engine answered {}: {message}", answer.status)
}
