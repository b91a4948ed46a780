//! The zip file of a bundle, read strictly (format, section 7): local headers equal central ones, nothing between them, no
//! links, no encryption, no extra fields but those of Zip64, a fixed order. The directory is read by the `zip` crate; what it
//! is lenient about is checked here against the bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::layout::{LARGE_BYTES, rank};

/// An opened bundle file.
pub struct Container {
    file: Arc<File>,
    members: BTreeMap<String, Member>,
}

#[derive(Debug, Clone, Copy)]
struct Member {
    at: u64,
    packed: u64,
    bytes: u64,
    crc: u32,
    deflated: bool,
}

/// Why a file is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The operating system refuses.
    #[error("the bundle cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is no zip file.
    #[error("the bundle is no readable zip file: {0}")]
    Zip(#[from] ZipError),
    /// A rule of the container is broken.
    #[error("the bundle's container is not as it must be: {0}")]
    Rule(String),
}

impl Container {
    /// Opens a bundle and checks its container from the first byte to the last.
    ///
    /// # Errors
    /// See [`ContainerError`].
    pub fn open(path: &Path) -> Result<Self, ContainerError> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let rule = ContainerError::Rule;
        let mut archive = ZipArchive::new(BufReader::new(file.try_clone()?))?;
        if archive.len() > MEMBERS_MAX {
            return Err(rule(format!("it has {} members; at most {MEMBERS_MAX} are read", archive.len())));
        }
        let mut members = BTreeMap::new();
        let mut last = None;
        let (mut local_at, mut central_at) = (0, archive.central_directory_start());
        for index in 0..archive.len() {
            let member = archive.by_index_raw(index)?;
            let name = String::from_utf8(member.name_raw().to_vec())
                .map_err(|_| rule("a member's name is not UTF-8".to_owned()))?;
            let place = rank(&name).ok_or_else(|| rule(format!("no bundle has a member {name:?}")))?;
            let place = (place.0, place.1, name.clone());
            if last.as_ref().is_some_and(|last| *last >= place) {
                return Err(rule(format!("the member {name} is out of order or there twice")));
            }
            if member.header_start() != local_at || member.central_header_start() != central_at {
                return Err(rule(format!("something lies before the member {name}")));
            }
            let local = Header::read(&file, local_at, &LOCAL)?;
            let central = Header::read(&file, central_at, &CENTRAL)?;
            let plain = !member.encrypted() && !member.is_dir() && !member.is_symlink();
            let regular = member.unix_mode().is_none_or(|mode| mode & 0o170_000 == 0o100_000);
            if !plain
                || !regular
                || !local.agrees(&central)
                || local.name != name.as_bytes()
                || central.name != name.as_bytes()
            {
                return Err(rule(format!("the headers of the member {name} do not agree, or it is no plain file")));
            }
            let zip64 = member.size() >= ZIP64_FROM
                || member.compressed_size() >= ZIP64_FROM
                || member.header_start() >= ZIP64_FROM;
            // Only members of which the writer knew that they might not fit 32 bits leave room for long sizes.
            let local_long = if member.size() < LARGE_BYTES {
                local.extra.is_empty()
            } else {
                local.sizes_in_extra() == Some((member.compressed_size(), member.size()))
            };
            if !local.extra_fits() || !central.extra_fits() || !local_long || (!zip64 && !central.extra.is_empty()) {
                return Err(rule(format!("the member {name} carries extra fields")));
            }
            let deflated = match member.compression() {
                CompressionMethod::Deflated => true,
                CompressionMethod::Stored => false,
                _ => return Err(rule(format!("the member {name} is packed in a way that bundles do not use"))),
            };
            let at = local_at + local.length;
            let member =
                Member { at, packed: member.compressed_size(), bytes: member.size(), crc: member.crc32(), deflated };
            local_at = at + member.packed;
            central_at += central.length;
            members.insert(name, member);
            last = Some(place);
        }
        if archive.central_directory_start() != local_at {
            return Err(rule("something lies between the last member and the directory".to_owned()));
        }
        if ![END_BYTES, END_BYTES + ZIP64_END_BYTES].contains(&length.saturating_sub(central_at)) {
            return Err(rule("something lies after the directory".to_owned()));
        }
        let mut end = vec![0; usize::try_from(length - central_at).unwrap_or(0)];
        file.read_exact_at(&mut end, central_at)?;
        if !is_directory_end(&end, number(members.len()), archive.central_directory_start(), central_at) {
            return Err(rule("the end of the directory is not as it must be".to_owned()));
        }
        Ok(Self { file: Arc::new(file), members })
    }

    /// Returns the names of the members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// Opens a member; `None` if it is not there. Reading it ends in an error if it is not what its header says.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Box<dyn BufRead>> {
        let member = *self.members.get(name)?;
        let packed = Section { file: Arc::clone(&self.file), at: member.at, left: member.packed };
        let packed = BufReader::with_capacity(BUFFER_BYTES, packed);
        let unpacked =
            if member.deflated { Unpacked::Deflated(DeflateDecoder::new(packed)) } else { Unpacked::Stored(packed) };
        Some(Box::new(BufReader::with_capacity(BUFFER_BYTES, Checked { unpacked, member, crc: Crc::new() })))
    }

    /// Reads a small member whole; `None` if it is not there.
    ///
    /// # Errors
    /// If it is larger than `most`, or cannot be unpacked.
    pub fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, ContainerError> {
        let (Some(member), Some(mut reader)) = (self.members.get(name), self.member(name)) else { return Ok(None) };
        if member.bytes > most {
            return Err(ContainerError::Rule(format!(
                "the member {name} has {} bytes; at most {most} are read",
                member.bytes
            )));
        }
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}

