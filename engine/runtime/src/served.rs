//! The workflows that are served.

use std::{fmt, sync::Arc};

use parking_lot::RwLock;
use rondo_machine::{SuccessorCheck, SuccessorRequest};

use crate::catalog::Catalog;

/// The current catalog. It also checks the successors of `continueAs`.
pub(crate) struct Served(RwLock<Arc<Catalog>>);

impl Served {
    pub(crate) fn new(catalog: Catalog) -> Arc<Self> {
        Arc::new(Self(RwLock::new(Arc::new(catalog))))
    }

    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.0.read())
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the served workflows")
    }
}

impl SuccessorCheck for Served {
    fn check(&self, successor: &SuccessorRequest) -> Result<(), String> {
        let SuccessorRequest { workflow, version, data, .. } = successor;
        let deployed = self.catalog().require(workflow, version.as_deref())?;
        deployed.check_input(data)
    }
}
