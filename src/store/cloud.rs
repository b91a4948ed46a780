//! A store of materials at Amazon, Google or Azure, or at what speaks their protocols.
//!
//! One thread waits for the answers. What the policy says is bucket and prefix; all else, and every credential, is read from the variables
//! that the clouds' own tools use, and is in no message: what a server says is cut, and values of the environment are masked in it.

use std::error::Error as _;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::sync::Once;
use std::time::Duration;

use futures_util::StreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt as _, PutMode as CloudMode, PutOptions,
    PutPayload, RetryConfig,
};
use tokio::runtime::{Builder, Runtime};

use super::objects::{OBJECT_BYTES_MAX, Put, PutMode, Store, Trouble};
use crate::model::{Digest, StoreScheme, StoreUrl};

/// A bucket.
pub(super) struct Cloud {
    runtime: Runtime,
    bucket: Box<dyn ObjectStore>,
    prefix: String,
    /// What is in no message.
    secrets: Vec<String>,
}

impl Cloud {
    /// Opens a bucket; nothing is sent yet.
    pub(super) fn open(url: &StoreUrl, environment: &[(String, String)], silence: Duration) -> Result<Self, Trouble> {
        use_ring();
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Trouble::Here)?;
        let secrets = secrets(environment);
        let bucket = bucket(url, environment, silence).map_err(|error| said(&error, &secrets))?;
        Ok(Self { runtime, bucket, prefix: url.prefix().to_owned(), secrets })
    }

    fn path(&self, digest: &Digest) -> Result<Path, Trouble> {
        let separator = if self.prefix.is_empty() { "" } else { "/" };
        let path = Path::parse(format!("{}{separator}{digest}", self.prefix));
        path.map_err(|error| Trouble::Store(error.to_string()))
    }

    fn trouble(&self, error: &Error) -> Trouble {
        said(error, &self.secrets)
    }

    /// Makes a small object in one request.
    async fn put_whole(&self, path: &Path, from: &mut File, mode: PutMode) -> Result<Put, Trouble> {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).map_err(Trouble::Here)?;
        let payload = PutPayload::from(bytes);
        if mode == PutMode::New {
            let options = PutOptions { mode: CloudMode::Create, ..PutOptions::default() };
            match self.bucket.put_opts(path, payload.clone(), options).await {
                Ok(_) => return Ok(Put::Done),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => return Ok(Put::Found),
                // Not every server that speaks S3 puts on condition. What is put is called as its hash, so that no other loses by it.
                Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {}
                Err(error) => return Err(self.trouble(&error)),
            }
            if self.is_there(path).await? {
                return Ok(Put::Found);
            }
        }
        self.bucket.put(path, payload).await.map_err(|error| self.trouble(&error))?;
        Ok(Put::Done)
    }

    /// Makes a large object in parts; it is there once the last is.
    async fn put_parts(&self, path: &Path, from: &mut File, mode: PutMode) -> Result<Put, Trouble> {
        if mode == PutMode::New && self.is_there(path).await? {
            return Ok(Put::Found);
        }
        let failed = |error: Error| self.trouble(&error);
        let mut parts = self.bucket.put_multipart(path).await.map_err(failed)?;
        let sent = async {
            loop {
                let mut part = Vec::new();
                (&mut *from).take(PART_BYTES).read_to_end(&mut part).map_err(Trouble::Here)?;
                if part.is_empty() {
                    break;
                }
                parts.put_part(part.into()).await.map_err(failed)?;
            }
            parts.complete().await.map_err(failed)
        };
        match sent.await {
            Ok(_) => Ok(Put::Done),
            Err(trouble) => {
                // What is left of it is no object; a rule of the bucket takes it away.
                let _ = parts.abort().await;
                Err(trouble)
            }
        }
    }

    async fn is_there(&self, path: &Path) -> Result<bool, Trouble> {
        match self.bucket.head(path).await {
            Ok(_) => Ok(true),
            // The answer to this question has no text that would say that the bucket is missing; the put will say it.
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.trouble(&error)),
        }
    }

    async fn get(&self, path: &Path, to: &mut dyn Write) -> Result<bool, Trouble> {
        let failed = |error: Error| self.trouble(&error);
        let found = match self.bucket.get(path).await {
            Ok(found) => found,
            Err(error @ Error::NotFound { .. }) if !is_without_bucket(&error) => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        let mut left = OBJECT_BYTES_MAX;
        let mut chunks = found.into_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(failed)?;
            let count = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            left = left.checked_sub(count).ok_or_else(|| Trouble::Store("it sends without end".to_owned()))?;
            to.write_all(&chunk).map_err(Trouble::Here)?;
        }
        Ok(true)
    }
}