/// Returns whether these bytes end a directory of so many members: in the short form, or in that of Zip64.
fn is_directory_end(found: &[u8], members: u64, start: u64, end: u64) -> bool {
    let bytes = end - start;
    let short = |count: u16, bytes: u32, start: u32| {
        let (count, bytes, start) = (count.to_le_bytes(), bytes.to_le_bytes(), start.to_le_bytes());
        [b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count, &bytes, &start, &[0, 0]].concat()
    };
    let most = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let told = short(u16::try_from(members).unwrap_or(u16::MAX), most(bytes), most(start));
    if number(found.len()) == END_BYTES {
        return members < 0xffff && bytes < ZIP64_FROM && start < ZIP64_FROM && found == told;
    }
    let Some((long, last)) = found.split_last_chunk::<22>() else { return false };
    let Some((made, needed)) = long.get(12..14).zip(long.get(14..16)) else { return false };
    let word = |bytes: &[u8]| usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    let record = [
        b"PK\x06\x06".as_slice(),
        &44_u64.to_le_bytes(),
        made,
        needed,
        &[0; 8],
        &members.to_le_bytes(),
        &members.to_le_bytes(),
        &bytes.to_le_bytes(),
        &start.to_le_bytes(),
        b"PK\x06\x07\0\0\0\0",
        &end.to_le_bytes(),
        &1_u32.to_le_bytes(),
    ];
    let versions = MADE_BY.contains(&word(made)) && NEEDED.contains(&word(needed));
    versions && long == record.concat() && (last[..] == told || last[..] == short(u16::MAX, u32::MAX, u32::MAX))
}

/// A part of a file, read without moving anybody's place in it.
struct Section {
    file: Arc<File>,
    at: u64,
    left: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(&mut buffer[..most], self.at)?;
        if count == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += number(count);
        self.left -= number(count);
        Ok(count)
    }
}

enum Unpacked {
    Stored(BufReader<Section>),
    Deflated(DeflateDecoder<BufReader<Section>>),
}

/// Unpacks a member and, at its end, holds length and checksum against the header.
struct Checked {
    unpacked: Unpacked,
    member: Member,
    crc: Crc,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.member.bytes.saturating_sub(self.total());
        let count = match &mut self.unpacked {
            Unpacked::Stored(reader) => reader.read(buffer)?,
            Unpacked::Deflated(reader) => reader.read(buffer)?,
        };
        if number(count) > left {
            return Err(wrong("a member is longer than its header says"));
        }
        self.crc.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() {
            let whole = match &mut self.unpacked {
                Unpacked::Stored(_) => true,
                Unpacked::Deflated(reader) => reader.total_in() == self.member.packed,
            };
            if left != 0 || self.crc.sum() != self.member.crc || !whole {
                return Err(wrong("a member is not what its header says"));
            }
        }
        Ok(count)
    }
}

impl Checked {
    fn total(&self) -> u64 {
        match &self.unpacked {
            Unpacked::Stored(reader) => self.member.packed - reader.get_ref().left - number(reader.buffer().len()),
            Unpacked::Deflated(reader) => reader.total_out(),
        }
    }
}

/// The shape of a local or central header.
struct Shape {
    signature: u32,
    /// Bytes before the name.
    fixed: usize,
    /// Where flags, method, time, date, checksum, sizes and the lengths of name and extra field stand.
    same: std::ops::Range<usize>,
    /// Where the length of the comment stands.
    comment: Option<usize>,
}

struct Header {
    /// The version needed.
    needed: usize,
    /// Flags, method, time, date, checksum and sizes, as bytes.
    same: Vec<u8>,
    name: Vec<u8>,
    extra: Vec<u8>,
    length: u64,
}

