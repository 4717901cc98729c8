//! A desk for tests, on a database of its own and beside flows that do nothing.

mod sums;

use std::sync::Arc;

use rondo_definition::Properties;
use rondo_event::{Channels, CloudEvent, Sender};
use rondo_function::{Caller, Secrets};
use rondo_memory::MemoryBudget;
use rondo_store::{Database, Transaction, WorkError};

use super::{Afterwards, Desk, Flows, Seal, Surroundings};
use crate::{settings::Settings, tables::DESK};

/// Flows that hear everything and do nothing.
struct Deaf;

impl Flows for Deaf {
    fn tell(&self, _: &mut Transaction<'_>, _: &CloudEvent) -> Result<Afterwards, WorkError<String>> {
        Ok(Box::new(|| ()))
    }

    fn has_one_for(&self, _: &str, event_type: &str) -> bool {
        event_type == "desk.provision.abacus"
    }
}

/// Seals nothing: no secret is in these tests.
struct Open;

impl Seal for Open {
    fn seal(&self, _: &str, text: &[u8]) -> Result<Vec<u8>, String> {
        Ok(text.to_vec())
    }

    fn open(&self, _: &str, sealed: &[u8]) -> Result<Vec<u8>, String> {
        Ok(sealed.to_vec())
    }
}

/// A desk of its own with these properties, which does nothing by itself.
pub(crate) async fn resting_desk(properties: &Properties) -> Desk {
    desk_on("sqlite::memory:", properties).await
}

/// The same on the database of a URL.
async fn desk_on(url: &str, properties: &Properties) -> Desk {
    let caller = Caller::new(properties, Secrets::default(), &MemoryBudget::new(1 << 26)).unwrap();
    let surroundings = Surroundings {
        database: Database::open(url, &[DESK]).await.unwrap(),
        flows: Arc::new(Deaf),
        seal: Arc::new(Open),
        sender: Arc::new(
            Sender::new(Arc::new(Channels::read(properties).0), caller.client().unwrap(), properties)
                .unwrap(),
        ),
        outbound: caller.outbound().unwrap(),
    };
    let settings = Settings::read(properties, "http://localhost:8080").unwrap();
    Desk::at_rest(surroundings, settings)
}
