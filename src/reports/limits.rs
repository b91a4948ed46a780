//! How much a report may be.
//!
//! A limit belongs to its reader: with another limit it would come to other facts, and be another number.

/// Reports that are read as a stream. The largest real ones have about 100 MB; at 64 MB/s this takes four seconds.
pub const STREAM_BYTES_MAX: u64 = 256 << 20;

/// Reports that are held in memory, and what is held at once of those that are read in parts: one element of their lists,
/// and all that is in none.
pub const TREE_BYTES_MAX: u64 = 64 << 20;

/// One tag, text, comment or CDATA section of XML. Logs of whole runs stand in `system-out`; this is what is held of a
/// report at any moment.
pub const TOKEN_BYTES_MAX: u64 = 32 << 20;

/// Nested elements. Suites were seen five deep.
pub const DEPTH_MAX: usize = 64;

/// Elements of a document: what the largest report could hold, at a few dozen bytes each.
pub const ELEMENTS_MAX: u64 = 10_000_000;

/// Cases or results of a report; 33 bytes are held for each until the end.
pub const CASES_MAX: usize = 2_000_000;

/// The name of a case, class, file or suite. Parametrised tests have names of some kilobytes.
pub const NAME_BYTES_MAX: usize = 64 << 10;

/// Properties of one case or suite that are kept; they are in no fact, and those beyond are left out.
pub const PROPERTIES_MAX: usize = 256;

/// A name longer than this is kept as its hash; identities always cover the whole name.
pub const NAME_KEPT_BYTES_MAX: usize = 1 << 10;

/// A line of text. Longer ones are the tested program's, and are skipped.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// The number of a line in a source file. Generated files were seen with some hundred thousand.
pub const LINE_NUMBER_MAX: u64 = 2_000_000;

/// Lines of a coverage report; four bytes are held for each, and as many again until they are merged.
pub const COVERAGE_LINES_MAX: usize = 10_000_000;

/// Files of a coverage report; a hundred bytes are held for each, and the path where lines are kept.
pub const COVERAGE_FILES_MAX: usize = 1_000_000;

/// Lines of all ranges of a report together: a few bytes of text may not ask for hours. The largest profile of Go that is
/// read has four million blocks, of three lines on average.
pub const SPREAD_LINES_MAX: u64 = 30_000_000;

/// Names of tests that a report about mutants mentions, each time: 16 bytes are held for one that notices a mutant.
pub const MENTIONS_MAX: u64 = 5_000_000;

/// Things that a report measures; their names are held, and 8 bytes for each sample.
pub const MEASUREMENTS_MAX: usize = 200_000;

/// Packages whose output runs side by side in a report of events.
pub const PACKAGES_MAX: usize = 100_000;

/// The names of a surface together. A name repeats the path that it stands below, so a short report could ask for hours.
pub const SURFACE_BYTES_MAX: usize = 64 << 20;

/// A YAML document. The largest real descriptions of interfaces have 10 MB.
pub const YAML_BYTES_MAX: u64 = 16 << 20;

/// What the values of a YAML document take of memory together, the copies that aliases stand for included. One that is as large as any may
/// be, of lines as descriptions have them, takes three quarters of it.
pub const YAML_VALUES_BYTES_MAX: usize = 384 << 20;

/// What the copies alone take that aliases stand for, and that are kept for them: all that a short text can ask for.
pub const YAML_COPIES_BYTES_MAX: usize = 32 << 20;

/// References that a description of an interface follows, and parts that it comes to by them, each time. A parameter may be named by every path,
/// and all parameters be named by a path that every other one refers to. The largest real descriptions come to some 300,000.
pub const VISITS_MAX: u64 = 1_000_000;

/// The bytes at the start of a report that are enough to tell its format.
pub const HEAD_BYTES: usize = 64 << 10;
