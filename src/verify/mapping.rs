//! Which file of the judged tree a path of a report means.
//!
//! Tools write paths from the root of the repository, from a folder of it (`shop/calc.py` for `back/shop/calc.py`, as JaCoCo
//! always does), or with something before it: where the job checked out, or the name of a Go module. So a path fits a file if
//! the one is the end of the other, whole components long; what the longer one has before it is the *root*. Of several that
//! fit, the one counts under whose root the most files of the report fit; two with equally many are unclear, which
//! refuses. Absolute paths are of one file system, so only one root of theirs counts: what lies elsewhere (headers and
//! packages of the machine) means no file, however it is called. `\` is a separator, `.` and `..` are resolved in the text.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::reports::Report;

/// The files of the judged tree, by path and by how the paths end.
pub(super) struct Tree<'a> {
    files: &'a [String],
    /// Sorted by their bytes from the last to the first.
    by_end: Vec<&'a str>,
}

/// What a path of a report means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit<'a> {
    /// No file of the tree.
    Nothing,
    /// This file.
    File(&'a str),
    /// One of these, or perhaps none: it cannot be told.
    Unclear(Arc<[&'a str]>),
}

/// Where the files of a report begin: what stands before the files' paths in the report's, or before the report's in theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Root<'a> {
    Absolute(&'a str),
    Before(&'a str),
    Below(&'a str),
}

struct Candidate<'a> {
    file: &'a str,
    /// The place of its root among all.
    root: usize,
}

/// What the names of a report fit.
#[derive(Default)]
struct Search<'a, 't> {
    roots: HashMap<Root<'t>, usize>,
    /// How many names fit under each root, and whether it is an absolute one.
    scores: Vec<(usize, bool)>,
    found: Vec<Vec<Candidate<'a>>>,
    looked_up: usize,
    candidates: usize,
}

/// That a report's names fit more files than are looked at.
struct TooMany;

impl<'a> Tree<'a> {
    /// Takes the files, sorted.
    pub(super) fn of(files: &'a [String]) -> Self {
        let mut by_end: Vec<&str> = files.iter().map(String::as_str).collect();
        by_end.sort_unstable_by(|a, b| a.bytes().rev().cmp(b.bytes().rev()));
        Self { files, by_end }
    }

    /// Returns whether two files are spelled like this.
    pub(super) fn has_twice(&self, path: &str) -> bool {
        let first = self.files.partition_point(|file| file.as_str() < path);
        self.files[first..].iter().take_while(|file| *file == path).count() > 1
    }

    fn find(&self, path: &str) -> Option<&'a str> {
        let at = self.files.binary_search_by(|file| file.as_str().cmp(path)).ok()?;
        Some(&self.files[at])
    }

    /// Returns the files that lie below some folder under this path, with the folder.
    fn below(&self, path: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let end = format!("/{path}");
        let first = self.by_end.partition_point(|file| file.bytes().rev().lt(end.bytes().rev()));
        self.by_end[first..].iter().map_while(move |file| Some((*file, file.strip_suffix(end.as_str())?)))
    }
}

impl<'a: 't, 't> Search<'a, 't> {
    /// Looks for the files that each name fits, which counts as often as it is there.
    fn of(written: &'t [(Vec<Spelled>, usize)], tree: &Tree<'a>) -> Result<Self, TooMany> {
        let mut search = Self::default();
        for (spellings, times) in written {
            let mut found = Vec::new();
            for path in spellings {
                search.fitting(path, tree, &mut found)?;
            }
            for root in found.iter().map(|candidate: &Candidate<'a>| candidate.root).collect::<BTreeSet<_>>() {
                search.scores[root].0 += times;
            }
            search.found.push(found);
        }
        Ok(search)
    }

    /// Adds the files that a path fits.
    fn fitting(&mut self, path: &'t Spelled, tree: &Tree<'a>, found: &mut Vec<Candidate<'a>>) -> Result<(), TooMany> {
        if path.text.is_empty() {
            return Ok(());
        }
        let ends = std::iter::once(0).chain(path.text.match_indices('/').map(|(at, _)| at + 1));
        for start in ends {
            self.looked_up += 1;
            if self.looked_up > LOOKED_UP_MAX {
                return Err(TooMany);
            }
            if let Some(file) = tree.find(&path.text[start..]) {
                let before = path.text[..start].trim_end_matches('/');
                self.add(file, if path.absolute { Root::Absolute(before) } else { Root::Before(before) }, found)?;
            }
        }
        if !path.absolute {
            for (file, before) in tree.below(&path.text) {
                self.add(file, Root::Below(before), found)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, file: &'a str, root: Root<'t>, found: &mut Vec<Candidate<'a>>) -> Result<(), TooMany> {
        self.candidates += 1;
        if self.candidates > CANDIDATES_MAX {
            return Err(TooMany);
        }
        let next = self.scores.len();
        let root = *self.roots.entry(root).or_insert_with_key(|root| {
            self.scores.push((0, matches!(root, Root::Absolute(_))));
            next
        });
        found.push(Candidate { file, root });
        Ok(())
    }

    /// Tells what each name means.
    fn fits(&self) -> Vec<Fit<'a>> {
        let absolute = |root: usize| self.scores[root].1;
        let best = self.scores.iter().filter(|(_, absolute)| *absolute).map(|(score, _)| *score).max().unwrap_or(0);
        let is_best = |root: usize| self.scores[root].0 == best;
        let places = self.scores.iter().filter(|(score, absolute)| *absolute && *score == best).count();
        let fit = |of_file: &Vec<Candidate<'a>>| {
            let held: Vec<&Candidate<'a>> =
                of_file.iter().filter(|candidate| !absolute(candidate.root) || is_best(candidate.root)).collect();
            let most = held.iter().map(|candidate| self.scores[candidate.root].0).max().unwrap_or(0);
            let held = held.into_iter().filter(|candidate| self.scores[candidate.root].0 == most);
            let elsewhere = held.clone().any(|candidate| absolute(candidate.root)) && places > 1;
            let files: BTreeSet<&str> = held.map(|candidate| candidate.file).collect();
            let files: Vec<&str> = files.into_iter().collect();
            match files[..] {
                [] => Fit::Nothing,
                [file] if !elsewhere => Fit::File(file),
                _ => Fit::Unclear(files.into()),
            }
        };
        self.found.iter().map(fit).collect()
    }
}

/// Returns what each file of a report means, with its path as written: first those with lines, then those without.
pub(super) fn fits<'n, 'a>(report: &'n Report, tree: &Tree<'a>) -> Vec<(&'n str, Fit<'a>)> {
    let names: Vec<&str> =
        report.coverage.iter().map(|file| &file.name).chain(&report.without_lines).map(String::as_str).collect();
    fits_of(&names, &report.roots, tree)
}

/// Returns what each of a report's names of files means, with it as written.
///
/// Where they fit more than is looked at, none means a file, and the first may be any: a limit on whichever refuses.
pub(super) fn fits_of<'n, 'a>(names: &[&'n str], roots: &[String], tree: &Tree<'a>) -> Vec<(&'n str, Fit<'a>)> {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *times.entry(*name).or_default() += 1;
    }
    match fits_once(&times, roots, tree) {
        Ok(fits) => {
            let fits: HashMap<&str, Fit<'a>> = times.into_keys().zip(fits).collect();
            names.iter().map(|name| (*name, fits.get(name).cloned().unwrap_or(Fit::Nothing))).collect()
        }
        Err(TooMany) => {
            let any = || Fit::Unclear(tree.files.iter().map(String::as_str).collect());
            let fit = |(at, name): (usize, &&'n str)| (*name, if at == 0 { any() } else { Fit::Nothing });
            names.iter().enumerate().map(fit).collect()
        }
    }
}

fn fits_once<'a>(times: &BTreeMap<&str, usize>, roots: &[String], tree: &Tree<'a>) -> Result<Vec<Fit<'a>>, TooMany> {
    let of = |roots: &[String]| -> Result<Option<Vec<Fit<'a>>>, TooMany> {
        let written = written(times, roots)?;
        let search = Search::of(&written, tree)?;
        Ok((search.candidates > 0).then(|| search.fits()))
    };
    let fits = match of(roots)? {
        // The folders that the report names are those of another machine.
        None if !roots.is_empty() => of(&[])?,
        found => found,
    };
    Ok(fits.unwrap_or_else(|| vec![Fit::Nothing; times.len()]))
}

