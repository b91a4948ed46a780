//! Which file of the judged tree a path of a report means.
//!
//! Tools write paths from the root of the repository, from a folder of it (`shop/calc.py` for `back/shop/calc.py`, as JaCoCo
//! always does), or with something before it: where the job checked out, or the name of a Go module. So a path fits a file if
//! the one is the end of the other, whole components long; what the longer one has before it is the *root*. Of several that
//! fit, the one counts under whose root the most files of the report fit; two with equally many are unclear, which
//! refuses. Absolute paths are of one file system, so only one root of theirs counts: what lies elsewhere (headers and
//! packages of the machine) means no file, however it is called. `\` is a separator, `.` and `..` are resolved in the text.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::reports::Report;

/// The files of the judged tree, by path and by name.
pub(super) struct Tree<'a> {
    files: &'a [String],
    by_name: HashMap<&'a str, Vec<&'a str>>,
}

/// What a path of a report means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fit<'a> {
    /// No file of the tree.
    Nothing,
    /// This file.
    File(&'a str),
    /// One of these, or perhaps none: it cannot be told.
    Unclear(Vec<&'a str>),
}

/// Where the files of a report begin: what stands before the files' paths in the report's, or before the report's in theirs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Root {
    Absolute(String),
    Before(String),
    Below(String),
}

struct Candidate<'a> {
    file: &'a str,
    root: Root,
}

impl<'a> Tree<'a> {
    /// Takes the files, sorted.
    pub(super) fn of(files: &'a [String]) -> Self {
        let mut by_name: HashMap<&str, Vec<&str>> = HashMap::new();
        for file in files {
            by_name.entry(last(file)).or_default().push(file);
        }
        Self { files, by_name }
    }

    /// Returns whether two files are spelled like this.
    pub(super) fn has_twice(&self, path: &str) -> bool {
        self.by_name.get(last(path)).is_some_and(|files| files.iter().filter(|file| **file == path).count() > 1)
    }

    fn find(&self, path: &str) -> Option<&'a str> {
        let at = self.files.binary_search_by(|file| file.as_str().cmp(path)).ok()?;
        Some(&self.files[at])
    }

    /// Adds the files that a path fits.
    fn fitting(&self, path: &Written, found: &mut Vec<Candidate<'a>>) {
        // Most names occur in few places; only where some file has the name it is worth looking.
        let Some(named) = self.by_name.get(last(&path.text)) else { return };
        let ends = std::iter::once(0).chain(path.text.match_indices('/').map(|(at, _)| at + 1));
        for start in ends {
            if let Some(file) = self.find(&path.text[start..]) {
                let before = path.text[..start].trim_end_matches('/').to_owned();
                let root = if path.absolute { Root::Absolute(before) } else { Root::Before(before) };
                found.push(Candidate { file, root });
            }
        }
        if !path.absolute {
            let below = named.iter().filter_map(|file| {
                let before = file.strip_suffix(path.text.as_str())?.strip_suffix('/')?;
                Some(Candidate { file, root: Root::Below(before.to_owned()) })
            });
            found.extend(below);
        }
    }
}

/// Returns what each file of a report means, with its path as it is shown: first those with lines, then those without.
pub(super) fn fits<'a>(report: &Report, tree: &Tree<'a>) -> Vec<(String, Fit<'a>)> {
    let names: Vec<&str> =
        report.coverage.iter().map(|file| &file.name).chain(&report.without_lines).map(String::as_str).collect();
    fits_of(&names, &report.roots, tree)
}

