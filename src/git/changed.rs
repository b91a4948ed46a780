//! The lines that a change adds or changes, out of raw objects alone (design, sections 5 and 7).
//!
//! Head's tree is read whole, because only who knows every file can tell which one a report's path means; of the touched
//! files the blobs on both sides. That is read only where a policy asks, and is then in the bundle too. The walk is a
//! function of head, base and the objects, so a live run and one over exactly the objects that it read agree.
//!
//! A file that was renamed and not changed has no changed lines: its bytes stood in base under a path of the same extension
//! that head has no longer. One that was renamed and changed too is new, line for line. What has no lines of code for certain
//! by its extension ([`NEVER_SOURCE`]) is not read; every other file is a text, whatever bytes it holds. Out of scope: which
//! lines can be run, what reports say.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{lines, new_lines};
use super::facts::{
    ENTRIES_MAX, GitFactsError, Objects, TOUCHED_BYTES_MAX, TREES_MAX, need_commit, need_tree, tree_changes,
};
use super::laid::{Laying, laid_over};
use super::objects::{Kind, Mode, Object, text_of};
use crate::model::{ChangedLines, FileLines, LineEnds, Oid};

/// Computes the changed lines of head against base, and the trees of base with files of head laid over it.
///
/// # Errors
/// [`GitFactsError::MissingObject`] if a folder of head or the blob of a touched file is not there; else see
/// [`GitFactsError`]. A blob that is larger than any object that is read is an error too: its lines are not known.
pub fn changed_lines(
    objects: &dyn Objects,
    head: &Oid,
    base: &Oid,
    laid: &[Laying],
) -> Result<ChangedLines, GitFactsError> {
    let (before, after) = (need_commit(objects, base)?.tree, need_commit(objects, head)?.tree);
    let changes = tree_changes(objects, &before, &after)?;
    let gone: BTreeSet<(&[u8], &Oid)> = changes
        .iter()
        .filter(|change| change.after.is_none())
        .filter_map(|change| Some((extension(&change.path), file(change.before.as_ref())?)))
        .collect();
    let mut found = BTreeMap::new();
    for change in &changes {
        let (old, new) = (file(change.before.as_ref()), file(change.after.as_ref()));
        let Some(new) = new.filter(|new| Some(*new) != old) else { continue };
        let renamed = old.is_none() && gone.contains(&(extension(&change.path), new));
        if renamed || is_never_source(&change.path) {
            continue;
        }
        let after = blob(objects, new)?;
        let before = old.map_or(Ok(Vec::new()), |old| blob(objects, old))?;
        let lines = file_lines(&before, &after);
        if !lines.changed.is_empty() {
            found.entry(text_of(&change.path)).and_modify(|other| join(other, &lines)).or_insert(lines);
        }
    }
    let tree = |one: &Laying| Ok((one.patterns.clone(), laid_over(objects, &before, &changes, &*one.takes)?));
    let laid = laid.iter().map(tree).collect::<Result<_, GitFactsError>>()?;
    Ok(ChangedLines { files: all_files(objects, &after)?, lines: found, laid })
}

fn file_lines(before: &[u8], after: &[u8]) -> FileLines {
    let new = new_lines(before, after);
    let mut changed: Vec<(u64, u64)> = Vec::new();
    let mut number = 0;
    for (line, new) in lines(after).zip(&new) {
        number += 1;
        if !new || line.trim_ascii().is_empty() {
            continue;
        }
        match changed.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => changed.push((number, number)),
        }
    }
    let ends = if has_disputed_ends(after) { LineEnds::Disputed } else { LineEnds::Clear };
    FileLines { count: number, changed, ends }
}

/// Adds the lines of another file whose path is spelled alike, so that neither hides behind the other.
fn join(file: &mut FileLines, other: &FileLines) {
    let behind = file.count;
    file.changed.extend(other.changed.iter().map(|(first, last)| (behind + first, behind + last)));
    file.count += other.count;
    file.ends = LineEnds::Disputed;
}

/// Returns whether a text holds what ends a line for some languages: a CR without LF, U+0085, U+2028, U+2029.
fn has_disputed_ends(text: &[u8]) -> bool {
    let is_end = |at: usize| match text[at] {
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        0xc2 => text.get(at + 1) == Some(&0x85),
        0xe2 => text[at..].starts_with(b"\xe2\x80\xa8") || text[at..].starts_with(b"\xe2\x80\xa9"),
        _ => false,
    };
    (0..text.len()).any(is_end)
}

