//! The members of a bundle as names and bytes: taken out, and put into a container as the format has it.

use std::io::{Cursor, Read as _, Write as _};

pub type Members = Vec<(String, Vec<u8>)>;

pub fn unpack(file: &[u8]) -> Members {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        members.push((String::from_utf8(member.name_raw().to_vec()).unwrap(), bytes));
    }
    members
}

pub fn pack(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(0o644);
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
