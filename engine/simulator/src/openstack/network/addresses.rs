//! Addresses of subnets: what is in a range, and which is free.

use std::net::Ipv4Addr;

/// A range of addresses in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    first: u32,
    prefix: u32,
}

impl Range {
    /// Reads `10.0.0.0/24`; nothing for another form, for host bits that are set, and for ranges without room.
    pub(super) fn parse(cidr: &str) -> Option<Self> {
        let (address, prefix) = cidr.split_once('/')?;
        let first = u32::from(address.parse::<Ipv4Addr>().ok()?);
        let prefix: u32 = prefix.parse().ok().filter(|prefix| (8..=30).contains(prefix))?;
        let range = Self { first, prefix };
        (first & (range.size() - 1) == 0).then_some(range)
    }

    fn size(self) -> u32 {
        1 << (32 - self.prefix)
    }

    /// The first address, which the router takes.
    pub(super) fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from(self.first + 1)
    }

    /// The addresses for servers, in order: all but the network's own, the gateway's and the broadcast one.
    pub(super) fn hosts(self) -> impl Iterator<Item = Ipv4Addr> {
        (2..self.size() - 1).map(move |offset| Ipv4Addr::from(self.first + offset))
    }

    /// Whether an address is in both.
    pub(super) fn overlaps(self, other: Self) -> bool {
        let prefix = self.prefix.min(other.prefix);
        let shift = 32 - prefix;
        self.first >> shift == other.first >> shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_hosts_between_gateway_and_broadcast() {
        let range = Range::parse("10.0.0.8/29").unwrap();
        let hosts: Vec<String> = range.hosts().map(|address| address.to_string()).collect();
        assert_eq!(hosts, ["10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"]);
        assert_eq!(range.gateway().to_string(), "10.0.0.9");
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for cidr in [
            "",
            "10.0.0.0",
            "10.0.0.0/31",
            "10.0.0.0/33",
            "10.0.0.1/24",
            "10.0.0/24",
            "fd00::/64",
            "0.0.0.0/0",
        ] {
            assert_eq!(Range::parse(cidr), None, "{cidr}");
        }
    }

    #[test]
    fn ranges_overlap_when_one_holds_the_other() {
        let overlap = |one, other| Range::parse(one).unwrap().overlaps(Range::parse(other).unwrap());
        assert!(overlap("10.0.0.0/8", "10.3.0.0/16") && overlap("10.3.0.0/16", "10.0.0.0/8"));
        assert!(!overlap("10.0.0.0/24", "10.0.1.0/24"));
    }
}
