//! A request under construction.
//!
//! Owns: [`RequestBuilder`] and [`Headers`]. Promises: each header occurs once, whatever the case of its name; [`Headers::add`] does not replace
//! it.

/// A request without its base address.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestBuilder {
    /// Upper case.
    pub(crate) method: String,
    /// Encoded path, later the whole address.
    pub(crate) url: String,
    /// Encoded `name=value` pieces.
    pub(crate) query: Vec<String>,
    pub(crate) headers: Headers,
    /// Content type and bytes.
    pub(crate) body: Option<(String, Vec<u8>)>,
}

impl RequestBuilder {
    pub(crate) fn new(method: &str) -> Self {
        Self { method: method.to_owned(), ..Self::default() }
    }

    /// The whole address: base, path and query. The base is empty when the URL is absolute.
    pub(crate) fn address(&self, base: &str) -> String {
        let slash = if base.is_empty() || self.url.starts_with('/') { "" } else { "/" };
        // A configured address may have a query of its own.
        let (base, own) =
            base.split_once('?').map_or((base, None), |(base, query)| (base, Some(query.to_owned())));
        let mut address = format!("{}{slash}{}", base.trim_end_matches('/'), self.url);
        for piece in own.iter().filter(|query| !query.is_empty()).chain(&self.query) {
            address.push(if address.contains('?') { '&' } else { '?' });
            address.push_str(piece);
        }
        address
    }
}

/// Headers to send.
#[derive(Clone, Default)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Sets a header, and replaces one of this name.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.0.push((name.to_owned(), value.into()));
    }

    /// Adds a header unless there is one of this name.
    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        if self.get(name).is_none() {
            self.0.push((name.to_owned(), value.into()));
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Values may be secret, so only the names are shown.
impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
