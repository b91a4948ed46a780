//! Materials by their hash: `blobs/sha256/ab/<64 hex>` (format, section 5).

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;

use super::StoreError;
use super::durable::{make_folder, sync_folder};
use super::remote::Remote;
use crate::crypto::Hasher;
use crate::model::Digest;

/// The folder of the materials.
#[derive(Debug, Clone)]
pub struct Blobs {
    folder: PathBuf,
    /// Where what is not here may be fetched from.
    remote: Option<Arc<Remote>>,
    /// Where what cannot be kept here is kept.
    other: Option<PathBuf>,
    /// Whether object stores are left alone: what is read to know which there are lies in none.
    inline: bool,
    /// Whether the folders above may be made: those of a ledger that went away are not.
    anew: bool,
}

/// A material that is being written.
pub struct BlobWriter {
    blobs: Blobs,
    file: NamedTempFile,
    hasher: Hasher,
    bytes: u64,
}

impl Blobs {
    pub(super) fn new(ledger: &Path) -> Self {
        Self { folder: ledger.join("blobs").join("sha256"), remote: None, other: None, inline: false, anew: false }
    }

    /// Returns the materials in a folder that is no ledger: `blobs/sha256` in it.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self { anew: true, ..Self::new(folder) }
    }

    /// Lets what cannot be kept here be kept elsewhere, and be read from there.
    #[must_use]
    pub fn or_in(mut self, other: &Self) -> Self {
        self.other = Some(other.folder.clone());
        self
    }

    fn others(&self) -> Option<Self> {
        self.other.as_ref().map(|folder| Self {
            folder: folder.clone(),
            remote: None,
            other: None,
            inline: false,
            anew: true,
        })
    }

    pub(super) fn with_remote(mut self, remote: Option<Arc<Remote>>) -> Self {
        self.remote = remote;
        self
    }

    /// Leaves object stores alone.
    pub(super) fn inline_only(mut self) -> Self {
        self.inline = true;
        self
    }

    /// Fetches those of some materials that are not here and that a remote or an object store has, all at once.
    ///
    /// # Errors
    /// If the remote or an object store cannot be reached, or the operating system refuses.
    pub fn fetch(&self, digests: &[Digest]) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let missing: Vec<Digest> = digests.iter().copied().filter(|digest| !self.path(digest).exists()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        remote.materials(&missing, |digest, from| {
            // What has another hash lies under that one, and is still missing under this.
            let (found, _) = self.put_from(from)?;
            if found == *digest { Ok(()) } else { Err(StoreError::unreadable("a material of the remote", &found)) }
        })?;
        let Some(objects) = remote.objects().filter(|_| !self.inline) else { return Ok(()) };
        let missing: Vec<Digest> = missing.into_iter().filter(|digest| !self.path(digest).exists()).collect();
        objects.find(&missing, || Remote::inline_log(remote), || self.own_writer())
    }

    /// Returns where a material lies, if it is there.
    #[must_use]
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        let path = self.folder.join(&hex[..2]).join(&hex);
        match &self.other {
            Some(other) if !path.exists() => Some(other.join(&hex[..2]).join(&hex)).filter(|path| path.exists()),
            _ => None,
        }
        .unwrap_or(path)
    }

    /// Opens a material for reading.
    ///
    /// If it is not there, returns `None`. What is read is not yet checked: hash it.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn open(&self, digest: &Digest) -> Result<Option<File>, StoreError> {
        let path = self.path(digest);
        if self.remote.is_some() && !path.exists() {
            self.fetch(&[*digest])?;
        }
        match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("cannot open", &path)(error)),
        }
    }

    /// Begins a material.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn writer(&self) -> Result<BlobWriter, StoreError> {
        match (self.own_writer(), self.others()) {
            (Err(_), Some(other)) => other.own_writer(),
            (writer, _) => writer,
        }
    }

    /// Makes a folder of materials, if the ledger is there.
    fn make(&self, folder: &Path) -> Result<(), StoreError> {
        let above = self.folder.ancestors().nth(2).unwrap_or(&self.folder);
        if !self.anew && !above.exists() {
            return Err(StoreError::io("cannot create", folder)(io::ErrorKind::NotFound.into()));
        }
        if self.folder.exists() && folder == self.folder {
            return Ok(());
        }
        make_folder(folder).map_err(StoreError::io("cannot create", folder))
    }

    fn own_writer(&self) -> Result<BlobWriter, StoreError> {
        self.make(&self.folder)?;
        let file = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(&self.folder)
            .map_err(StoreError::io("cannot create a file in", &self.folder))?;
        Ok(BlobWriter { blobs: self.clone(), file, hasher: Hasher::default(), bytes: 0 })
    }

    /// Keeps bytes and returns their hash, durable.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let mut writer = self.writer()?;
        writer.write_all(bytes).map_err(StoreError::io("cannot write in", &self.folder))?;
        Ok(writer.keep()?.0)
    }

    /// Keeps what a reader yields and returns its hash and length, durable.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn put_from(&self, from: &mut (impl Read + ?Sized)) -> Result<(Digest, u64), StoreError> {
        let mut writer = self.writer()?;
        io::copy(from, &mut writer).map_err(StoreError::io("cannot write in", &self.folder))?;
        writer.keep()
    }

    /// Calls `each` with the path of every file that lies here and the hash that its name says.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn walk(
        &self,
        mut each: impl FnMut(PathBuf, Option<Digest>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for folder in sorted(&self.folder)? {
            if folder.is_dir() {
                for path in sorted(&folder)? {
                    let digest = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
                    each(path, digest)?;
                }
            }
        }
        Ok(())
    }
}

