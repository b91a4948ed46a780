//! A software authenticator: an ssh-agent of ours that holds one security key's Ed25519 key, whose private half is in no
//! device but in this text. TEST KEY, NOT SECRET. It signs as FIDO2 does (OpenSSH, PROTOCOL.u2f), or misbehaves.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evidence_ledger::crypto::{SecretKey, sha256};

/// What the agent does when it is asked to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temper {
    /// Signs with these flags: 1 is a touch, 5 a touch and a PIN.
    Flags(u8),
    /// Says no.
    Refuses,
    /// Answers with bytes that mean nothing.
    Garbage,
    /// Answers with a length and no bytes, and hangs up.
    Cut,
    /// Announces more than anybody should read.
    Endless,
    /// Signs something else.
    OtherMessage,
    /// Signs under another application.
    OtherApplication,
    /// Signs as a plain Ed25519 key would.
    Plain,
}

/// The agent; it listens until the test ends.
pub struct SoftKey {
    pub socket: PathBuf,
    /// The public key's OpenSSH line.
    pub line: String,
}

impl SoftKey {
    pub fn start(socket: &Path, temper: Temper) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever hangs up has its reasons.
                let _ = serve(stream, temper);
            }
        });
        Self { socket: socket.to_owned(), line: format!("{KIND} {}", STANDARD.encode(wire_key())) }
    }
}

fn serve(mut stream: UnixStream, temper: Temper) -> std::io::Result<()> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut request = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        stream.read_exact(&mut request)?;
        let answer = match request[0] {
            11 => [&[12][..], &1_u32.to_be_bytes(), &string(&wire_key()), &string(b"software test key")].concat(),
            13 if temper == Temper::Refuses => vec![5],
            13 => signed(&request[1..], temper),
            _ => vec![5],
        };
        match temper {
            Temper::Cut if request[0] == 13 => return stream.write_all(&[0, 0, 1, 0, 14]),
            Temper::Endless if request[0] == 13 => return stream.write_all(&[0x7f, 0xff, 0xff, 0xff, 14]),
            _ => stream.write_all(&string(&answer))?,
        }
    }
}

fn signed(request: &[u8], temper: Temper) -> Vec<u8> {
    let (key, rest) = take(request);
    let (message, _) = take(rest);
    assert_eq!(key, wire_key());
    let (flags, application, message) = match temper {
        Temper::Garbage => return [&[14][..], &[0xff; 100]].concat(),
        Temper::Flags(flags) => (flags, APPLICATION, message),
        Temper::OtherMessage => (1, APPLICATION, &b"another"[..]),
        Temper::OtherApplication => (1, "ssh:other", message),
        Temper::Plain | Temper::Refuses | Temper::Cut | Temper::Endless => (1, APPLICATION, message),
    };
    let mut asserted = assertion(flags, application, message);
    if temper == Temper::Plain {
        asserted[..64].copy_from_slice(&secret().sign(message));
    }
    let signature = [&string(KIND.as_bytes())[..], &string(&asserted[..64]), &asserted[64..]].concat();
    [&[14][..], &string(&signature)].concat()
}

/// Signs as an envelope spells it: 64 bytes, flags, counter.
pub fn assertion(flags: u8, application: &str, message: &[u8]) -> Vec<u8> {
    let state = [flags, 0, 0, 0, 7];
    let blob = [sha256(application.as_bytes()).bytes(), &state[..], sha256(message).bytes()].concat();
    [&secret().sign(&blob)[..], &state].concat()
}

fn secret() -> SecretKey {
    SecretKey::from_seed(b"EVIDENCE TEST KEY, NOT SECRET sk")
}

fn wire_key() -> Vec<u8> {
    [string(KIND.as_bytes()), string(&secret().public_bytes()), string(APPLICATION.as_bytes())].concat()
}

/// Bytes behind their length.
pub fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn take(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
    rest.split_at(usize::try_from(u32::from_be_bytes(*length)).unwrap())
}

const KIND: &str = "sk-ssh-ed25519@openssh.com";
pub const APPLICATION: &str = "ssh:";