/// Returns each name in one spelling, under each of the roots, with how often it is there.
fn written(times: &BTreeMap<&str, usize>, roots: &[String]) -> Result<Vec<(Vec<Spelled>, usize)>, TooMany> {
    let mut bytes = 0_usize;
    let mut all = Vec::with_capacity(times.len());
    for (name, times) in times {
        let alone = Spelled::of(name);
        let spellings = if roots.is_empty() || alone.absolute {
            vec![alone]
        } else {
            bytes = roots.iter().map(|root| root.len() + name.len()).fold(bytes, usize::saturating_add);
            if bytes > WRITTEN_BYTES_MAX {
                return Err(TooMany);
            }
            roots.iter().map(|root| Spelled::of(&format!("{root}/{name}"))).collect()
        };
        all.push((spellings, *times));
    }
    Ok(all)
}

/// A path of a report in one spelling: components joined by `/`.
pub(super) struct Spelled {
    pub(super) text: String,
    pub(super) absolute: bool,
}

impl Spelled {
    /// Takes a path as a report has it.
    pub(super) fn of(path: &str) -> Self {
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

/// Returns a report's path for a sentence.
pub(super) fn shown(name: &str) -> String {
    crate::reports::shown(name, NAME_CHARS_MAX)
}

/// A path is shown up to so many characters.
const NAME_CHARS_MAX: usize = 200;
/// So many ends of a report's paths are looked up: ten components of two million paths.
const LOOKED_UP_MAX: usize = 20_000_000;
/// So many files may all of a report's paths fit together, 24 MB of them. A thousand paths of one name each fit a thousand files.
const CANDIDATES_MAX: usize = 1_000_000;
/// So much may a report's paths make under the folders that it names.
const WRITTEN_BYTES_MAX: usize = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::{Format, read_report};

    #[test]
    fn files_that_are_spelled_alike_are_told() {
        let files = ["a", "b", "b", "c"].map(str::to_owned);
        let tree = Tree::of(&files);
        assert!(tree.has_twice("b") && !["a", "c", "aa", "d"].into_iter().any(|path| tree.has_twice(path)));
    }

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
            .map(|(name, fit)| (shown(name), fit))
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

    #[test]
    fn many_paths_of_one_file_and_many_files_of_one_name_take_no_memory() {
        let files: Vec<String> = (0..2_000).map(|at| format!("crates/c{at:04}/src/lib.rs")).collect();
        let tree = Tree::of(&files);
        // Spelled in as many ways as there are paths, all of them one file.
        let names: Vec<String> = (0..100_000).map(|at| format!("/w{}/crates/c0007/src/lib.rs", at % 7)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let fits = fits_of(&names, &[], &tree);
        assert_eq!(fits.len(), names.len());
        // Each of these fits every file: more than is looked at, and then any file may be meant.
        let names: Vec<String> = (0..1_000).map(|at| format!("{}src/lib.rs", "./".repeat(at))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let fits = fits_of(&names, &[], &tree);
        assert!(matches!(&fits[0].1, Fit::Unclear(all) if all.len() == files.len()));
        assert!(fits[1..].iter().all(|(_, fit)| *fit == Fit::Nothing));
        // Under the folders that a report names, too.
        let roots: Vec<String> = (0..20_000).map(|at| format!("/w/{at}")).collect();
        let names: Vec<String> = (0..2_000).map(|at| format!("a/{at}.rs")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(matches!(&fits_of(&names, &roots, &tree)[0].1, Fit::Unclear(all) if all.len() == files.len()));
    }

    #[test]
    fn tests_of_a_hundred_thousand_that_stand_in_few_files_are_found_at_once() {
        let files: Vec<String> = (0..1_000).map(|at| format!("back/tests/t{at:04}/mod.rs")).collect();
        let tree = Tree::of(&files);
        let names: Vec<String> = (0..100_000).map(|at| format!("tests/t{:04}/mod.rs", at % 1_000)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let fits = fits_of(&names, &[], &tree);
        assert!(fits.iter().enumerate().all(|(at, (_, fit))| *fit == Fit::File(&files[at % 1_000])));
    }
}
