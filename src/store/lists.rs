//! Posting lists as blocks of an arena: the places under a chain, label or signer.
//!
//! ```text
//! u64le block before (0: none) | u64le count with this block | u32le places here | u32le peaks
//! peaks 32 each: the list's RFC 6962 tree after this block, largest subtree first | places u64le each
//! ```

use std::io;

use super::arena::{Arena, Offset};
use crate::merkle::Frontier;
use crate::model::Digest;

/// What a list's newest block says of the whole list.
pub(super) struct ListHead {
    pub(super) count: u64,
    pub(super) frontier: Frontier,
}

/// Reads what the newest block says.
pub(super) fn head(arena: &Arena, at: Offset) -> io::Result<ListHead> {
    let block = Block::read(arena, at)?;
    let mut peaks = vec![0; block.peaks * 32];
    arena.read(Offset(at.0 + HEADER), &mut peaks)?;
    let peaks = peaks.chunks_exact(32).map(|peak| {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(peak);
        Digest(bytes)
    });
    let frontier = Frontier::from_peaks(block.count, peaks.collect()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(ListHead { count: block.count, frontier })
}

/// Appends places, ascending and beyond the last, with the list's frontier after them.
pub(super) fn extend(arena: &mut Arena, before: Option<Offset>, frontier: &Frontier, places: &[u64]) -> Offset {
    let peaks = frontier.peaks();
    let mut bytes = Vec::with_capacity(24 + peaks.len() * 32 + places.len() * 8);
    bytes.extend_from_slice(&before.map_or(0, |offset| offset.0).to_le_bytes());
    bytes.extend_from_slice(&frontier.size().to_le_bytes());
    let number = |count: usize| u32::try_from(count).expect("a batch holds fewer than 2^32 records").to_le_bytes();
    bytes.extend_from_slice(&number(places.len()));
    bytes.extend_from_slice(&number(peaks.len()));
    for peak in peaks {
        bytes.extend_from_slice(peak.bytes());
    }
    for place in places {
        bytes.extend_from_slice(&place.to_le_bytes());
    }
    arena.push(&bytes)
}

/// Reads the newest `most` places of a list, ascending.
pub(super) fn newest(arena: &Arena, at: Offset, most: usize) -> io::Result<Vec<u64>> {
    let mut places: Vec<u64> = Vec::new();
    let mut at = Some(at);
    while let Some(here) = at.filter(|_| places.len() < most) {
        let block = Block::read(arena, here)?;
        let mut bytes = vec![0; block.places * 8];
        arena.read(Offset(block.places_at), &mut bytes)?;
        places.extend(bytes.chunks_exact(8).rev().map(|place| {
            let mut number = [0; 8];
            number.copy_from_slice(place);
            u64::from_le_bytes(number)
        }));
        at = (block.before.0 != 0).then_some(block.before);
    }
    places.truncate(most);
    places.reverse();
    Ok(places)
}

struct Block {
    before: Offset,
    count: u64,
    places: usize,
    peaks: usize,
    places_at: u64,
}

impl Block {
    fn read(arena: &Arena, at: Offset) -> io::Result<Self> {
        let damaged = || io::Error::from(io::ErrorKind::InvalidData);
        let mut bytes = [0; 24];
        arena.read(at, &mut bytes)?;
        let long = |from: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[from..from + 8]);
            u64::from_le_bytes(number)
        };
        let short = |from: usize| {
            let mut number = [0; 4];
            number.copy_from_slice(&bytes[from..from + 4]);
            u32::from_le_bytes(number)
        };
        let (before, count, places, peaks) = (Offset(long(0)), long(8), short(16), short(20));
        // Blocks are written after those before them, and lie whole in the arena: a damaged file cannot lead far.
        let places_at = at.0 + HEADER + u64::from(peaks) * 32;
        let whole = places_at.checked_add(u64::from(places) * 8).is_some_and(|end| end <= arena.len());
        if before >= at || places == 0 || peaks > 64 || u64::from(places) > count || !whole {
            return Err(damaged());
        }
        let size = |number: u32| usize::try_from(number).map_err(|_| damaged());
        Ok(Self { before, count, places: size(places)?, peaks: size(peaks)?, places_at })
    }
}

const HEADER: u64 = 24;