/// Returns what each of a report's names of files means, with it as it is shown.
pub(super) fn fits_of<'a>(names: &[&str], roots: &[String], tree: &Tree<'a>) -> Vec<(String, Fit<'a>)> {
    let candidates = |roots: &[String]| -> Vec<Vec<Candidate<'a>>> {
        names.iter().map(|name| candidates(name, roots, tree)).collect()
    };
    let mut found = candidates(roots);
    if !roots.is_empty() && found.iter().all(Vec::is_empty) {
        // The folders that the report names are those of another machine.
        found = candidates(&[]);
    }
    let mut scores: BTreeMap<&Root, usize> = BTreeMap::new();
    for of_file in &found {
        for root in of_file.iter().map(|candidate| &candidate.root).collect::<BTreeSet<_>>() {
            *scores.entry(root).or_default() += 1;
        }
    }
    let absolute = |root: &&Root| matches!(root, Root::Absolute(_));
    let best = scores.iter().filter(|(root, _)| absolute(root)).map(|(_, score)| *score).max().unwrap_or(0);
    let is_best = |root: &Root| scores[root] == best;
    let places = scores.keys().filter(|root| absolute(root) && is_best(root)).count();
    let fit = |of_file: &Vec<Candidate<'a>>| {
        let held: Vec<&Candidate<'a>> =
            of_file.iter().filter(|candidate| !absolute(&&candidate.root) || is_best(&candidate.root)).collect();
        let most = held.iter().map(|candidate| scores[&candidate.root]).max().unwrap_or(0);
        let held = held.into_iter().filter(|candidate| scores[&candidate.root] == most);
        let elsewhere = held.clone().any(|candidate| absolute(&&candidate.root)) && places > 1;
        let files: BTreeSet<&str> = held.map(|candidate| candidate.file).collect();
        let files: Vec<&str> = files.into_iter().collect();
        match files[..] {
            [] => Fit::Nothing,
            [file] if !elsewhere => Fit::File(file),
            _ => Fit::Unclear(files),
        }
    };
    names.iter().zip(&found).map(|(name, of_file)| (shown(name), fit(of_file))).collect()
}

fn candidates<'a>(name: &str, roots: &[String], tree: &Tree<'a>) -> Vec<Candidate<'a>> {
    let mut found = Vec::new();
    let written = Written::of(name);
    if roots.is_empty() || written.absolute {
        tree.fitting(&written, &mut found);
    } else {
        roots.iter().for_each(|root| tree.fitting(&Written::of(&format!("{root}/{name}")), &mut found));
    }
    found
}

/// A path of a report in one spelling: components joined by `/`.
struct Written {
    text: String,
    absolute: bool,
}

