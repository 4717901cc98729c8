//! Quantities as Kubernetes writes them: `250m`, `1.5Gi`, `2e3`.

/// Suffixes and what they stand for; the longer ones first, so that `Mi` is not read as `M` with something behind it.
const SUFFIXES: [(&str, f64); 15] = [
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
];

/// The number that a quantity stands for; `None` for anything else.
pub(crate) fn read_quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    let (digits, unit) = SUFFIXES
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
        .unwrap_or((text, 1.0));
    // Rust reads more than Kubernetes writes: `inf`, `nan`.
    let is_number =
        digits.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.'));
    let number = digits.parse::<f64>().ok().filter(|number| is_number && number.is_finite())?;
    // Billionths are the smallest quantities, and a sum of them shall be what people write: 0.35 and 0.35 are 0.7.
    Some((number * unit * 1e9).round() / 1e9)
}

#[cfg(test)]
mod tests {
    use super::read_quantity;

    #[test]
    #[allow(clippy::float_cmp, reason = "these numbers are exact")]
    fn quantities_are_read_with_their_units() {
        for (text, expected) in [
            ("250m", Some(0.25)),
            ("0.7", Some(0.7)),
            ("700000000n", Some(0.7)),
            ("2", Some(2.0)),
            ("1Gi", Some(1_073_741_824.0)),
            ("1.5Ki", Some(1536.0)),
            ("1G", Some(1e9)),
            ("1e3", Some(1000.0)),
            ("2E", Some(2e18)),
            ("", None),
            ("Mi", None),
            ("lots", None),
            ("inf", None),
        ] {
            assert_eq!(read_quantity(text), expected, "{text}");
        }
    }
}