impl Header {
    fn read(file: &File, at: u64, shape: &Shape) -> Result<Self, ContainerError> {
        let mut fixed = vec![0; shape.fixed];
        file.read_exact_at(&mut fixed, at)?;
        let short = |from: usize| usize::from(u16::from_le_bytes([fixed[from], fixed[from + 1]]));
        let signature = u32::from_le_bytes([fixed[0], fixed[1], fixed[2], fixed[3]]);
        // What no reader of a member looks at has one value all the same: no byte of a bundle is free.
        let needed = short(shape.same.start - 2);
        let idle = match shape.comment {
            None => true,
            Some(_) => MADE_BY.contains(&short(4)) && fixed[34..38] == [0; 4] && fixed[38..42] == PLAIN_FILE,
        };
        let comment = shape.comment.map_or(0, short);
        let time = &fixed[shape.same.start + 4..shape.same.start + 8];
        let flags = short(shape.same.start);
        // Bit 3 would put sizes behind the member, bit 0 encrypts it; bit 11 says that the name is UTF-8.
        if signature != shape.signature
            || !NEEDED.contains(&needed)
            || !idle
            || comment != 0
            || time != DOS_1980
            || flags & !0x0806 != 0
        {
            return Err(ContainerError::Rule(format!("the header at byte {at} is not one of a bundle's")));
        }
        let (name_bytes, extra_bytes) = (short(shape.same.end), short(shape.same.end + 2));
        let mut rest = vec![0; name_bytes + extra_bytes];
        file.read_exact_at(&mut rest, at + number(shape.fixed))?;
        let extra = rest.split_off(name_bytes);
        let same = fixed[shape.same.start..shape.same.end].to_vec();
        Ok(Self { needed, same, name: rest, extra, length: number(shape.fixed + name_bytes + extra_bytes) })
    }

    /// Returns whether two headers of a member say the same. With Zip64 the sizes of one may stand in its extra field.
    fn agrees(&self, central: &Self) -> bool {
        let sizes = self.same.len() - 8;
        // A member of unknown length may have been given room for long sizes, and need them not.
        if self.needed != central.needed && self.extra.is_empty() {
            return false;
        }
        let same_sizes = self.same[sizes..] == central.same[sizes..];
        self.same[..sizes] == central.same[..sizes] && (same_sizes || self.sizes_in_extra() == central.sizes_or_extra())
    }

    /// Returns packed and plain size as a local Zip64 field has them: plain first.
    fn sizes_in_extra(&self) -> Option<(u64, u64)> {
        let field = self.extra.get(4..20)?;
        let (plain, packed) = field.split_at(8);
        Some((u64::from_le_bytes(packed.try_into().ok()?), u64::from_le_bytes(plain.try_into().ok()?)))
    }

    /// Returns packed and plain size where a central header has them as they are.
    fn sizes_or_extra(&self) -> Option<(u64, u64)> {
        let sizes = self.same.get(self.same.len() - 8..)?;
        let (packed, plain) = sizes.split_at(4);
        let (packed, plain) = (u32::from_le_bytes(packed.try_into().ok()?), u32::from_le_bytes(plain.try_into().ok()?));
        if packed == u32::MAX || plain == u32::MAX {
            self.sizes_in_extra()
        } else {
            Some((packed.into(), plain.into()))
        }
    }

    /// Returns whether the extra field is empty, or of Zip64 alone.
    fn extra_fits(&self) -> bool {
        let Some((head, rest)) = self.extra.split_first_chunk::<4>() else { return self.extra.is_empty() };
        let [a, b, c, d] = *head;
        u16::from_le_bytes([a, b]) == 1 && usize::from(u16::from_le_bytes([c, d])) == rest.len() && rest.len() <= 28
    }
}

fn wrong(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

fn number(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("memory is smaller than 2^64")
}

const LOCAL: Shape = Shape { signature: 0x0403_4b50, fixed: 30, same: 6..26, comment: None };
const CENTRAL: Shape = Shape { signature: 0x0201_4b50, fixed: 46, same: 8..28, comment: Some(32) };
/// Zip 1.0 for what is stored, 2.0 for what is deflated, 4.5 for Zip64, written on Unix.
const MADE_BY: [usize; 3] = [0x030a, 0x0314, 0x032d];
const NEEDED: [usize; 3] = [10, 20, 45];
/// Mode 0644 of a plain file, in the upper half of the external attributes.
const PLAIN_FILE: [u8; 4] = [0, 0, 0xa4, 0x81];
/// 00:00 on 1980-01-01.
const DOS_1980: &[u8] = &[0x00, 0x00, 0x21, 0x00];
const END_BYTES: u64 = 22;
const ZIP64_END_BYTES: u64 = 56 + 20;
const ZIP64_FROM: u64 = 0xffff_ffff;
/// More members are refused (format, section 7).
const MEMBERS_MAX: usize = 100_000;
const BUFFER_BYTES: usize = 64 * 1024;
