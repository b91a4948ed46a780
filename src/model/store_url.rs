//! Where materials lie that are too large for a ledger on a git remote: the URL of a folder or bucket, and a size in bytes.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// The URL of a store of materials, in its one spelling: `file:///mnt/evidence`, `s3://bucket/prefix`, `gs://..`, `az://..`.
///
/// It names no user, no password, no host and no options: those are of the machine that reads or writes, not of the policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct StoreUrl {
    scheme: StoreScheme,
    /// Empty for a folder.
    bucket: String,
    /// Segments joined by `/`, without one at either end; of a folder the path without its first `/`.
    prefix: String,
}

/// What kind of store a URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreScheme {
    /// A folder that all machines reach under the same path.
    File,
    /// A bucket of Amazon S3, or of what speaks its protocol.
    S3,
    /// A bucket of Google Cloud Storage.
    Google,
    /// A container of Azure Blob Storage.
    Azure,
}

/// Why a text is no URL of a store. It does not repeat the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreUrlError(pub &'static str);

/// A number of bytes, spelled in policies as `512 KiB` or `4 MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// Why a text is no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("wanted a number and one of KiB, MiB, such as 4 MiB")]
pub struct SizeError;

impl Size {
    /// Up to this size a material is always an object of git: a policy's own text never needs the store that it names.
    pub const INLINE_LEAST: Self = Self(256 << 10);
    /// What is larger is never an object of git: forges take no larger files.
    pub const INLINE_MOST: Self = Self(95 << 20);
}

impl StoreUrl {
    /// Returns what kind of store it is.
    #[must_use]
    pub const fn scheme(&self) -> StoreScheme {
        self.scheme
    }

    /// Returns the bucket or container; empty for a folder.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Returns what stands before each name, without a `/` at either end; of a folder its path.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl StoreScheme {
    const ALL: [Self; 4] = [Self::File, Self::S3, Self::Google, Self::Azure];

    /// Returns how URLs spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

impl From<StoreUrl> for String {
    fn from(url: StoreUrl) -> Self {
        url.to_string()
    }
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, StoreUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(StoreUrlError(SCHEMES))?;
        let known = StoreScheme::ALL.into_iter().find(|known| known.as_str() == scheme);
        let scheme = known.ok_or(StoreUrlError(SCHEMES))?;
        for (sign, reason) in SIGNS {
            if rest.contains(*sign) {
                return Err(StoreUrlError(reason));
            }
        }
        if text.len() > URL_BYTES_MAX {
            return Err(StoreUrlError("it has more than 512 bytes"));
        }
        let (bucket, prefix) = match rest.split_once('/') {
            Some((_, "")) => return Err(StoreUrlError("it ends with /, or names no folder")),
            Some((bucket, prefix)) => (bucket, prefix),
            None => (rest, ""),
        };
        match scheme {
            StoreScheme::File if !bucket.is_empty() => {
                return Err(StoreUrlError("a folder is file:///PATH, with three / and no host"));
            }
            StoreScheme::File if prefix.is_empty() => return Err(StoreUrlError("it names no folder")),
            StoreScheme::File => {}
            _ if !is_bucket(bucket) => return Err(StoreUrlError(BUCKETS)),
            _ => {}
        }
        if !prefix.is_empty() && !prefix.split('/').all(is_segment) {
            return Err(StoreUrlError(SEGMENTS));
        }
        Ok(Self { scheme, bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

fn is_bucket(bucket: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = bucket.as_bytes();
    (3..=63).contains(&bytes.len())
        && is_end(bytes.first())
        && is_end(bytes.last())
        && !bucket.contains("..")
        && bytes.iter().all(|byte| is_end(Some(byte)) || b"-._".contains(byte))
}

fn is_segment(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._=+,".contains(&byte);
    !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(is_plain)
}

impl fmt::Display for Size {
    /// Writes the largest unit that leaves no rest: `4 MiB`, `1536 KiB`, `10 bytes`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, bytes) in UNITS {
            if self.0 > 0 && self.0.is_multiple_of(bytes) {
                return write!(f, "{} {unit}", self.0 / bytes);
            }
        }
        write!(f, "{} bytes", self.0)
    }
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let (digits, unit) = text.split_once(' ').ok_or(SizeError)?;
        let (_, bytes) = UNITS.into_iter().find(|(known, _)| *known == unit).ok_or(SizeError)?;
        if digits.len() > 9 || digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SizeError);
        }
        let count: u64 = digits.parse().map_err(|_| SizeError)?;
        Ok(Self(count * bytes))
    }
}

