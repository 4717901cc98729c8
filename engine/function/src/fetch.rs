//! Fetches the documents that definitions name by an http(s) address.
//!
//! Owns: [`Fetcher`], for loading only. Promises: a document arrives or fails within [`DEADLINE`]; credentials appear in no message and go to no
//! other host. It blocks its caller, but also works inside an asynchronous runtime, because it runs on a thread of its own.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use rondo_definition::{Fetch, Properties};
use rondo_memory::{MemoryBudget, Share};
use url::Url;

use crate::error::CallErrorKind;
use crate::large_answer::BeforeLargeAnswer;
use crate::mask::Mask;
use crate::proxy::Proxying;
use crate::redirects::Redirects;
use crate::request_builder::Headers;
use crate::secret::Secret;
use crate::setup::{SetupError, transport_options};
use crate::transport::{Outgoing, Transport, TransportOptions};

/// Longest time for a document: a person or a starting cluster waits until the folder is loaded.
const DEADLINE: Duration = Duration::from_secs(10);

/// Most bytes of all documents of one load. The largest published ones (GitHub, Kubernetes) have 10 MB.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Fetches documents, each once; every load of a folder makes its own fetcher. [`rondo_definition::Resources`] fetches with it, and
/// [`crate::Specs`] gives it the credentials that workflows define.
pub struct Fetcher {
    options: TransportOptions,
    /// `Authorization` by address.
    credentials: Mutex<HashMap<String, Secret>>,
    fetched: Mutex<HashMap<(String, Option<Secret>), Fetched>>,
    /// Memory for the fetched documents, which are kept until the folder is loaded.
    memory: MemoryBudget,
    taken: Mutex<Share>,
}

type Fetched = Result<Vec<u8>, String>;

impl Fetcher {
    /// Creates a fetcher with the trusted certificates and the limits of the properties.
    pub fn new(properties: &Properties) -> Result<Self, SetupError> {
        let options = transport_options(properties)?;
        let memory = MemoryBudget::new(MAX_BYTES);
        let taken = Mutex::new(memory.share());
        Ok(Self { options, credentials: Mutex::default(), fetched: Mutex::default(), memory, taken })
    }

    /// Sets the `Authorization` header for later fetches of the document at an address.
    pub(crate) fn authorize(&self, address: &str, authorization: &str) {
        let address = Url::parse(address).map_or_else(|_| address.to_owned(), String::from);
        let mut credentials = self.credentials.lock();
        credentials.insert(address, Secret::new(authorization));
    }
}

impl Fetch for Fetcher {
    fn fetch(&self, address: &str) -> Fetched {
        let credentials = self.credentials.lock();
        let key = (address.to_owned(), credentials.get(address).cloned());
        drop(credentials);
        // The lock is held while fetching, so that workflows bound at the same time share one request.
        let mut fetched = self.fetched.lock();
        if let Some(known) = fetched.get(&key) {
            return known.clone();
        }
        let authorization = key.1.as_ref().map(Secret::expose);
        let result = thread::scope(|scope| scope.spawn(|| self.fetch_now(address, authorization)).join());
        let mut mask = Mask::default();
        mask.hide(authorization.unwrap_or_default());
        let result = result
            .unwrap_or_else(|_| Err("the fetching thread failed".to_owned()))
            .map_err(|problem| mask.apply(&problem));
        fetched.insert(key, result.clone());
        result
    }
}

impl Fetcher {
    fn fetch_now(&self, address: &str, authorization: Option<&str>) -> Fetched {
        let url = Url::parse(address).map_err(|error| format!("is no address: {error}"))?;
        let mut headers = Headers::default();
        headers.set("Accept", "application/json, application/yaml, text/yaml, */*;q=0.8");
        if let Some(authorization) = authorization {
            headers.set("Authorization", authorization);
        }
        let outgoing = Outgoing {
            method: "GET".to_owned(),
            url,
            headers,
            body: None,
            max_answer_bytes: None,
            cuts_errors: true,
            connect_timeout: DEADLINE,
            deadline: DEADLINE,
            redirects: Redirects::Anywhere,
            proxying: Proxying::OfProcess,
            before_large_answer: BeforeLargeAnswer::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("{error}"))?;
        let incoming = runtime.block_on(async {
            let transport =
                Transport::new(self.options.clone(), 1, MemoryBudget::new(MAX_BYTES), Duration::ZERO)?;
            let mut share = self.memory.share();
            let incoming = transport.send(&outgoing, &mut share).await.map_err(|error| match error {
                CallErrorKind::NoRoom(_) => {
                    format!("the documents of one load take more than {MAX_BYTES} bytes together")
                }
                other => other.to_string(),
            })?;
            self.taken.lock().merge(share);
            Ok::<_, String>(incoming)
        })?;
        if !incoming.is_success() {
            let redirect = incoming.not_followed.map(|redirect| format!(": {redirect}")).unwrap_or_default();
            return Err(format!("answered {} {}{redirect}", incoming.status, incoming.reason));
        }
        Ok(incoming.body.bytes)
    }
}
