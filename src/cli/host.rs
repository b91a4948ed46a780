//! What kind of host a command runs on: measurements are compared on like hosts alone.

use std::collections::BTreeMap;
use std::fs;
use std::thread;

/// Adds the kind of host to the context of a run: `EVIDENCE_HOST` where it is set, else system, processor and how many.
pub(super) fn add(context: &mut BTreeMap<String, String>) {
    let said = std::env::var("EVIDENCE_HOST").ok().filter(|said| !said.is_empty());
    let kind = said.unwrap_or_else(|| {
        let count = thread::available_parallelism().map_or(0, usize::from);
        format!("{} {} {} x{count}", std::env::consts::OS, std::env::consts::ARCH, processor())
    });
    context.insert("host".to_owned(), kind.chars().take(HOST_CHARS_MAX).collect());
}

/// Returns the name of the processor, where the system tells it.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.trim_start().strip_prefix(':'));
    name.map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned())
}

const HOST_CHARS_MAX: usize = 200;