const UNITS: [(&str, u64); 2] = [("MiB", 1 << 20), ("KiB", 1 << 10)];
/// Object keys have at most 1,024 bytes.
const URL_BYTES_MAX: usize = 512;
const SCHEMES: &str = "wanted file:///FOLDER, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX";
const BUCKETS: &str = "a bucket has 3 to 63 lower-case letters, digits, - . and _, with a letter or digit at both ends";
const SEGMENTS: &str = "between its / stand letters, digits and - . _ = + , and never . or .. alone";
/// What no URL of a store has, and why.
const SIGNS: &[(char, &str)] = &[
    ('@', "it holds user info: credentials come from the environment of whoever reads or writes"),
    ('?', "it holds a query: options and tokens come from the environment of whoever reads or writes"),
    ('#', "it holds a fragment"),
    ('%', "it holds a percent sign: names are spelled as they are"),
    (':', "it holds a port: endpoints come from the environment of whoever reads or writes"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_one_spelling() {
        for text in [
            "file:///mnt/evidence",
            "file:///a",
            "s3://my-bucket",
            "s3://my.bucket-1/team/shop",
            "gs://shop_materials/evidence",
            "az://evidence/2026/Q4",
        ] {
            assert_eq!(text.parse::<StoreUrl>().unwrap().to_string(), text);
        }
        let url: StoreUrl = "s3://shop/a/b".parse().unwrap();
        assert_eq!((url.scheme(), url.bucket(), url.prefix()), (StoreScheme::S3, "shop", "a/b"));
        let url: StoreUrl = "file:///srv/x".parse().unwrap();
        assert_eq!((url.scheme(), url.bucket(), url.prefix()), (StoreScheme::File, "", "srv/x"));
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for (text, part) in [
            ("s3://AKIA:secret@bucket/x", "user info"),
            ("s3://user@bucket", "user info"),
            ("az://evidence?sig=secret", "query"),
            ("s3://bucket/x?versionId=1", "query"),
            ("gs://bucket#x", "fragment"),
            ("s3://bucket/%2e%2e/x", "percent"),
            ("s3://localhost:9000/x", "port"),
            ("http://bucket/x", "wanted file:///FOLDER"),
            ("https://bucket.s3.amazonaws.com/x", "wanted file:///FOLDER"),
            ("S3://bucket", "wanted file:///FOLDER"),
            ("bucket/x", "wanted file:///FOLDER"),
            ("", "wanted file:///FOLDER"),
            ("s3://", "a bucket has"),
            ("s3:///x", "a bucket has"),
            ("s3://ab", "a bucket has"),
            ("s3://Bucket", "a bucket has"),
            ("s3://-bucket", "a bucket has"),
            ("s3://bu..cket", "a bucket has"),
            ("s3://bucket/", "ends with /"),
            ("s3://bucket/a/", "between its /"),
            ("s3://bucket//a", "between its /"),
            ("s3://bucket/../a", "between its /"),
            ("s3://bucket/a b", "between its /"),
            ("s3://bucket/a\nb", "between its /"),
            ("s3://bucket/\u{e9}", "between its /"),
            ("file://host/x", "three /"),
            ("file://", "names no folder"),
            ("file:///", "names no folder"),
            ("file:///a/../b", "between its /"),
            ("file:/a", "wanted file:///FOLDER"),
        ] {
            let error = text.parse::<StoreUrl>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let long = format!("s3://bucket/{}", "a".repeat(600));
        assert!(long.parse::<StoreUrl>().is_err());
    }

    #[test]
    fn sizes_are_a_number_and_a_unit() {
        assert_eq!("4 MiB".parse(), Ok(Size(4 << 20)));
        assert_eq!("512 KiB".parse(), Ok(Size(512 << 10)));
        for size in [Size(4 << 20), Size(1536 << 10), Size(1 << 10)] {
            assert_eq!(size.to_string().parse(), Ok(size));
        }
        assert_eq!(Size(10).to_string(), "10 bytes");
        for bad in [
            "4MiB",
            "4 mib",
            "0 MiB",
            "04 MiB",
            "-4 MiB",
            "4 MB",
            "4  MiB",
            " MiB",
            "4",
            "",
            "9999999999 KiB",
            "+4 MiB",
        ] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }
}
