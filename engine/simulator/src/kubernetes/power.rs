//! Starting and stopping virtual machines.

use jiff::Timestamp;

use super::cluster::Cluster;
use super::resource::MACHINES;
use super::status::Problem;

impl Cluster {
    /// Starts, stops or restarts a virtual machine.
    pub(super) fn act(
        &mut self,
        namespace: &str,
        name: &str,
        action: &str,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let key = (namespace.to_owned(), name.to_owned());
        let missing = || Problem::not_found(&MACHINES, name);
        let machine = self.machines.get_mut(&key).ok_or_else(missing)?;
        let object = self.objects.get_mut(&(MACHINES.plural, key.0, key.1)).ok_or_else(missing)?;
        let runs = match (action, machine.is_started()) {
            ("start", false) => true,
            ("stop", true) => false,
            ("restart", true) => {
                machine.stop();
                true
            }
            ("start", true) => return Err(Problem::conflict(&MACHINES, name, "VM is already running")),
            ("stop" | "restart", false) => {
                return Err(Problem::conflict(&MACHINES, name, "VM is not running"));
            }
            _ => return Err(Problem::no_such_path()),
        };
        let spec = &mut object["spec"];
        if spec["running"].is_boolean() {
            spec["running"] = runs.into();
        } else if spec["runStrategy"] != "Manual" {
            spec["runStrategy"] = if runs { "Always" } else { "Halted" }.into();
        }
        if runs {
            machine.start(now);
        } else {
            machine.stop();
        }
        Ok(())
    }
}
