//! Kubernetes' quantities: `500m`, `2`, `1.5`, `512Mi`, `10Gi`.

/// What the suffixes stand for, in thousandths.
const SUFFIXES: [(&str, u128); 11] = [
    ("Ki", 1000 << 10),
    ("Mi", 1000 << 20),
    ("Gi", 1000 << 30),
    ("Ti", 1000 << 40),
    ("Pi", 1000 << 50),
    ("m", 1),
    ("k", 1_000_000),
    ("M", 1_000_000_000),
    ("G", 1_000_000_000_000),
    ("T", 1_000_000_000_000_000),
    ("", 1000),
];

/// A quantity in thousandths; nothing if the text is none.
pub(super) fn parse(text: &str) -> Option<u128> {
    let (number, factor) =
        SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)))?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u128 = whole.parse().ok()?;
    let parts: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let scale = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    Some(whole * factor + parts * factor / scale)
}

/// The shortest text of a quantity in thousandths.
pub(super) fn text(thousandths: u128) -> String {
    if !thousandths.is_multiple_of(1000) {
        return format!("{thousandths}m");
    }
    let fits =
        SUFFIXES[..5].iter().rev().find(|(_, factor)| thousandths > 0 && thousandths.is_multiple_of(*factor));
    match fits {
        Some((suffix, factor)) => format!("{}{suffix}", thousandths / factor),
        None => (thousandths / 1000).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_and_written() {
        for (given, thousandths, written) in [
            ("2", 2000, "2"),
            ("500m", 500, "500m"),
            ("0.5", 500, "500m"),
            ("1.5Gi", (1000 * 1536) << 20, "1536Mi"),
            ("16Gi", 16_000 << 30, "16Gi"),
            ("1k", 1_000_000, "1000"),
            ("0", 0, "0"),
        ] {
            assert_eq!(parse(given), Some(thousandths), "{given}");
            assert_eq!(text(thousandths), written);
        }
        for wrong in ["", "Gi", "-1", "1e3", "1..5", "ten", "1 Gi"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
