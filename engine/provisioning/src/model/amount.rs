//! A quantity of cores or GiB.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, Sub},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A quantity in thousandths, so that sums are exact: 0.1 + 0.2 cores are 0.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub(crate) struct Amount(i64);

/// The largest amount: the sum of nine million requests of this size is still a whole number of the database.
const MOST: f64 = 1e9;

impl Amount {
    /// Nothing.
    pub(crate) const ZERO: Self = Self(0);

    /// So many thousandths.
    pub(crate) const fn from_thousandths(thousandths: i64) -> Self {
        Self(thousandths)
    }

    /// So many whole ones.
    pub(crate) fn whole(count: u32) -> Self {
        Self(i64::from(count) * 1000)
    }

    /// In thousandths.
    pub(crate) const fn thousandths(self) -> i64 {
        self.0
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, thousandths) = (self.0 / 1000, (self.0 % 1000).abs());
        if thousandths == 0 {
            return write!(formatter, "{whole}");
        }
        let text = format!("{thousandths:03}");
        write!(formatter, "{whole}.{}", text.trim_end_matches('0'))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1000 == 0 {
            return serializer.serialize_i64(self.0 / 1000);
        }
        #[allow(
            clippy::cast_precision_loss,
            reason = "amounts are below the numbers that a float holds exactly"
        )]
        serializer.serialize_f64(self.0 as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let thousandths = (f64::deserialize(deserializer)? * 1000.0).round();
        if !(0.0..=MOST * 1000.0).contains(&thousandths) {
            return Err(D::Error::custom(format_args!("an amount is a number from 0 to {MOST}")));
        }
        #[allow(clippy::cast_possible_truncation, reason = "the range was checked, and it is whole")]
        Ok(Self(thousandths as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::Amount;

    #[test]
    fn amounts_add_up_exactly_and_print_as_short_as_they_can() {
        let read = |text: &str| serde_json::from_str::<Amount>(text);
        let sum = read("0.1").unwrap() + read("0.2").unwrap();
        for (amount, text) in
            [(sum, "0.3"), (read("16").unwrap(), "16"), (read("2.50").unwrap(), "2.5"), (Amount::ZERO, "0")]
        {
            assert_eq!(amount.to_string(), text);
            assert_eq!(serde_json::to_string(&amount).unwrap(), text);
        }
        for refused in ["-1", "1000000001", "1e18", "\"1\""] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }
}
