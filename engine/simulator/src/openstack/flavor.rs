//! The flavors that Nova offers, and how large a host is.

use serde_json::{Value, json};

/// A size of servers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flavor {
    pub(super) id: &'static str,
    name: &'static str,
    pub(super) vcpus: u64,
    /// Memory in MiB.
    pub(super) ram: u64,
}

/// Virtual CPUs of the largest host. The largest flavor has more, so that it finds none.
const HOST_VCPUS: u64 = 64;

const FLAVORS: [Flavor; 8] = [
    Flavor { id: "1", name: "c1m2", vcpus: 1, ram: 2048 },
    Flavor { id: "2", name: "c2m4", vcpus: 2, ram: 4096 },
    Flavor { id: "3", name: "c4m8", vcpus: 4, ram: 8192 },
    Flavor { id: "4", name: "c8m16", vcpus: 8, ram: 16_384 },
    Flavor { id: "5", name: "c16m32", vcpus: 16, ram: 32_768 },
    Flavor { id: "6", name: "c32m64", vcpus: 32, ram: 65_536 },
    Flavor { id: "7", name: "c64m256", vcpus: 64, ram: 262_144 },
    Flavor { id: "8", name: "c128m512", vcpus: 128, ram: 524_288 },
];

impl Flavor {
    pub(super) fn all() -> impl Iterator<Item = &'static Self> {
        FLAVORS.iter()
    }

    pub(super) fn find(id: &str) -> Option<&'static Self> {
        Self::all().find(|flavor| flavor.id == id)
    }

    /// Whether some host has room for a server of this size.
    pub(super) fn fits_a_host(&self) -> bool {
        self.vcpus <= HOST_VCPUS
    }

    /// As the list of flavors shows it.
    pub(super) fn view(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "vcpus": self.vcpus, "ram": self.ram, "disk": 0, "swap": 0,
            "OS-FLV-EXT-DATA:ephemeral": 0, "os-flavor-access:is_public": true, "extra_specs": {},
        })
    }

    /// As a server shows its own.
    pub(super) fn embedded_view(&self) -> Value {
        json!({
            "vcpus": self.vcpus, "ram": self.ram, "disk": 0, "ephemeral": 0, "swap": 0,
            "original_name": self.name, "extra_specs": {},
        })
    }
}