impl Written {
    fn of(path: &str) -> Self {
        let drive = path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic());
        let absolute = drive || path.starts_with(['/', '\\']) || path.starts_with("file:");
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split(['/', '\\']) {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        Self { text: parts.join("/"), absolute }
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns a report's path for a sentence.
fn shown(name: &str) -> String {
    crate::reports::shown(name, NAME_CHARS_MAX)
}

/// A path is shown up to so many characters.
const NAME_CHARS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::{Format, read_report};

    /// Returns what the files of an LCOV report with these paths mean, in the order of the paths.
    fn mapped(files: &[&str], names: &[&str]) -> Vec<String> {
        let text: String = names.iter().map(|name| format!("SF:{name}\nDA:1,1\nend_of_record\n")).collect();
        mapped_of(files, names, Format::Lcov, &text)
    }

    fn mapped_of(files: &[&str], names: &[&str], format: Format, text: &str) -> Vec<String> {
        let report = read_report(format, &mut text.as_bytes()).unwrap();
        let mut files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        files.sort();
        let tree = Tree::of(&files);
        let fits: HashMap<String, String> = fits(&report, &tree)
            .into_iter()
            .map(|(name, fit)| match fit {
                Fit::Nothing => (name, "-".to_owned()),
                Fit::File(file) => (name, file.to_owned()),
                Fit::Unclear(files) => (name, format!("? {}", files.join(" "))),
            })
            .collect();
        names.iter().map(|name| fits[*name].clone()).collect()
    }

    #[test]
    fn paths_are_found_below_and_above_the_root() {
        assert_eq!(mapped(&["src/a.py"], &["src/a.py"]), ["src/a.py"]);
        assert_eq!(mapped(&["src/a.py"], &["./src/../src/a.py"]), ["src/a.py"]);
        assert_eq!(mapped(&["src/a.py"], &["/home/ci/shop/src/a.py"]), ["src/a.py"]);
        assert_eq!(mapped(&["src/a.py"], &["D:\\ci\\shop\\src\\a.py"]), ["src/a.py"]);
        assert_eq!(mapped(&["back/src/a.py"], &["src/a.py"]), ["back/src/a.py"]);
        assert_eq!(mapped(&["calc/calc.go"], &["example.test/shop/calc/calc.go"]), ["calc/calc.go"]);
        assert_eq!(mapped(&["src/main/java/com/x/A.java"], &["com/x/A.java"]), ["src/main/java/com/x/A.java"]);
        for foreign in ["rc/a.py", "src/b.py", "other/a.py", "/src/a.pyc", "a.py/src"] {
            assert_eq!(mapped(&["src/a.py"], &[foreign]), ["-"], "{foreign}");
        }
    }

    #[test]
    fn the_root_of_most_files_decides_between_equal_names() {
        let files = ["src/lib.rs", "src/b.rs", "crates/x/src/lib.rs"];
        let absolute = ["/w/shop/src/lib.rs", "/w/shop/src/b.rs", "/w/shop/crates/x/src/lib.rs"];
        assert_eq!(mapped(&files, &absolute), files);
        let relative = ["src/lib.rs", "src/b.rs"];
        assert_eq!(mapped(&files, &relative), relative);
        // A copy that has every file of the report.
        let vendored = ["src/lib.rs", "vendor/src/lib.rs"];
        assert_eq!(mapped(&vendored, &["src/lib.rs"]), ["? src/lib.rs vendor/src/lib.rs"]);
        assert_eq!(mapped(&vendored, &["/w/vendor/src/lib.rs"]), ["? src/lib.rs vendor/src/lib.rs"]);
        assert_eq!(mapped(&vendored, &["src/lib.rs", "vendor/src/lib.rs"]), vendored);
    }

    #[test]
    fn a_folder_named_like_the_checkout_takes_no_file_over() {
        // The job checks out in /builds/shop, and the branch adds shop/src/a.py.
        let files = ["shop/src/a.py", "src/a.py", "src/b.py"];
        let names = ["/builds/shop/src/a.py", "/builds/shop/src/b.py"];
        assert_eq!(mapped(&files, &names), ["src/a.py", "src/b.py"]);
    }

    #[test]
    fn files_of_the_machine_mean_none_of_the_repository() {
        let files = ["src/util.py", "util.py", "src/b.py"];
        let names = ["/w/shop/src/util.py", "/w/shop/src/b.py", "/usr/lib/python3/util.py"];
        assert_eq!(mapped(&files, &names), ["src/util.py", "src/b.py", "-"]);
        // With one file each there is no telling which of the two places is the checkout.
        let names = ["/w/shop/src/b.py", "/usr/lib/python3/util.py"];
        assert_eq!(mapped(&files, &names), ["? src/b.py", "? util.py"]);
    }

    #[test]
    fn the_sources_of_cobertura_tell_files_of_one_name_apart() {
        let document = |sources: &[&str]| {
            let sources: String = sources.iter().map(|source| format!("<source>{source}</source>")).collect();
            let class = "<class filename='a.py'><lines><line number='1' hits='1'/></lines></class>";
            format!("<coverage><sources>{sources}</sources><packages>{class}</packages></coverage>")
        };
        let files = ["back/a.py", "front/a.py"];
        let found =
            |files: &[&str], sources: &[&str]| mapped_of(files, &["a.py"], Format::Cobertura, &document(sources));
        assert_eq!(found(&files, &[]), ["? back/a.py front/a.py"]);
        assert_eq!(found(&files, &["/w/shop/front"]), ["front/a.py"]);
        assert_eq!(found(&files, &["/w/shop/back", "/w/shop/front"]), ["? back/a.py front/a.py"]);
        assert_eq!(found(&["back/a.py"], &["/w/shop/back", "/w/shop/front"]), ["back/a.py"]);
        assert_eq!(found(&["back/a.py"], &["/app"]), ["back/a.py"]);
        assert_eq!(found(&["back/a.py"], &["\n /w/shop/./back\n"]), ["back/a.py"]);
    }
}
