//! Materials that are too large for a git remote: objects of a store that the policy in the ledger names.
//!
//! An object is called as its hash, 64 hex digits behind the prefix of the store's URL, and is put only where there is none. Nothing that a
//! store answers is believed: what has another hash is not there, and somebody is told which store said otherwise. A store that cannot be
//! asked is an error, and never the answer that something is not there.
//!
//! Which stores there are is what policies say that were in force in the ledger: the newest for what is put, all of them for what is
//! looked for. Out of scope: credentials. They are in the environment of whoever reads or writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::blobs::BlobWriter;
use super::folder::Folder;
use super::{Log, StoreError};
use crate::crypto::Hasher;
use crate::model::{Digest, Size, StoreScheme, StoreUrl};

/// Which stores the policies of a log name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedStores {
    /// What the policy in force says: where materials go that are larger than so much.
    pub newest: Option<(StoreUrl, Size)>,
    /// All that were ever named, the newest first, each once.
    pub all: Vec<StoreUrl>,
}

/// Reads which stores the policies of a log name.
pub type StoreReader = Box<dyn Fn(&Log) -> Result<NamedStores, StoreError> + Send + Sync>;

/// The object stores of a ledger.
pub struct Objects {
    named: StoreReader,
    #[cfg_attr(not(feature = "object-store"), expect(dead_code, reason = "only clouds are reached by it"))]
    environment: Vec<(String, String)>,
    silence: Duration,
    tell: Box<dyn Fn(&str) + Send + Sync>,
    state: Mutex<State>,
}

/// Why an object store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// It could not be reached, or refused.
    #[error("the object store {store} cannot be reached or refuses: {message}")]
    Unreachable {
        /// The store.
        store: StoreUrl,
        /// What it said.
        message: String,
    },
    /// This program was built without a client for it.
    #[error("the object store {store} is none that this build of evidence can speak to")]
    Unsupported {
        /// The store.
        store: StoreUrl,
    },
}

#[derive(Default)]
struct State {
    named: Option<NamedStores>,
    opened: BTreeMap<StoreUrl, Arc<dyn Store>>,
    /// What this process put, or found there whole.
    kept: BTreeSet<(StoreUrl, Digest)>,
    /// What no store had when it was asked.
    absent: BTreeSet<Digest>,
}

/// One store.
pub(super) trait Store: Send + Sync {
    /// Writes the bytes of an object to `to`; says whether there is one.
    fn get(&self, digest: &Digest, to: &mut dyn Write) -> Result<bool, Trouble>;

    /// Makes an object of a file's bytes; durable once this returns.
    fn put(&self, digest: &Digest, from: &mut File, mode: PutMode) -> Result<Put, Trouble>;
}

/// Whether an object may take another's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PutMode {
    /// Only where there is none.
    New,
    /// Whatever is there.
    Replace,
}

/// What became of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It is there now.
    Done,
    /// There was an object of that name.
    Found,
}

/// What went wrong between a store and this machine.
#[derive(Debug)]
pub(super) enum Trouble {
    /// On the store's side, in its words.
    Store(String),
    /// On this machine's.
    Here(io::Error),
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").field("silence", &self.silence).finish_non_exhaustive()
    }
}

impl Objects {
    /// Makes the object stores of a ledger. `named` reads which there are; `tell` says something to people.
    ///
    /// Of the environment, what begins with `AWS_`, `GOOGLE_` and `AZURE_` says how a cloud is reached and as whom. A store that is
    /// silent for so long is given up.
    #[must_use]
    pub fn new(
        named: StoreReader,
        environment: Vec<(String, String)>,
        silence: Duration,
        tell: Box<dyn Fn(&str) + Send + Sync>,
    ) -> Self {
        Self { named, environment, silence, tell, state: Mutex::default() }
    }

    /// Returns where the policy in force puts what is too large for git.
    pub(super) fn newest(&self, log: &Log) -> Result<Option<(StoreUrl, Size)>, StoreError> {
        let named = (self.named)(log)?;
        let newest = named.newest.clone();
        self.state().named = Some(named);
        Ok(newest)
    }