impl Store for Cloud {
    fn get(&self, digest: &Digest, to: &mut dyn Write) -> Result<bool, Trouble> {
        let path = self.path(digest)?;
        self.runtime.block_on(self.get(&path, to))
    }

    fn put(&self, digest: &Digest, from: &mut File, mode: PutMode) -> Result<Put, Trouble> {
        let path = self.path(digest)?;
        let bytes = from.metadata().map_err(Trouble::Here)?.len();
        from.seek(SeekFrom::Start(0)).map_err(Trouble::Here)?;
        if bytes <= PART_BYTES {
            self.runtime.block_on(self.put_whole(&path, from, mode))
        } else {
            self.runtime.block_on(self.put_parts(&path, from, mode))
        }
    }
}

/// Makes the client of a bucket: what the policy says comes last, so that no variable names another bucket.
fn bucket(url: &StoreUrl, environment: &[(String, String)], silence: Duration) -> Result<Box<dyn ObjectStore>, Error> {
    let options = ClientOptions::new().with_timeout_disabled().with_connect_timeout(silence).with_read_timeout(silence);
    let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES_MAX, retry_timeout: silence };
    let of = |prefix: &'static str| {
        environment.iter().filter(move |(name, _)| name.starts_with(prefix)).map(|(name, value)| {
            // Names that say nothing to the client are somebody else's.
            (name.to_ascii_lowercase(), value.clone())
        })
    };
    let valued = |wanted: &str| environment.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    Ok(match url.scheme() {
        StoreScheme::Google => {
            // Who names an endpoint without TLS allows it.
            let plain = valued("GOOGLE_BASE_URL").is_some_and(|url| url.starts_with("http://"));
            let options = options.with_allow_http(plain);
            let mut builder = GoogleCloudStorageBuilder::new().with_client_options(options).with_retry(retry);
            for (key, value) in of("GOOGLE_") {
                builder = key.parse().map(|key| builder.clone().with_config(key, value)).unwrap_or(builder);
            }
            Box::new(builder.with_bucket_name(url.bucket()).build()?)
        }
        StoreScheme::Azure => {
            let mut builder = MicrosoftAzureBuilder::new().with_client_options(options).with_retry(retry);
            for (key, value) in of("AZURE_") {
                builder = key.parse().map(|key| builder.clone().with_config(key, value)).unwrap_or(builder);
            }
            if let Some(endpoint) = valued("IDENTITY_ENDPOINT") {
                builder = builder.with_msi_endpoint(endpoint);
            }
            Box::new(builder.with_container_name(url.bucket()).build()?)
        }
        StoreScheme::S3 | StoreScheme::File => {
            let mut builder = AmazonS3Builder::new().with_client_options(options).with_retry(retry);
            for (key, value) in of("AWS_") {
                builder = key.parse().map(|key| builder.clone().with_config(key, value)).unwrap_or(builder);
            }
            Box::new(builder.with_bucket_name(url.bucket()).build()?)
        }
    })
}

/// Lets TLS be done by ring, unless somebody has chosen otherwise.
fn use_ring() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Returns what of the environment is in no message.
fn secrets(environment: &[(String, String)]) -> Vec<String> {
    let is_secret = |name: &str| SECRET_WORDS.iter().any(|word| name.contains(word));
    let values = environment.iter().filter(|(name, value)| is_secret(name) && value.len() >= SECRET_BYTES_MIN);
    let mut values: Vec<String> = values.map(|(_, value)| value.clone()).collect();
    // One may begin another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values
}

