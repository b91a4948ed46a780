//! Work on many things by more than one thread: the same on each, or one that reads ahead of another.

use std::collections::VecDeque;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread::ScopedJoinHandle;

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
        running.into_iter().flat_map(ended).collect()
    })
}

/// Does the same with each of many things, in their order, on other threads while this one still reads those that follow.
///
/// # Errors
/// The first of the things that is one; nothing is read after it.
pub(super) fn while_reading<T: Send + Sync, R: Send, E>(
    mut things: impl Iterator<Item = Result<T, E>>,
    act: impl Fn(&T) -> R + Sync,
) -> Result<Vec<R>, E> {
    let act = &act;
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        let mut done = Vec::new();
        let mut running = VecDeque::new();
        loop {
            let part = things.by_ref().take(A_PART).collect::<Result<Vec<T>, E>>()?;
            if part.len() < A_PART {
                let last = side_by_side(&part, act);
                done.extend(running.into_iter().flat_map(ended));
                done.extend(last);
                return Ok(done);
            }
            if running.len() >= threads {
                done.extend(running.pop_front().into_iter().flat_map(ended));
            }
            running.push_back(scope.spawn(move || -> Vec<R> { part.iter().map(act).collect() }));
        }
    })
}

fn ended<R>(thread: ScopedJoinHandle<'_, R>) -> R {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Takes things in their order while a thread of its own makes those that follow, a few at most.
///
/// # Errors
/// What `take` returns first; nothing is taken after it.
pub fn ahead<T: Send, E>(
    mut things: impl Iterator<Item = T> + Send,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let Some(first) = things.next() else { return Ok(()) };
    let Some(second) = things.next() else { return take(first) };
    std::thread::scope(|scope| {
        let (give, taken) = sync_channel(AHEAD_MAX);
        let making = scope.spawn(move || {
            let mut things = things;
            while things.next().is_some_and(|thing| give.send(thing).is_ok()) {}
        });
        let mut outcome = [first, second].into_iter().try_for_each(&mut take);
        if outcome.is_ok() {
            outcome = taken.iter().try_for_each(&mut take);
        }
        drop(taken);
        ended(making);
        outcome
    })
}

/// So many things wait at most, beside the one that is made and the one that is taken.
const AHEAD_MAX: usize = 1;
/// So many things go to a thread at once while others are read.
const A_PART: usize = 64;
/// Fewer records than this are checked sooner than a thread begins.
const A_THREAD_MIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_ahead_is_taken_in_its_order_and_no_further_than_the_first_error() {
        for count in [0_u32, 1, 2, 3, 50] {
            let mut taken = Vec::new();
            let outcome: Result<(), u32> = ahead(0..count, |thing| {
                taken.push(thing);
                Ok(())
            });
            assert_eq!((outcome, taken), (Ok(()), (0..count).collect()));
        }
        for wrong in [0_u32, 1, 2, 7, 49] {
            let mut taken = 0;
            let outcome = ahead(0..50_u32, |thing| {
                taken += 1;
                if thing == wrong { Err(thing) } else { Ok(()) }
            });
            assert_eq!((outcome, taken), (Err(wrong), wrong + 1));
        }
    }

    #[test]
    #[should_panic(expected = "the fifth")]
    fn a_panic_of_the_maker_is_not_taken_for_the_end() {
        let things = (0..9).inspect(|thing| assert!(*thing != 5, "the fifth"));
        let _ = ahead(things, |_| Ok::<(), ()>(()));
    }
}