    /// Makes an object of a material that lies here, unless there is one with these bytes.
    pub(super) fn keep(&self, url: &StoreUrl, digest: &Digest, path: &Path) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.kept.contains(&(url.clone(), *digest)) {
            return Ok(());
        }
        let store = self.open(&mut state, url)?;
        let failed = |trouble| failed(url, path, trouble);
        let mut file = File::open(path).map_err(StoreError::cannot_read(path))?;
        if store.put(digest, &mut file, PutMode::New).map_err(failed)? == Put::Found {
            // Whoever may write there may have taken the name before: a receipt never stands for bytes that are nowhere.
            let mut found = Hashed::default();
            let is_there = store.get(digest, &mut found).map_err(failed)?;
            if !is_there || found.0.finish() != *digest {
                if is_there {
                    (self.tell)(&format!(
                        "warning: the object store {url} has other bytes under {digest}, which are replaced"
                    ));
                }
                file.seek(SeekFrom::Start(0)).map_err(StoreError::cannot_read(path))?;
                store.put(digest, &mut file, PutMode::Replace).map_err(failed)?;
            }
        }
        state.kept.insert((url.clone(), *digest));
        Ok(())
    }

    /// Looks for materials in every store that a policy ever named; those that are nowhere are left out.
    ///
    /// # Errors
    /// If one that no other store has may lie in one that cannot be asked.
    pub(super) fn find(
        &self,
        digests: &[Digest],
        log: impl FnOnce() -> Result<Log, StoreError>,
        writer: impl Fn() -> Result<BlobWriter, StoreError>,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        let wanted: Vec<Digest> = digests.iter().copied().filter(|digest| !state.absent.contains(digest)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let named = match &state.named {
            Some(named) => named.clone(),
            None => state.named.insert((self.named)(&log()?)?).clone(),
        };
        for digest in wanted {
            if !self.find_one(&mut state, &named, &digest, &writer)? {
                state.absent.insert(digest);
            }
        }
        Ok(())
    }

    fn find_one(
        &self,
        state: &mut State,
        named: &NamedStores,
        digest: &Digest,
        writer: &impl Fn() -> Result<BlobWriter, StoreError>,
    ) -> Result<bool, StoreError> {
        let mut unasked = None;
        for url in &named.all {
            let mut to = writer()?;
            let path = to.path().to_owned();
            let got = match self.open(state, url) {
                Ok(store) => store.get(digest, &mut to).map_err(|trouble| failed(url, &path, trouble)),
                Err(error) => Err(error),
            };
            match got {
                Ok(false) => {}
                Ok(true) if to.keep_as(digest)? => return Ok(true),
                Ok(true) => (self.tell)(&format!(
                    "warning: the object store {url} has other bytes under {digest}: they count as not there"
                )),
                Err(error @ StoreError::Objects(_)) => {
                    unasked.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        unasked.map_or(Ok(false), Err)
    }

    fn open(&self, state: &mut State, url: &StoreUrl) -> Result<Arc<dyn Store>, StoreError> {
        if let Some(store) = state.opened.get(url) {
            return Ok(Arc::clone(store));
        }
        let store: Arc<dyn Store> = match url.scheme() {
            StoreScheme::File => Arc::new(Folder::new(url)),
            #[cfg(feature = "object-store")]
            _ => Arc::new(
                super::cloud::Cloud::open(url, &self.environment, self.silence)
                    .map_err(|trouble| failed(url, Path::new(""), trouble))?,
            ),
            #[cfg(not(feature = "object-store"))]
            _ => return Err(ObjectsError::Unsupported { store: url.clone() }.into()),
        };
        state.opened.insert(url.clone(), Arc::clone(&store));
        Ok(store)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObjectsError {
    /// Returns what mends it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreachable { store, .. } => match store.scheme() {
                StoreScheme::File => {
                    "mount it; the folder must be there, and be writable for those who attest".to_owned()
                }
                StoreScheme::S3 => of_environment("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT"),
                StoreScheme::Google => of_environment("GOOGLE_SERVICE_ACCOUNT, GOOGLE_BASE_URL"),
                StoreScheme::Azure => of_environment("AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY"),
            },
            Self::Unsupported { .. } => "use a build of evidence with the feature object-store".to_owned(),
        }
    }
}

fn of_environment(names: &str) -> String {
    format!("how it is reached, and as whom, is read from the environment: {names}; evidence help remote")
}

fn failed(url: &StoreUrl, path: &Path, trouble: Trouble) -> StoreError {
    match trouble {
        Trouble::Store(message) => ObjectsError::Unreachable { store: url.clone(), message }.into(),
        Trouble::Here(error) => StoreError::io("cannot read or write", path)(error),
    }
}

/// Bytes that are hashed and not kept.
#[derive(Default)]
struct Hashed(Hasher);

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is longer is none of ours: no reader reads so much, and nobody's disk is filled by a store that lies.
pub(super) const OBJECT_BYTES_MAX: u64 = 4 << 30;