fn blob(objects: &dyn Objects, oid: &Oid) -> Result<Vec<u8>, GitFactsError> {
    let raw = objects.object(oid)?.ok_or_else(|| GitFactsError::MissingObject { oid: oid.clone() })?;
    let object = Object::check(oid, &raw).and_then(|object| object.of(Kind::Blob));
    let object = object.map_err(|error| GitFactsError::Object { oid: oid.clone(), error })?;
    Ok(object.content().to_vec())
}

/// Lists the files of a tree, sorted by bytes. Two that are spelled alike are listed both.
fn all_files(objects: &dyn Objects, tree: &Oid) -> Result<Vec<String>, GitFactsError> {
    let mut files = Vec::new();
    let (mut folders, mut entries, mut bytes) = (0, 0, 0);
    let mut open = vec![(Vec::new(), tree.clone())];
    while let Some((folder, oid)) = open.pop() {
        let found = need_tree(objects, &oid)?;
        folders += 1;
        entries += found.len();
        for entry in found {
            let slash: &[u8] = if folder.is_empty() { b"" } else { b"/" };
            let path = [&folder, slash, &entry.name].concat();
            bytes += path.len();
            if folders > TREES_MAX || entries > ENTRIES_MAX || bytes > TOUCHED_BYTES_MAX {
                return Err(GitFactsError::TooManyPaths);
            }
            match entry.mode {
                Mode::Tree => open.push((path, entry.oid)),
                Mode::File | Mode::GroupFile | Mode::Executable => files.push(text_of(&path)),
                Mode::Link | Mode::Submodule => {}
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Returns the blob of a regular file.
fn file(entry: Option<&(Mode, Oid)>) -> Option<&Oid> {
    match entry? {
        (Mode::File | Mode::GroupFile | Mode::Executable, oid) => Some(oid),
        (Mode::Tree | Mode::Link | Mode::Submodule, _) => None,
    }
}

/// Returns what follows the last dot of the file's name, or nothing.
fn extension(path: &[u8]) -> &[u8] {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    name.iter().rposition(|byte| *byte == b'.').map_or(&[], |dot| &name[dot + 1..])
}

fn is_never_source(path: &[u8]) -> bool {
    NEVER_SOURCE.iter().any(|known| extension(path).eq_ignore_ascii_case(known.as_bytes()))
}

/// Pictures, sounds, films, fonts, archives, documents for print, models and tables of numbers: they are large, and no tool
/// shows lines of them.
const NEVER_SOURCE: [&str; 44] = [
    "png",
    "jpg",
    "jpeg",
    "gif",
    "webp",
    "avif",
    "ico",
    "bmp",
    "tif",
    "tiff",
    "psd",
    "heic",
    "mp3",
    "mp4",
    "ogg",
    "wav",
    "flac",
    "webm",
    "mov",
    "avi",
    "mkv",
    "ttf",
    "otf",
    "woff",
    "woff2",
    "eot",
    "zip",
    "gz",
    "tgz",
    "bz2",
    "xz",
    "zst",
    "7z",
    "jar",
    "whl",
    "pdf",
    "docx",
    "xlsx",
    "pptx",
    "parquet",
    "onnx",
    "safetensors",
    "npy",
    "sqlite",
];

#[cfg(test)]
mod tests {
    use sha1_checked::Sha1;

    use super::super::facts::Recording;
    use super::*;

    /// Objects in memory, made as git makes them.
    #[derive(Default)]
    struct Made(BTreeMap<Oid, Vec<u8>>);

    impl Made {
        fn put(&mut self, kind: &str, content: &[u8]) -> Oid {
            let raw = [format!("{kind} {}\0", content.len()).as_bytes(), content].concat();
            let oid = Oid::try_from(hex::encode(Sha1::try_digest(&raw).hash())).unwrap();
            self.0.insert(oid.clone(), raw);
            oid
        }

        /// Makes a commit of files at the top, given by `(mode, name, text)` in git's order.
        fn commit(&mut self, files: &[(&str, &[u8], &[u8])]) -> Oid {
            let mut tree = Vec::new();
            for (mode, name, text) in files {
                let oid = self.put(if *mode == "160000" { "commit" } else { "blob" }, text);
                tree.extend(
                    [format!("{mode} ").as_bytes(), *name, b"\0", &hex::decode(oid.as_str()).unwrap()].concat(),
                );
            }
            let tree = self.put("tree", &tree);
            let who = "A <a@x.example> 1 +0000";
            self.put("commit", format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nm\n").as_bytes())
        }
    }

    type Files<'a> = &'a [(&'a str, &'a [u8], &'a [u8])];

    fn changed(before: Files<'_>, after: Files<'_>) -> ChangedLines {
        let mut made = Made::default();
        let (base, head) = (made.commit(before), made.commit(after));
        let recording = Recording::new(&made.0);
        let found = changed_lines(&recording, &head, &base, &[]).unwrap();
        let read = recording.into_read();
        assert_eq!(changed_lines(&read, &head, &base, &[]).unwrap(), found, "offline gives the same");
        for oid in read.keys() {
            let mut less = read.clone();
            less.remove(oid);
            let missing = GitFactsError::MissingObject { oid: oid.clone() };
            assert_eq!(changed_lines(&less, &head, &base, &[]), Err(missing), "each object that is read is needed");
        }
        found
    }

    fn ranges<'a>(found: &'a ChangedLines, path: &str) -> &'a [(u64, u64)] {
        found.lines.get(path).map_or(&[], |lines| &lines.changed)
    }

    const FILE: &str = "100644";

    #[test]
    fn changed_lines_are_numbered_in_head_and_blank_ones_left_out() {
        let found = changed(&[(FILE, b"a.py", b"1\n2\n3\n")], &[(FILE, b"a.py", b"1\nx\n\n \t\ny\nz\n3\nend")]);
        assert_eq!(ranges(&found, "a.py"), [(2, 2), (5, 6), (8, 8)]);
        assert_eq!((found.lines["a.py"].count, found.lines["a.py"].changed_count()), (8, 4));
        assert_eq!(found.files, ["a.py"]);
    }

    #[test]
    fn new_empty_deleted_and_linked_files_have_none() {
        let before: Files<'_> = &[(FILE, b"gone.py", b"1\n"), (FILE, b"kind.py", b"1\n")];
        let after: Files<'_> = &[
            (FILE, b"empty.py", b""),
            ("120000", b"kind.py", b"empty.py"),
            (FILE, b"new.py", b"2\n"),
            ("160000", b"sub", b"x"),
        ];
        let found = changed(before, after);
        assert_eq!(found.lines.keys().collect::<Vec<_>>(), ["new.py"]);
        assert_eq!(found.files, ["empty.py", "new.py"]);
        // And back again: a link that becomes a file is new.
        assert_eq!(ranges(&changed(after, before), "kind.py"), [(1, 1)]);
    }

    #[test]
    fn a_rename_is_no_change_and_a_rename_with_an_edit_is_all_new() {
        let before: Files<'_> = &[(FILE, b"a.py", b"1\n2\n"), (FILE, b"b.txt", b"1\n2\n3\n"), (FILE, b"c.py", b"9\n")];
        assert!(changed(before, &[(FILE, b"c.py", b"9\n"), ("100755", b"z.py", b"1\n2\n")]).lines.is_empty());
        let edited = changed(before, &[(FILE, b"z.py", b"1\n3\n")]);
        assert_eq!(ranges(&edited, "z.py"), [(1, 2)]);
        // What was no code becomes code, and what is still there is copied.
        assert_eq!(ranges(&changed(before, &[(FILE, b"z.py", b"1\n2\n3\n")]), "z.py"), [(1, 3)]);
        let copied = changed(before, &[(FILE, b"a.py", b"1\n2\n"), (FILE, b"z.py", b"1\n2\n")]);
        assert_eq!(ranges(&copied, "z.py"), [(1, 2)]);
    }

    #[test]
    fn a_change_of_mode_is_no_change_of_lines() {
        assert!(changed(&[(FILE, b"a.sh", b"1\n")], &[("100755", b"a.sh", b"1\n")]).lines.is_empty());
    }

    #[test]
    fn zero_bytes_hide_nothing_and_pictures_are_not_read() {
        let found = changed(&[], &[(FILE, b"a.js", b"1\0\n2\n"), (FILE, b"b.PNG", b"x\n")]);
        assert_eq!(found.lines.keys().collect::<Vec<_>>(), ["a.js"]);
        assert_eq!(ranges(&found, "a.js"), [(1, 2)]);
    }

    #[test]
    fn line_ends_that_tools_dispute_are_told() {
        let ends = |text: &[u8]| changed(&[], &[(FILE, b"a.js", text)]).lines["a.js"].ends;
        assert_eq!(ends(b"1\r\n2\r\n"), LineEnds::Clear);
        for text in
            [&b"1\r2\n"[..], b"1\r", b"1\r\r\n", b"1\xc2\x85\n", "1\u{2028}2\n".as_bytes(), "\u{2029}2".as_bytes()]
        {
            assert_eq!(ends(text), LineEnds::Disputed, "{text:?}");
        }
    }

    #[test]
    fn paths_that_are_spelled_alike_do_not_hide_one_another() {
        let found = changed(&[], &[(FILE, b"a%E9.py", b"1\n"), (FILE, b"a\xe9.py", b"1\n2\n")]);
        assert_eq!(found.files, ["a%E9.py", "a%E9.py"]);
        assert_eq!(found.lines["a%E9.py"].changed_count(), 3);
    }
}