/// Returns what went wrong, in the server's words, or in those of whoever could not reach it.
fn said(error: &Error, secrets: &[String]) -> Trouble {
    let text = error.to_string();
    let tag = |name: &str| text.split_once(&format!("<{name}>"))?.1.split_once('<').map(|(text, _)| text.to_owned());
    let message = match (tag("Code"), tag("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code,
        _ => {
            let mut root: &dyn std::error::Error = error;
            let mut outer = text.clone();
            while let Some(source) = root.source() {
                outer = root.to_string();
                root = source;
            }
            // The last of them alone may say too little: `timed out`.
            if outer.len() <= MESSAGE_CHARS_MAX && outer.contains(&root.to_string()) { outer } else { root.to_string() }
        }
    };
    Trouble::Store(shown(&message, secrets))
}

/// Returns a message without secrets, queries of URLs and control characters.
fn shown(message: &str, secrets: &[String]) -> String {
    let mut text = message.to_owned();
    for secret in secrets {
        text = text.replace(secret.as_str(), "***");
    }
    let words = text.split(' ').map(|word| match word.split_once('?') {
        Some((url, _)) if url.contains("://") => url,
        _ => word,
    });
    let text = words.collect::<Vec<_>>().join(" ");
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MESSAGE_CHARS_MAX).collect()
}

/// Returns whether it is not the object that is missing, but what it would lie in.
fn is_without_bucket(error: &Error) -> bool {
    let text = error.source().map_or_else(String::new, ToString::to_string);
    ["NoSuchBucket", "ContainerNotFound", "ResourceNotFound", "bucket does not exist", "container does not exist"]
        .iter()
        .any(|word| text.contains(word))
}

/// Objects up to this size are put in one request, larger ones in parts of it.
const PART_BYTES: u64 = 8 << 20;
/// So often a request is made again.
const RETRIES_MAX: usize = 3;
const MESSAGE_CHARS_MAX: usize = 300;
/// What a variable's name holds whose value is in no message.
const SECRET_WORDS: [&str; 7] = ["KEY", "SECRET", "TOKEN", "SAS", "PASSWORD", "CREDENTIAL", "SIGNATURE"];
/// Shorter values are words of every message.
const SECRET_BYTES_MIN: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256;

    #[test]
    fn messages_hold_no_secrets_and_no_queries() {
        let environment = [
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "canary-1234567890".to_owned()),
            ("AZURE_STORAGE_SAS_TOKEN".to_owned(), "sig=canary%2Fabc".to_owned()),
            ("AWS_REGION".to_owned(), "eu-central-1".to_owned()),
        ];
        let secrets = secrets(&environment);
        let text = "GET http://x.example/b/k?sig=canary%2Fabc failed in eu-central-1: canary-1234567890\r\n?why";
        let shown = shown(text, &secrets);
        assert_eq!(shown, "GET http://x.example/b/k failed in eu-central-1: ***  ?why");
        assert!(super::shown(&"x".repeat(9_000), &secrets).len() <= MESSAGE_CHARS_MAX);
    }

    #[test]
    fn policy_names_the_bucket_and_no_variable_does() {
        let environment = [
            ("AWS_BUCKET".to_owned(), "other".to_owned()),
            ("AWS_ACCESS_KEY_ID".to_owned(), "id".to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "secret".to_owned()),
            ("AWS_OF_TOMORROW".to_owned(), "x".to_owned()),
        ];
        let url = "s3://shop/x".parse().unwrap();
        let cloud = Cloud::open(&url, &environment, Duration::from_secs(1)).unwrap();
        assert!(cloud.bucket.to_string().contains("shop"), "{}", cloud.bucket);
        assert_eq!(cloud.path(&sha256(b"")).unwrap().as_ref(), format!("x/{}", sha256(b"")));
    }

    #[test]
    fn plain_http_needs_the_environments_word_and_a_closed_port_is_an_error() {
        let digest = sha256(b"");
        let base = [
            ("AWS_ENDPOINT".to_owned(), "http://127.0.0.1:9".to_owned()),
            ("AWS_ACCESS_KEY_ID".to_owned(), "canary-id".to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "canary-secret".to_owned()),
        ];
        let url = "s3://shop/x".parse().unwrap();
        let got = |environment: &[(String, String)]| {
            let cloud = Cloud::open(&url, environment, Duration::from_secs(1)).unwrap();
            match Store::get(&cloud, &digest, &mut Vec::new()) {
                Err(Trouble::Store(text)) => text,
                other => panic!("{other:?}"),
            }
        };
        let refused = got(&base);
        assert!(!refused.contains("refused") && !refused.contains("canary"), "{refused}");
        let allowed = got(&[&base[..], &[("AWS_ALLOW_HTTP".to_owned(), "true".to_owned())]].concat());
        assert!(allowed.contains("efused") && !allowed.contains("canary"), "{allowed}");
    }
}
