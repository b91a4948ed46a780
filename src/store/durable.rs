//! Folders and names that a power cut does not take away.
//!
//! POSIX promises that a name stays once its folder is synced, and no sooner; a file that is synced under a name that is not
//! is lost. Out of scope: file systems that refuse to sync a folder.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Makes a folder, and those above it, with names that are durable.
///
/// # Errors
/// If the operating system refuses.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    if !parent.exists() {
        make_folder(parent)?;
    }
    match fs::create_dir(path) {
        Ok(()) => sync_folder(parent),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {
            // Whoever made it may have been killed before its name was durable. A folder that others made and that we
            // may not open is theirs to sync.
            let _ = sync_folder(parent);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_down_to_the_last_and_found_again() {
        let place = tempfile::tempdir().unwrap();
        let last = place.path().join("a/b/c");
        make_folder(&last).unwrap();
        assert!(last.is_dir());
        make_folder(&last).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_refused() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("a"), "").unwrap();
        assert!(make_folder(&place.path().join("a")).is_err());
        assert!(make_folder(&place.path().join("a/b")).is_err());
    }
}
