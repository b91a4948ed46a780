//! Look-ups across the log.
/// A look-up.
pub struct Lookup;
/// Its key.
pub struct LookupKey;
