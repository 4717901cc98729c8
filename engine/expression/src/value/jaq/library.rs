//! The trait through which the functions of the interpreter's library work on values.

use super::super::Val;

impl jaq_std::ValT for Val {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        match self.plain() {
            array @ Self::Array(_) => Ok(array.elements().iter().cloned().collect()),
            other => Err(other),
        }
    }

    fn is_int(&self) -> bool {
        self.as_i64().is_some()
    }

    fn as_isize(&self) -> Option<isize> {
        self.as_i64().and_then(|number| isize::try_from(number).ok())
    }

    fn as_f64(&self) -> Option<f64> {
        self.as_number()
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        self.as_str().map(str::as_bytes)
    }

    fn as_sub_str(&self, sub: &[u8]) -> Self {
        Self::text(String::from_utf8_lossy(sub))
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::text(String::from_utf8_lossy(bytes.as_ref()))
    }
}