impl BlobWriter {
    /// Returns the number of bytes written.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns where it is written, before it has its name.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Makes the material durable if it has this hash, and drops it if not.
    pub(super) fn keep_as(self, digest: &Digest) -> Result<bool, StoreError> {
        if self.hasher.clone().finish() != *digest {
            return Ok(false);
        }
        self.keep_here().map(|_| true)
    }

    /// Makes the material durable under its hash; returns hash and length.
    ///
    /// # Errors
    /// If the operating system refuses; then nothing lies under the hash that was not whole.
    pub fn keep(self) -> Result<(Digest, u64), StoreError> {
        let Some(other) = self.blobs.others() else { return self.keep_here() };
        let mut file = self.file.as_file().try_clone().map_err(StoreError::io("cannot read", self.file.path()))?;
        self.keep_here().or_else(|_| {
            // The name may be gone, the bytes are not.
            file.seek(SeekFrom::Start(0)).map_err(StoreError::io("cannot read", &other.folder))?;
            other.put_from(&mut file)
        })
    }

    fn keep_here(self) -> Result<(Digest, u64), StoreError> {
        let digest = self.hasher.finish();
        let path = self.blobs.path(&digest);
        let folder = path.parent().expect("a blob lies in a folder").to_owned();
        // A folder's name is durable before anything lies in it: whoever made an empty one may have been killed.
        if is_empty(&folder) {
            self.blobs.make(&folder)?;
        }
        self.file.as_file().sync_data().map_err(StoreError::io("cannot sync", self.file.path()))?;
        self.file.persist(&path).map_err(|error| StoreError::io("cannot rename to", &path)(error.error))?;
        sync_folder(&folder).map_err(StoreError::io("cannot sync", &folder))?;
        Ok((digest, self.bytes))
    }

    /// Returns the file, to be read from its beginning.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn reopen(&self) -> io::Result<File> {
        self.file.reopen()
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.bytes += u64::try_from(count).expect("a write is smaller than 2^64");
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("cannot read", folder)(error)),
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()
        .map_err(StoreError::io("cannot read", folder))?;
    paths.sort();
    Ok(paths)
}
