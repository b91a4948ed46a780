//! A store of materials in a folder that all machines reach under the same path.
//!
//! The folder must be there: what is not mounted is not empty.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::durable::sync_folder;
use super::objects::{OBJECT_BYTES_MAX, Put, PutMode, Store, Trouble};
use crate::model::{Digest, StoreUrl};

/// A folder of objects.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(url: &StoreUrl) -> Self {
        Self(Path::new("/").join(url.prefix()))
    }

    fn trouble(&self, what: &str, error: &io::Error) -> Trouble {
        Trouble::Store(format!("{what} {}: {error}", self.0.display()))
    }

    /// Says whether the folder is there.
    fn look(&self) -> Result<(), Trouble> {
        let found = fs::metadata(&self.0).map_err(|error| self.trouble("cannot read", &error))?;
        if found.is_dir() { Ok(()) } else { Err(Trouble::Store(format!("{} is no folder", self.0.display()))) }
    }
}

impl Store for Folder {
    fn get(&self, digest: &Digest, to: &mut dyn Write) -> Result<bool, Trouble> {
        let path = self.0.join(digest.to_string());
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(Trouble::Store(format!("{} is no file", path.display()))),
            Err(error) if error.kind() == ErrorKind::NotFound => return self.look().map(|()| false),
            Err(error) => return Err(self.trouble("cannot read in", &error)),
        }
        let file = File::open(&path).map_err(|error| self.trouble("cannot read in", &error))?;
        copy(&mut file.take(OBJECT_BYTES_MAX), to, |error| self.trouble("cannot read in", error))?;
        Ok(true)
    }

    fn put(&self, digest: &Digest, from: &mut File, mode: PutMode) -> Result<Put, Trouble> {
        self.look()?;
        let path = self.0.join(digest.to_string());
        if mode == PutMode::New && path.exists() {
            return Ok(Put::Found);
        }
        let failed = |error: &io::Error| self.trouble("cannot write in", error);
        let mut new = tempfile::Builder::new()
            .prefix(".new-")
            // Others read it: what the umask of whoever writes leaves of this.
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(&self.0)
            .map_err(|error| failed(&error))?;
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = from.read(&mut buffer).map_err(Trouble::Here)?;
            if count == 0 {
                break;
            }
            new.write_all(&buffer[..count]).map_err(|error| failed(&error))?;
        }
        new.as_file().sync_all().map_err(|error| failed(&error))?;
        let kept = match mode {
            PutMode::New => new.persist_noclobber(&path),
            PutMode::Replace => new.persist(&path),
        };
        match kept {
            Ok(_) => {}
            Err(error) if mode == PutMode::New && error.error.kind() == ErrorKind::AlreadyExists => {
                return Ok(Put::Found);
            }
            Err(error) => return Err(failed(&error.error)),
        }
        sync_folder(&self.0).map_err(|error| failed(&error))?;
        Ok(Put::Done)
    }
}

/// Copies, and tells the reader's errors from the writer's.
fn copy(from: &mut impl Read, to: &mut dyn Write, failed: impl Fn(&io::Error) -> Trouble) -> Result<(), Trouble> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match from.read(&mut buffer).map_err(|error| failed(&error))? {
            0 => return Ok(()),
            count => to.write_all(&buffer[..count]).map_err(Trouble::Here)?,
        }
    }
}

const BUFFER_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, SeekFrom};

    use super::*;
    use crate::crypto::sha256;

    fn folder() -> (tempfile::TempDir, Folder) {
        let here = tempfile::tempdir().unwrap();
        let folder = Folder(here.path().to_owned());
        (here, folder)
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file
    }

    #[test]
    fn what_is_put_is_got_and_put_once() {
        let (here, folder) = folder();
        let digest = sha256(b"bytes");
        let mut got = Vec::new();
        assert!(!folder.get(&digest, &mut got).unwrap());
        assert_eq!(folder.put(&digest, &mut file(b"bytes"), PutMode::New).unwrap(), Put::Done);
        assert_eq!(folder.put(&digest, &mut file(b"bytes"), PutMode::New).unwrap(), Put::Found);
        assert!(folder.get(&digest, &mut got).unwrap());
        assert_eq!(got, b"bytes");
        let names: Vec<_> = fs::read_dir(here.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [digest.to_string().as_str()], "nothing half lies beside it");
        let mode = fs::metadata(here.path().join(digest.to_string())).unwrap().permissions().mode();
        assert_eq!(mode & 0o200, 0o200);
        fs::write(here.path().join(digest.to_string()), "other").unwrap();
        assert_eq!(folder.put(&digest, &mut file(b"bytes"), PutMode::Replace).unwrap(), Put::Done);
        assert_eq!(fs::read(here.path().join(digest.to_string())).unwrap(), b"bytes");
    }

    #[test]
    fn folder_that_is_gone_is_not_an_empty_one() {
        let (here, folder) = folder();
        drop(here);
        let digest = sha256(b"bytes");
        assert!(matches!(folder.get(&digest, &mut Vec::new()), Err(Trouble::Store(_))));
        assert!(matches!(folder.put(&digest, &mut file(b"bytes"), PutMode::New), Err(Trouble::Store(_))));
        assert!(!folder.0.exists());
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let (here, folder) = folder();
        let digest = sha256(b"bytes");
        fs::create_dir(here.path().join(digest.to_string())).unwrap();
        assert!(matches!(folder.get(&digest, &mut Vec::new()), Err(Trouble::Store(_))));
    }
}
