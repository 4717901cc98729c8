//! What another part of the process gets that keeps tables of its own in the database of the engine: the database, the inbox within its
//! transactions, encryption, and the ways out.
//!
//! Never: instances. Such a part reaches them by events.

use std::sync::Arc;

use rondo_event::{CloudEvent, Sender};
use rondo_function::Outbound;
use rondo_store::{Database, Transaction, WorkError};

use crate::{engine::Engine, inbox::AcceptedWithin};

impl Engine {
    /// The database, if the engine opened one by its URL.
    pub fn database(&self) -> Option<&Database> {
        self.executor.database.as_ref()
    }

    /// Accepts an event within a transaction of [`Engine::database`]: it becomes durable together with everything else in the transaction.
    /// The error says why it cannot be accepted. The caller makes the answer go on once the transaction is written.
    pub fn accept_within(
        &self,
        transaction: &mut Transaction<'_>,
        event: &CloudEvent,
    ) -> Result<AcceptedWithin, WorkError<String>> {
        self.executor.receive_within(transaction, event)
    }

    /// Whether a served workflow starts by events of this type and source.
    pub fn starts_by(&self, source: &str, event_type: &str) -> bool {
        let event = CloudEvent::new(String::new(), source, event_type);
        self.executor.catalog().started_by(&event).next().is_some()
    }

    /// Encrypts a text with the key of the engine, for the thing of this name: under another name it cannot be decrypted. Fails when the
    /// system gives no random numbers; the text must not be stored then.
    pub fn encrypt(&self, owner: &str, text: &[u8]) -> Result<Vec<u8>, String> {
        self.executor.encryption.encrypt_for(owner.as_bytes(), text).map_err(|error| error.to_string())
    }

    /// Decrypts what [`Engine::encrypt`] made for this name.
    pub fn decrypt(&self, owner: &str, encrypted: &[u8]) -> Result<Vec<u8>, String> {
        self.executor.encryption.decrypt_for(owner.as_bytes(), encrypted).map_err(|error| error.to_string())
    }

    /// What sends events to the outgoing channels.
    pub fn sender(&self) -> &Arc<Sender> {
        &self.executor.sender
    }

    /// Sends HTTP requests with the proxies, authorities, refused addresses and memory of the engine's own calls. It follows no redirect.
    pub fn outbound(&self) -> Result<Outbound, String> {
        self.executor.caller.outbound()
    }
}
