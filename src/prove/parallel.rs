//! The same work on many things, by as many threads as there are processors.

use std::num::NonZero;
use std::panic::resume_unwind;

/// Does the same with each of many things, in their order, by as many threads as there are processors.
#[must_use]
pub fn side_by_side<T: Sync, R: Send>(things: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let act = &act;
    let all = |part: &[T]| -> Vec<R> { part.iter().map(act).collect() };
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(things.len() / A_THREAD_MIN);
    if threads < 2 {
        return all(things);
    }
    std::thread::scope(|scope| {
        let parts = things.chunks(things.len().div_ceil(threads));
        let running: Vec<_> = parts.map(|part| scope.spawn(move || all(part))).collect();
        let ended = running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        ended.flatten().collect()
    })
}

/// Fewer records than this are checked sooner than a thread begins.
const A_THREAD_MIN: usize = 8;
