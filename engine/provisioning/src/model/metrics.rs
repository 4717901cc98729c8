//! What is measured of something that runs.

use serde::Serialize;

/// Measured values; what nobody measures is absent.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metrics {
    /// Use of the processors, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_percent: Option<f64>,
    /// Memory in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_bytes: Option<f64>,
    /// Memory that there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_max_bytes: Option<f64>,
    /// Read from disks since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disk_read_bytes: Option<f64>,
    /// Written to disks since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disk_write_bytes: Option<f64>,
    /// Received since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) net_in_bytes: Option<f64>,
    /// Sent since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) net_out_bytes: Option<f64>,
}

impl Metrics {
    /// The metrics of several things together: the average use of processors, and sums.
    pub(crate) fn of_all(each: &[Self]) -> Self {
        let values = |member: fn(&Self) -> Option<f64>| each.iter().filter_map(member).collect::<Vec<_>>();
        let total = |member: fn(&Self) -> Option<f64>| {
            let values = values(member);
            (!values.is_empty()).then(|| values.iter().sum())
        };
        let cpu = values(|one| one.cpu_percent);
        #[allow(clippy::cast_precision_loss, reason = "a request has few machines")]
        let average = (!cpu.is_empty()).then(|| cpu.iter().sum::<f64>() / cpu.len() as f64);
        Self {
            cpu_percent: average,
            memory_bytes: total(|one| one.memory_bytes),
            memory_max_bytes: total(|one| one.memory_max_bytes),
            disk_read_bytes: total(|one| one.disk_read_bytes),
            disk_write_bytes: total(|one| one.disk_write_bytes),
            net_in_bytes: total(|one| one.net_in_bytes),
            net_out_bytes: total(|one| one.net_out_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_machines_are_added_up() {
        let one = Metrics { cpu_percent: Some(10.0), memory_bytes: Some(5.0), ..Metrics::default() };
        let other = Metrics {
            cpu_percent: Some(30.0),
            memory_bytes: Some(6.0),
            net_in_bytes: Some(1.0),
            ..Metrics::default()
        };
        let all = Metrics {
            cpu_percent: Some(20.0),
            memory_bytes: Some(11.0),
            net_in_bytes: Some(1.0),
            ..Metrics::default()
        };
        assert_eq!(Metrics::of_all(&[one, other]), all);
        assert_eq!(Metrics::of_all(&[]), Metrics::default());
    }
}
