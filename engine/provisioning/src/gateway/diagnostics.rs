//! Reads the diagnostics of Nova's servers.
//!
//! Promises: what a hypervisor does not say is absent, not zero. Source: Nova's API reference, "Show server diagnostics": since 2.48 the form is
//! the same for all hypervisors; before it each has its own, and libvirt's is read here.

use serde_json::Value;

use crate::model::Metrics;

const MIB: f64 = 1024.0 * 1024.0;
const KIB: f64 = 1024.0;

pub(super) fn read(answer: &Value) -> Metrics {
    if answer.get("cpu_details").is_some() || answer.get("memory_details").is_some() {
        of_all(answer)
    } else {
        of_libvirt(answer)
    }
}

fn of_all(answer: &Value) -> Metrics {
    let of_list = |list: &str, member: &str| -> Vec<f64> {
        answer[list].as_array().into_iter().flatten().filter_map(|item| item[member].as_f64()).collect()
    };
    let total = |list: &str, member: &str| {
        let values = of_list(list, member);
        (!values.is_empty()).then(|| values.iter().sum())
    };
    let cores = of_list("cpu_details", "utilisation");
    #[allow(clippy::cast_precision_loss, reason = "a server has few cores")]
    let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    Metrics {
        cpu_percent: (!cores.is_empty()).then(|| average(&cores)),
        memory_bytes: answer["memory_details"]["used"].as_f64().map(|used| used * MIB),
        memory_max_bytes: answer["memory_details"]["maximum"].as_f64().map(|most| most * MIB),
        disk_read_bytes: total("disk_details", "read_bytes"),
        disk_write_bytes: total("disk_details", "write_bytes"),
        net_in_bytes: total("nic_details", "rx_octets"),
        net_out_bytes: total("nic_details", "tx_octets"),
    }
}

/// Members such as `vda_read`, `tap0_rx` and `memory-rss`, the latter in KiB.
fn of_libvirt(answer: &Value) -> Metrics {
    let total = |ending: &str| {
        let members = answer.as_object().into_iter().flatten();
        let values: Vec<f64> = members
            .filter(|(name, _)| name.ends_with(ending))
            .filter_map(|(_, value)| value.as_f64())
            .collect();
        (!values.is_empty()).then(|| values.iter().sum())
    };
    Metrics {
        cpu_percent: None,
        memory_bytes: answer["memory-rss"].as_f64().map(|used| used * KIB),
        memory_max_bytes: answer["memory"].as_f64().map(|most| most * KIB),
        disk_read_bytes: total("_read"),
        disk_write_bytes: total("_write"),
        net_in_bytes: total("_rx"),
        net_out_bytes: total("_tx"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn diagnostics_are_read_in_both_forms() {
        let new = json!({
            "state": "running", "cpu_details": [{"id": 0, "time": 17, "utilisation": 15}, {"id": 1, "time": 17, "utilisation": 35}],
            "memory_details": {"maximum": 8192, "used": 1024}, "disk_details": [{"read_bytes": 100, "write_bytes": 200}, {"read_bytes": 1, "write_bytes": 2}],
            "nic_details": [{"rx_octets": 7, "tx_octets": 8}],
        });
        let metrics = read(&new);
        assert_eq!(
            (metrics.cpu_percent, metrics.memory_bytes, metrics.memory_max_bytes),
            (Some(25.0), Some(1024.0 * MIB), Some(8192.0 * MIB))
        );
        assert_eq!((metrics.disk_read_bytes, metrics.disk_write_bytes), (Some(101.0), Some(202.0)));
        assert_eq!((metrics.net_in_bytes, metrics.net_out_bytes), (Some(7.0), Some(8.0)));
        let old = read(
            &json!({"cpu0_time": 17, "memory": 524_288, "memory-rss": 100, "vda_read": 5, "vda_read_req": 900, "vda_write": 6, "tap1_rx": 3, "tap1_tx": 4}),
        );
        assert_eq!(
            (old.cpu_percent, old.memory_bytes, old.memory_max_bytes),
            (None, Some(100.0 * KIB), Some(512.0 * MIB))
        );
        assert_eq!((old.disk_read_bytes, old.net_out_bytes), (Some(5.0), Some(4.0)));
        assert_eq!(read(&json!({"cpu_details": [{"utilisation": null}]})), Metrics::default());
    }
}
