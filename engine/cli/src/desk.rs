//! Joins the provisioning desk to the engine: one process, one database, one address.
//!
//! Promises: what the desk changes and the event that tells a flow of it are written in one transaction.

use std::sync::Arc;

use rondo_definition::{Environment, Properties, settings};
use rondo_event::CloudEvent;
use rondo_provisioning::{Afterwards, DESK, Desk, Flows, Seal, Settings, Surroundings};
use rondo_runtime::{Engine, Neighbour};
use rondo_store::{Transaction, WorkError};
use uuid::Uuid;

/// The desk, where it is switched on.
pub(crate) fn neighbours(properties: &Properties) -> Vec<Neighbour> {
    // A wrong value is told when the desk is opened.
    let is_enabled = settings::DESK_ENABLED.flag(properties).unwrap_or_default();
    let desk = Neighbour {
        tables: DESK,
        source: rondo_provisioning::SOURCE,
        own_types: rondo_provisioning::TOLD_TYPES,
    };
    if is_enabled { vec![desk] } else { Vec::new() }
}

/// The environment with what flows need to call the desk, where nobody has set it: the address of the engine, and a token. The token is
/// another at each start, since calls take it from the properties when they are made.
pub(crate) fn with_defaults(environment: Environment, service_url: &str) -> Environment {
    let token = Uuid::new_v4().simple().to_string();
    environment
        .with_default(settings::SERVICE_URL.name, service_url)
        .with_default(settings::DESK_TOKEN.name, token)
}

/// Opens the desk of an engine; `None` when it is switched off. The error names the property that is wrong.
pub(crate) fn open(engine: &Engine) -> Result<Option<Desk>, String> {
    let properties = engine.properties();
    if !settings::DESK_ENABLED.flag(properties).map_err(|error| error.to_string())? {
        return Ok(None);
    }
    let settings = Settings::read(properties, engine.service_url()).map_err(|error| error.to_string())?;
    let database = engine.database().cloned().ok_or("the desk needs the database of the engine")?;
    let surroundings = Surroundings {
        database,
        flows: Arc::new(InboxOf(engine.clone())),
        seal: Arc::new(KeyOf(engine.clone())),
        sender: Arc::clone(engine.sender()),
        outbound: engine.outbound()?,
    };
    Ok(Some(Desk::open(surroundings, settings)))
}

/// The inbox of the engine.
struct InboxOf(Engine);

impl Flows for InboxOf {
    fn tell(
        &self,
        transaction: &mut Transaction<'_>,
        event: &CloudEvent,
    ) -> Result<Afterwards, WorkError<String>> {
        let accepted = self.0.accept_within(transaction, event)?;
        Ok(Box::new(move || accepted.go_on()))
    }

    fn has_one_for(&self, source: &str, event_type: &str) -> bool {
        self.0.starts_by(source, event_type)
    }
}

/// The key of the engine.
struct KeyOf(Engine);

impl Seal for KeyOf {
    fn seal(&self, owner: &str, text: &[u8]) -> Result<Vec<u8>, String> {
        self.0.encrypt(owner, text)
    }

    fn open(&self, owner: &str, sealed: &[u8]) -> Result<Vec<u8>, String> {
        self.0.decrypt(owner, sealed)
    }
}
