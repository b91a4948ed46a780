#!/usr/bin/env python3
"""A second auditor of bundles and ledgers, written from the text of the format: it shares no line with the program.

    audit.py BUNDLE TRUST [--since NOTE]     a bundle: container, proofs, signatures, lists, git objects, materials
    audit.py --ledger FOLDER TRUST           a ledger's folder: frames, tree and map rebuilt from nothing

Exit code 0: all holds; 1: it does not, one line for each reason; 2: cannot be read at all.
Of policies only `[may]` is read: who could sign what, and for how long. `note: record N counts for nothing` names what was signed by
nobody who could. Needs Python 3.11 and `cryptography`; with `jsonschema` the predicates' schemas are checked too.
"""
import base64
import binascii
import datetime
import hashlib
import json
import pathlib
import re
import struct
import sys
import tomllib
import zlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

try:
    import jsonschema
except ImportError:
    jsonschema = None

PROBLEMS = []
MAX = 2**53 - 1
ALGORITHMS = {"ssh-ed25519": "ed25519", "ecdsa-sha2-nistp256": "ecdsa-p256", "sk-ssh-ed25519@openssh.com": "sk-ed25519"}
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SPKI_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
PAYLOAD_TYPE = "application/vnd.in-toto+json"
HEX64 = re.compile(r"[0-9a-f]{64}\Z")
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]\Z")
SEGMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}\Z")


class Bad(Exception):
    """What is wrong with the bytes."""


def problem(text):
    PROBLEMS.append(text)


def need(held, text):
    if not held:
        raise Bad(text)


def attempt(about, function, *arguments):
    """Calls the function; what it refuses becomes a problem."""
    try:
        return function(*arguments)
    except Bad as bad:
        problem(f"{about}: {bad}")
        return None


def sha256(data):
    return hashlib.sha256(data).digest()


def from_base64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Bad(f"not base64: {text!r}") from error
    need(base64.b64encode(data).decode() == text, f"base64 is not canonical: {text!r}")
    return data


def hash64(text):
    data = from_base64(text)
    need(len(data) == 32, f"not a hash: {text!r}")
    return data


def number(text):
    need(re.fullmatch(r"0|[1-9][0-9]{0,15}", text, re.ASCII) is not None and int(text) <= MAX, f"not a number: {text!r}")
    return int(text)


def lines(data, ascii_only=True):
    """The lines of a text format: each ended by LF, none empty."""
    try:
        text = data.decode("ascii" if ascii_only else "utf-8")
    except UnicodeDecodeError as error:
        raise Bad("not ASCII") from error
    need(text.endswith("\n"), "no LF at the end")
    need(all(c == "\n" or " " <= c and c != "\x7f" for c in text), "control characters")
    rows = text[:-1].split("\n")
    need(all(rows), "a blank line")
    return rows


def is_id(text):
    return (
        len(text) <= 200
        and len(text.split("/")) <= 8
        and all(SEGMENT.match(s) and not s.endswith((".", ".lock")) for s in text.split("/"))
    )


# JSON


def strict_json(data, own=True):
    need(not data.startswith(b"\xef\xbb\xbf"), "JSON with BOM")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Bad("JSON is not UTF-8") from error

    def pairs(items):
        need(len({k for k, _ in items}) == len(items), "JSON with a duplicate key")
        return dict(items)

    def integer(text):
        need(not own or abs(int(text)) <= MAX, "an integer beyond 2^53 - 1")
        return int(text)

    def real(text):
        need(not own, f"a float: {text}")
        return float(text)

    def constant(text):
        raise Bad(f"not JSON: {text}")

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_int=integer, parse_float=real, parse_constant=constant)
    except (json.JSONDecodeError, RecursionError) as error:
        raise Bad(f"not JSON: {error}") from error

    def walk(value, depth):
        need(not isinstance(value, (dict, list)) or depth < 64, "JSON deeper than 64")
        if isinstance(value, str):
            need(not any(0xD800 <= ord(c) <= 0xDFFF for c in value), "a lone surrogate")
        elif isinstance(value, dict):
            for key, below in value.items():
                walk(key, depth + 1)
                walk(below, depth + 1)
        elif isinstance(value, list):
            for below in value:
                walk(below, depth + 1)

    walk(value, 0)
    return value


SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"
VALIDATORS = {}


def check_schema(name, value):
    if jsonschema is None or not SCHEMAS.is_dir():
        return
    if name not in VALIDATORS:
        VALIDATORS[name] = jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))
    error = jsonschema.exceptions.best_match(VALIDATORS[name].iter_errors(value))
    need(error is None, f"schema {name}: {error.message if error else ''}")


# Trees


def node(left, right):
    return sha256(b"\x01" + left + right)


def split(width):
    return 1 << (width - 1).bit_length() - 1


def tree_root(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(tree_root(leaves[:k]), tree_root(leaves[k:]))


def multiproof_root(size, wanted, proof):
    """The root from the wanted leaves and the proof's hashes, in the order of the walk."""
    rest = iter(proof)

    def walk(low, high):
        if not any(low <= w < high for w in wanted):
            found = next(rest, None)
            need(found is not None, "multiproof: too few hashes")
            return found
        if high - low == 1:
            return wanted[low]
        k = low + split(high - low)
        left = walk(low, k)
        return node(left, walk(k, high))

    root = walk(0, size)
    need(next(rest, None) is None, "multiproof: too many hashes")
    return root


def consistent(first, second, first_hash, second_hash, path):
    """RFC 9162, section 2.1.4.2."""
    if first == second:
        return not path and first_hash == second_hash
    if not 0 < first < second or not path:
        return False
    path = list(path)
    if first & (first - 1) == 0:
        path.insert(0, first_hash)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            if not fn & 1:
                while fn and not fn & 1:
                    fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == first_hash and sr == second_hash and sn == 0


# The map


def map_key(text):
    return sha256(b"evidence-label/v1\n" + text.encode())


def list_value(items):
    """V of a list of (place, leaf hash)."""
    leaves = [sha256(b"\x00" + struct.pack(">Q", place) + leaf) for place, leaf in items]
    return sha256(b"evidence-list/v1\n" + struct.pack(">Q", len(leaves)) + tree_root(leaves))


def bit(key, b):
    return key[b >> 3] >> (7 - (b & 7)) & 1


def map_root(pairs):
    """The root of a map, given as a dictionary, from nothing."""

    def below(keys):
        if len(keys) == 1:
            return sha256(keys[0] + pairs[keys[0]])
        b = next(b for b in range(256) if len({bit(k, b) for k in keys}) == 2)
        zero, one = [k for k in keys if not bit(k, b)], [k for k in keys if bit(k, b)]
        return sha256(below(zero) + below(one) + bytes([b]))

    return below(sorted(pairs)) if pairs else sha256(b"")


def newest_value(data, place, leaf):
    """V of a list whose newest item stands at a place, from that item's proof."""
    rows = lines(data)
    need(len(rows) >= 2 and rows[0] == "evidence-list-proof/v1", "list proof: first lines")
    word, position, count = (rows[1].split(" ") + ["", "", ""])[:3]
    need(word == "item" and rows[1].count(" ") == 2, "list proof: line 2")
    position, count = number(position), number(count)
    need(count > 0 and position == count - 1, "list proof: not the newest")
    # Up the right edge of the tree: a sibling on the left wherever the tree has one (RFC 9162, 2.1.3.2).
    found, at = sha256(b"\x00" + struct.pack(">Q", place) + leaf), position
    for row in rows[2:]:
        need(at > 0, "list proof: too many hashes")
        while not at & 1:
            at >>= 1
        found, at = node(hash64(row), found), at >> 1
    need(at == 0, "list proof: too few hashes")
    return sha256(b"evidence-list/v1\n" + struct.pack(">Q", count) + found), count


def check_map_proof(data, key, value, root):
    rows = lines(data)
    need(rows[0] == "evidence-map-proof/v1" and len(rows) >= 2, "map proof: first lines")
    steps = []
    for row in rows[2:]:
        b, _, sibling = row.partition(" ")
        steps.append((number(b), hash64(sibling)))
    need(all(b < 256 for b, _ in steps), "map proof: bit")
    need(all(x > y for (x, _), (y, _) in zip(steps, steps[1:])), "map proof: bits do not fall")
    if rows[1] == "absent":
        need(value is None and not steps and root == sha256(b""), "map proof: bare absent")
        return
    if rows[1] == "present":
        need(value is not None, "map proof: present, but the list is empty")
        at = key
    else:
        word, other, its = (rows[1].split(" ") + ["", "", ""])[:3]
        need(word == "absent" and rows[1].count(" ") == 2 and HEX64.match(other) and HEX64.match(its), "map proof: line 2")
        need(value is None, "map proof: absent, but the list is not empty")
        at, value = bytes.fromhex(other), bytes.fromhex(its)
        need(at != key and all(bit(at, b) == bit(key, b) for b, _ in steps), "map proof: another key's place")
    found = sha256(at + value)
    for b, sibling in steps:
        found = sha256((sibling + found if bit(at, b) else found + sibling) + bytes([b]))
    need(found == root, "map proof: another root")


# Keys, notes, the trust file


class Key:
    def __init__(self, line):
        need(re.fullmatch(r"\S+ \S+", line) is not None, f"not an OpenSSH line: {line!r}")
        word, encoded = line.split(" ")
        blob = from_base64(encoded)
        parts, rest = [], blob
        while rest:
            need(len(rest) >= 4 and len(rest) - 4 >= struct.unpack(">I", rest[:4])[0], "key: cut")
            length = struct.unpack(">I", rest[:4])[0]
            parts.append(rest[4 : 4 + length])
            rest = rest[4 + length :]
        need(parts and parts[0].decode("ascii", "replace") == word and word in ALGORITHMS, f"key: its algorithm {word!r}")
        self.algorithm = ALGORITHMS[word]
        self.fingerprint = "SHA256:" + base64.b64encode(sha256(blob)).decode().rstrip("=")
        if self.algorithm == "ecdsa-p256":
            need(len(parts) == 3 and parts[1] == b"nistp256" and len(parts[2]) == 65 and parts[2][0] == 4, "key: its point")
            try:
                self.point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), parts[2])
            except ValueError as error:
                raise Bad("key: not on the curve") from error
            self.spki = sha256(SPKI_P256 + parts[2]).hex()
            return
        need(len(parts) == (2 if self.algorithm == "ed25519" else 3) and len(parts[1]) == 32, "key: its length")
        self.raw = parts[1]
        self.spki = sha256(SPKI_PREFIX + self.raw).hex()
        if self.algorithm == "sk-ed25519":
            self.application = parts[2]
            need(re.fullmatch(rb"ssh:[!-~]{0,116}", self.application) is not None, "key: its application")
            self.spki = sha256(blob).hex()

    def verifies(self, message, signature):
        try:
            if self.algorithm == "ecdsa-p256":
                r, s = decode_dss_signature(signature)
                if encode_dss_signature(r, s) != signature or s > ORDER // 2:
                    return False
                self.point.verify(signature, message, ec.ECDSA(hashes.SHA256()))
                return True
            if self.algorithm == "sk-ed25519":
                if len(signature) != 69 or signature[64] not in (0x01, 0x05):
                    return False
                message = sha256(self.application) + signature[64:] + sha256(message)
                signature = signature[:64]
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
            return True
        except (InvalidSignature, ValueError):
            return False


def key_id(name, raw, algorithm=1):
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + raw)[:4]


def open_note(data, vkey):
    """Size and root of a checkpoint signed by the log's key."""
    need(len(data) <= 1 << 20, "note: beyond 1 MiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Bad("note: not UTF-8") from error
    body, gap, signatures = text.rpartition("\n\n")
    need(gap and signatures.endswith("\n"), "note: no signatures")
    body += "\n"
    need(all(c == "\n" or c >= " " for c in text), "note: control characters")
    name, kid, encoded = vkey.split("+", 2)
    raw = from_base64(encoded)
    need(len(raw) == 33 and raw[0] == 1 and key_id(name, raw[1:]).hex() == kid, "vkey: its id")
    key = Ed25519PublicKey.from_public_bytes(raw[1:])
    found = 0
    need(signatures.count("\n") <= 16, "note: more than 16 signatures")
    for line in signatures[:-1].split("\n"):
        parts = line.split(" ")
        need(len(parts) == 3 and parts[0] == "\u2014", f"note: signature line {line!r}")
        blob = from_base64(parts[2])
        need(len(blob) > 4, "note: signature too short")
        if parts[1] == name and blob[:4].hex() == kid:
            try:
                key.verify(blob[4:], body.encode())
            except InvalidSignature as error:
                raise Bad("note: the log's signature is wrong") from error
            found += 1
    need(found, "note: not signed by the log's key")
    rows = body[:-1].split("\n")
    need(len(rows) == 3 and rows[0] == name, "note: its text has not three lines, or another origin")
    return number(rows[1]), hash64(rows[2])


class Trust:
    def __init__(self, path):
        self.file = tomllib.loads(pathlib.Path(path).read_text())
        check_schema("trust", self.file)
        self.roots = {key.fingerprint: key for key in map(Key, self.file["roots"]["keys"])}
        self.threshold = self.file["roots"]["threshold"]
        self.log_keys, self.closed = [], MAX

    def open(self, data):
        """Origin, size and root of a checkpoint by one of its ledgers."""
        origin = data.split(b"\n")[0].decode("ascii", "replace")
        refused = Bad(f"no ledger {origin!r} in the trust file")
        for ledger in self.file["ledger"]:
            if ledger["origin"] != origin:
                continue
            try:
                size, root = open_note(data, ledger["vkey"])
            except Bad as bad:
                refused = bad
                continue
            if ledger.get("from_size", 0) <= size <= ledger.get("to_size", MAX):
                need(size >= self.file.get("min_size", 0), "smaller than the trust file's min_size")
                return origin, size, root
            refused = Bad("size outside of the ledger's span")
        raise refused


# Entries and statements


class Entry:
    def __init__(self, data, place):
        need(len(data) <= 4096, "entry: beyond 4 KiB")
        self.data, self.place, self.leaf = data, place, sha256(b"\x00" + data)
        rows = lines(data)
        need(rows.pop(0) == "evidence-entry/v1", "entry: first line")

        def field(name):
            need(rows and rows[0].startswith(name + " "), f"entry: no {name}")
            return rows.pop(0)[len(name) + 1 :]

        self.kind, self.time, self.chain, self.previous = field("kind"), number(field("time")), field("chain"), field("previous")
        need(self.previous == "none" or HEX64.match(self.previous), "entry: previous")
        statement = field("statement")
        need(statement.startswith("sha256:") and HEX64.match(statement[7:]), "entry: statement")
        self.statement = statement[7:]
        signed = []
        while rows and rows[0].startswith("signed "):
            signed.append(field("signed"))
        need(1 <= len(signed) <= 8 and signed == sorted(signed), "entry: signed lines")
        self.signed, self.algorithms = [], []
        for line in signed:
            parts = line.split(" ")
            need(len(parts) == 3 and parts[0] in ALGORITHMS.values() and FINGERPRINT.match(parts[1]), f"entry: signed {line!r}")
            need(parts[2].startswith("sha256:") and HEX64.match(parts[2][7:]), "entry: signature's hash")
            self.signed.append((parts[1], parts[2][7:]))
            self.algorithms.append(parts[0])
        need(len({f for f, _ in self.signed}) == len(self.signed), "entry: a fingerprint twice")
        self.labels = []
        while rows and rows[0].startswith("label "):
            self.labels.append(field("label"))
        need(len(self.labels) <= 16 and self.labels == sorted(set(self.labels)), "entry: labels")
        need(not rows, f"entry: a line too many: {rows[:1]}")
        need(all(" " not in text for text in [self.kind, self.chain] + self.labels), "entry: a space in a field")

    def texts(self):
        return [f"chain {self.chain}"] + [f"label {x}" for x in self.labels] + [f"signer {f}" for f, _ in self.signed]


class MapEntry:
    def __init__(self, data):
        need(len(data) <= 4096, "map entry: beyond 4 KiB")
        self.leaf = sha256(b"\x00" + data)
        rows = lines(data)
        need(len(rows) == 5 and rows[0] == "evidence-map/v1", "map entry: first line, or not five")
        values = []
        for name, row in zip(["time", "covers", "labels", "root"], rows[1:]):
            need(row.startswith(name + " "), f"map entry: no {name}")
            values.append(row[len(name) + 1 :])
        self.time, self.covers, self.labels, self.root = number(values[0]), number(values[1]), number(values[2]), hash64(values[3])


def pae(payload):
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


class Record:
    """An entry with its envelope, as far as it can be checked alone."""

    def __init__(self, entry, envelope, origin):
        self.entry, self.envelope = entry, envelope
        need(len(envelope) <= 16 << 20, "envelope: beyond 16 MiB")
        value = strict_json(envelope)
        check_schema("envelope", value)
        payload = from_base64(value["payload"])
        one = {
            "payload": value["payload"],
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": s["keyid"], "sig": s["sig"]} for s in value["signatures"]],
        }
        need(json.dumps(one, separators=(",", ":")).encode() == envelope, "envelope: not in its one spelling")
        self.pae = pae(payload)
        need(sha256(self.pae).hex() == entry.statement, "envelope: another statement")
        self.signatures = [(s["keyid"], from_base64(s["sig"])) for s in value["signatures"]]
        need(
            [(f, sha256(s).hex()) for f, s in self.signatures] == entry.signed, "envelope: other signatures than the entry's"
        )
        self.statement = strict_json(payload)
        self.check_statement(origin)

    def check_statement(self, origin):
        statement = self.statement
        check_schema("statement", statement)
        need(re.fullmatch(r"evidence:[a-z]+/v1", statement["predicateType"]) is not None, "statement: predicate type")
        self.name = statement["predicateType"][9:-3]
        self.predicate = statement["predicate"]
        check_schema("policy-record" if self.name == "policy" else self.name, self.predicate)
        binding = self.predicate["evidence"]
        need(binding["ledger"] == origin, "statement: of another ledger")
        self.change, self.plan = binding.get("change"), binding.get("plan")
        self.subjects = [(s["name"], *next(iter(s["digest"].items()))) for s in statement["subject"]]
        kind, chain, labels = self.place_of()
        need(kind == self.entry.kind, f"kind {self.entry.kind}, by the statement {kind}")
        need(chain == self.entry.chain, f"chain {self.entry.chain}, by the statement {chain}")
        need(sorted(labels) == self.entry.labels, f"labels {self.entry.labels}, by the statement {sorted(labels)}")
        self.check_subjects(origin)

    def digests(self, algorithm, artifacts=False):
        """Digests of the subjects; artifacts are those beyond commit and tree."""
        return {d for name, a, d in self.subjects if a == algorithm and (not artifacts or name not in ("commit", "tree"))}

    def place_of(self):
        p, name = self.predicate, self.name
        git = {f"commit:{d}" for d in self.digests("gitCommit")} | {f"tree:{d}" for d in self.digests("gitTree")}
        artifacts = {f"artifact:sha256:{d}" for d in self.digests("sha256", True)}
        change = f"change:{self.change}"
        if name == "plan":
            return "plan", change, {f"alias:{a}" for a in p.get("aliases", [])}
        if name in ("start", "verdict"):
            return name, change, git
        if name == "result":
            return name, change, git | artifacts
        if name == "review":
            return f"review-{p['phase']}", change, git
        if name == "exception":
            return f"exception-{p['effect']}", change if self.change else "exception", set()
        if name == "policy":
            return "policy", "policy", set()
        if name == "authority":
            act = p["act"]
            return f"authority-{act}", f"key:{Key(p['key']).fingerprint}" if act in ("grant", "revoke") else "policy", set()
        event = p["event"]
        if event in ("halt", "resume"):
            return f"event-{event}", "halt", set()
        of_changes = {f"change:{c}" for c in p.get("changes", [])}
        if event == "merge":
            return "event-merge", branch_chain(p["repository"], p["branch"]), git | of_changes
        if event == "incident":
            return "event-incident", f"incident:{p['incident']}", of_changes | {x for x in git if x.startswith("commit:")}
        return f"event-{event}", change, git | artifacts

    def check_subjects(self, origin):
        p, name, subjects = self.predicate, self.name, self.subjects
        if name in ("start", "result", "verdict") or name == "review":
            need(
                [(n, a) for n, a, _ in subjects[:2]] == [("commit", "gitCommit"), ("tree", "gitTree")],
                f"subjects of a {name}: {subjects}",
            )
            need(len(subjects) == 2 or name in ("result", "review"), f"subjects of a {name}: too many")
            need(all(a == "sha256" for _, a, _ in subjects[2:]), "an artifact without sha256")
        elif name == "plan":
            need([(n, a) for n, a, _ in subjects] == [("base", "gitCommit")], f"subjects of a plan: {subjects}")
        elif name == "policy":
            need([(n, a) for n, a, _ in subjects] == [("policy", "sha256")], f"subjects of a policy: {subjects}")
        elif name == "authority" and p["act"] in ("grant", "revoke"):
            need(subjects == [("key", "sha256", Key(p["key"]).spki)], f"subjects of a {p['act']}: {subjects}")
        elif name == "authority" and p["act"] == "root":
            wanted = [("key", "sha256", Key(key).spki) for key in p["keys"]]
            need(subjects == wanted, f"subjects of a root: {subjects}")
        elif name == "authority" and p["act"] == "ledger-key":
            raw = from_base64(p["vkey"].split("+", 2)[2])[1:]
            need(subjects == [("key", "sha256", sha256(SPKI_PREFIX + raw).hex())], f"subjects of a ledger-key: {subjects}")
        elif name == "authority" and p["act"] in ("close", "genesis"):
            of = origin if p["act"] == "close" else p["origin"]
            need(subjects == [("origin", "sha256", sha256(of.encode()).hex())], f"subjects of a {p['act']}: {subjects}")
        elif name == "exception":
            about = self.plan if self.change else sha256(origin.encode()).hex()
            need([(a, d) for _, a, d in subjects] == [("sha256", about)], f"subjects of an exception: {subjects}")
            need(not (self.change and "changes" in p), "an exception of a change that names other changes")
            by_name = p["effect"] in ("retire", "admit")
            need(bool(p.get("names")) == by_name, f"names of an exception that is to {p['effect']}")
            need("to" not in p or by_name, f"`to` of an exception that is to {p['effect']}")
        elif name == "event" and p["event"] == "halt":
            need(subjects == [("origin", "sha256", sha256(origin.encode()).hex())], f"subjects of a halt: {subjects}")
        if name == "policy" and "bytes" in p:
            self.policy = subjects[0][2]

    def materials(self):
        """Hashes of the materials that the record names, with the bytes where they are said."""
        p = self.predicate
        named = {}
        files = p.get("materials", []) + [p[name] for name in ("notes", "rollback") if name in p]
        if self.name == "plan":
            files += p.get("attachments", []) + p.get("specs", [])
        for material in files:
            named[material["sha256"]] = material["bytes"]
        if self.name == "result":
            for run in (p["onBase"][name] for name in ("plain", "withTests") if name in p.get("onBase", {})):
                named |= {material["sha256"]: material["bytes"] for material in run.get("materials", [])}
                for facts in run.get("facts", []):
                    need(facts["material"] in named, "facts of a material that the run on the base does not name")
            for said in p.get("attachments", []):
                need(said["material"] in named, "something said of an attachment that the result does not name")
        for facts in p.get("facts", []):
            need(facts["material"] in named, "facts of a material that the result does not name")
        if self.name == "policy":
            named[self.policy] = p["bytes"]
        if self.name == "verdict":
            named[p["report"]] = None
            if "vsa" in p:
                named[p["vsa"]] = None
        if p.get("baseline"):
            named[p["baseline"]] = None
        return named


def check_succession(trust, note, size):
    """What the roots said of the log itself, against its head (section 11)."""
    given = [vkey for place, least, vkey in trust.log_keys if place < size and least <= size]
    if given:
        try:
            open_note(note, given[-1])
        except Bad:
            problem("the head is not signed by the key that the roots gave the log")
    if trust.closed < size and size != trust.closed + 2:
        problem("the log goes on behind the record that closes it")


class Grants:
    """Who could sign what, and for how long (sections 10 and 11): nothing that a grant lets do outlives those on whom it rests."""

    DEPTH = 16

    def __init__(self, records, trust, texts):
        self.texts, self.found, self.records = texts, {}, records
        self.roots = [(0, set(trust.roots), trust.threshold)]
        self.policies, self.grants, self.revoked = [], [], {}
        for place, record in sorted(records.items()):
            if record.name == "policy" and self.may("policy", record):
                text = texts(record.policy)
                if text is not None:
                    need(sha256(text).hex() == record.policy, f"the policy of record {place}: another hash")
                    self.policies.append((place, tomllib.loads(text.decode("utf-8", "replace")).get("may", {})))
            elif record.name == "authority":
                self.take(place, record, trust)

    def take(self, place, record, trust):
        p, now = record.predicate, (place, record.entry.time)
        if p["act"] == "grant":
            grant = {**p, "place": place, "time": record.entry.time, "signers": signers(record), "key": Key(p["key"]).fingerprint}
            known = self.may("grant", record) or self.leases(grant, now, self.DEPTH)
            if known and grant["key"] not in self.revoked:
                self.grants.append(grant)
        elif p["act"] == "revoke":
            key = Key(p["key"]).fingerprint
            if self.may("grant", record) or key in signers(record):
                self.revoked.setdefault(key, place)
        elif not self.roots_act(signers(record), place, now):
            print(f"note: record {place}: {p['act']} below the threshold of the roots")
        elif p["act"] == "root" and 1 <= p["threshold"] <= len(p["keys"]):
            self.roots.append((place + 1, {Key(key).fingerprint for key in p["keys"]}, p["threshold"]))
        elif p["act"] == "ledger-key":
            trust.log_keys.append((place, p["fromSize"], p["vkey"]))
        elif p["act"] == "close":
            trust.closed = min(place, trust.closed)

    def roots_at(self, place):
        return next((keys, threshold) for since, keys, threshold in reversed(self.roots) if since <= place)

    def is_root(self, key, place, now):
        return key in self.roots_at(place)[0] and self.revoked.get(key, MAX) > now[0]

    def roots_act(self, keys, place, now):
        return sum(self.is_root(key, place, now) for key in keys) >= self.roots_at(place)[1]

    def held(self, key, at, change=None):
        """The grants that a key had at a place and its time; of a change, those for it."""
        place, time = at
        if self.revoked.get(key, MAX) < place:
            return []
        mine = [g for g in self.grants if g["key"] == key and g["place"] < place and g.get("until", MAX) > time]
        return [g for g in mine if change is None or not g.get("changes") or change in g["changes"]]

    def lasts(self, grant, now, depth=DEPTH):
        if depth == 0 or self.revoked.get(grant["key"], MAX) < now[0] or grant.get("until", MAX) <= now[1]:
            return False
        asked = (grant["place"], now, depth, len(self.grants), len(self.revoked))
        if asked not in self.found:
            at = (grant["place"], grant["time"])
            allowed = self.allowed("grant", grant["signers"], at, None, now, depth - 1)
            self.found[asked] = allowed or self.leases(grant, now, depth - 1)
        return self.found[asked]

    def allowed(self, act, keys, at, change, now, depth):
        if self.roots_act(keys, at[0], now):
            return True
        rule = next((may for place, may in reversed(self.policies) if place < at[0]), {}).get(act)
        if rule is None:
            return False
        roles, threshold = (rule, 1) if isinstance(rule, list) else (rule["roles"], rule.get("threshold", 1))
        who = {
            grant["principal"]
            for key in keys
            for grant in self.held(key, at, change)
            if set(roles) & set(grant["roles"]) and self.lasts(grant, now, depth)
        }
        return len(who) >= threshold

    def leases(self, grant, now, depth):
        """Whether it is a lease of what its lessor holds: roles, changes and time; a filing gives nothing."""
        lessor, at = grant.get("leasedBy"), (grant["place"], grant["time"])
        if lessor not in grant["signers"]:
            return False
        mine = [g for g in self.held(lessor, at) if g["principal"] == grant.get("owner") and self.lasts(g, now, depth)]
        if not mine or is_filing(grant):
            return bool(mine)
        covers = lambda held, role, change: (
            (role == "implementer" or role in held["roles"])
            and (not held.get("changes") or change in held["changes"])
            and grant["until"] <= held.get("until", MAX)
        )
        wanted = [(role, change) for role in grant["roles"] for change in grant.get("changes", [])]
        enough = all(any(covers(held, *each) for held in mine) for each in wanted)
        return "until" in grant and bool(grant.get("changes")) and enough

    def may(self, act, record):
        at = (record.entry.place, record.entry.time)
        return self.allowed(act, signers(record), at, record.change, at, self.DEPTH)

    def counts(self, record):
        """Whether a signer of it was a root, or held a grant that lasts as of it."""
        at = (record.entry.place, record.entry.time)
        known = lambda key: any(self.lasts(grant, at) for grant in self.held(key, at, record.change))
        return any(self.is_root(key, at[0], at) or known(key) for key in signers(record))

    def check(self):
        for place, record in sorted(self.records.items()):
            if not self.counts(record):
                print(f"note: record {place} counts for nothing: no signer of it is a root or holds a grant that lasts there")
        closed = set()
        for place, record in sorted(self.records.items()):
            if record.name == "event" and record.predicate["event"] == "merge" and self.may("merge", record):
                for change in record.predicate["changes"]:
                    if change not in closed and "verdict" in record.predicate:
                        self.check_target(place, record, change)
                    closed.add(change)

    def check_target(self, place, record, change):
        """A merge goes where the change's plan says: the newest by somebody who might plan there, else the first."""
        plans = [r for p, r in sorted(self.records.items()) if r.name == "plan" and r.change == change and p < place]
        aimed = next((r for r in reversed(plans) if self.may("plan", r)), plans[0] if plans else None)
        if aimed is not None and short_name(aimed.predicate["target"]) != short_name(record.predicate["branch"]):
            problem(f"record {place}: {change} was planned for {aimed.predicate['target']}, not {record.predicate['branch']}")


def short_name(ref):
    """A branch's name without where it is known: here, of a remote, or as a hook keeps what the remote has."""
    return re.sub(r"\A(refs/heads/|refs/remotes/[^/]*/|refs/evidence/pushed/)", "", ref)


def branch_chain(repository, ref):
    ref = re.sub(r"[^A-Za-z0-9._/-]", lambda m: "".join(f"%{b:02X}" for b in m[0].encode()), ref)
    return f"branch:{repository}:{ref}"


def signers(record):
    return [fingerprint for fingerprint, _ in record.signatures]


def is_filing(grant):
    """Whether a grant is filed under a name: about the name's key, and gives nothing."""
    names = [f"principal:{grant['principal']}"] + [f"address:{e}" for e in grant.get("emails", [])]
    names += [f"change:{c}" for c in grant.get("changes", [])]
    return any(name_key(name) == grant["key"] for name in names)


def check_records(records, trust):
    """What records say about each other: signatures under roots or granted keys, starts, first plans, previous."""
    signable = dict(trust.roots)
    heads, statements, starts, plans, last = {}, set(), {}, {}, 0
    for place in sorted(records):
        record = records[place]
        entry, about = record.entry, f"record {place}"
        if entry.time < last:
            problem(f"{about}: its time is before that of an earlier entry")
        last = max(last, entry.time)
        if entry.statement in statements:
            problem(f"{about}: its statement a second time")
        statements.add(entry.statement)
        for (fingerprint, signature), algorithm in zip(record.signatures, entry.algorithms):
            key = signable.get(fingerprint)
            if key is None:
                problem(f"{about}: {fingerprint} is neither root nor granted there")
            elif not key.verifies(record.pae, signature):
                problem(f"{about}: the signature of {fingerprint} is wrong")
            elif key.algorithm != algorithm:
                problem(f"{about}: {fingerprint} is of {key.algorithm}, not {algorithm}")
        if record.name == "authority":
            p = record.predicate
            for key in [p["key"]] if p["act"] == "grant" else p.get("keys", []):
                signable[Key(key).fingerprint] = Key(key)
            if p["act"] == "genesis" and place != 0:
                problem(f"{about}: a genesis that is not the first record")
        if record.name == "plan":
            first = record.plan is None
            if first == (record.change in plans):
                problem(f"{about}: not the only first plan")
            if first:
                plans.setdefault(record.change, entry.leaf.hex())
        if record.plan is not None and plans.get(record.change) not in (None, record.plan):
            problem(f"{about}: names another first plan")
        if record.name == "start":
            starts[entry.leaf.hex()] = [record, None]
        if record.name == "result":
            pair = starts.get(record.predicate["start"])
            if pair is None:
                problem(f"{about}: its start is not there")
            else:
                begun = pair[0]
                same = lambda r: (
                    [f for f, _ in r.signatures],
                    r.change,
                    r.predicate["claim"],
                    r.predicate.get("variant"),
                    r.predicate.get("shard"),
                    r.subjects[:2],
                )
                if same(begun) != same(record):
                    problem(f"{about}: differs from its start")
                if pair[1] is not None:
                    problem(f"{about}: a second result of a start")
                pair[1] = record
        heads.setdefault(entry.chain, []).append(entry)
    return heads


# The container


def read_zip(data):
    """The members, in order, of a zip without anything but them."""
    need(len(data) >= 22 and data[-22:-18] == b"PK\x05\x06", "zip: no end record, or a comment")
    disk, cd_disk, here, total, cd_size, cd_at, comment = struct.unpack("<HHHHIIH", data[-18:])
    need((disk, cd_disk, comment) == (0, 0, 0) and here == total, "zip: end record")
    end = len(data) - 22
    if total == 0xFFFF or cd_size == 0xFFFFFFFF or cd_at == 0xFFFFFFFF:
        locator = data[end - 20 : end]
        need(locator[:4] == b"PK\x06\x07", "zip: no zip64 locator")
        _, at, disks = struct.unpack("<IQI", locator[4:])
        need(disks == 1 and data[at : at + 4] == b"PK\x06\x06" and at + 56 == end - 20, "zip: zip64 end record")
        size, _, _, _, _, here, total, cd_size, cd_at = struct.unpack("<QHHIIQQQQ", data[at + 4 : at + 56])
        need(size == 44 and here == total, "zip: zip64 end record")
        end = at
    need(cd_at + cd_size == end, "zip: something after the central directory")
    need(total <= 100_000, "zip: too many members")
    members, at, file_at = {}, cd_at, 0
    for _ in range(total):
        need(data[at : at + 4] == b"PK\x01\x02", "zip: central header")
        made, *central = struct.unpack("<HHHHHHIIIHH", data[at + 4 : at + 32])
        comment, disk, _, external, offset = struct.unpack("<HHHII", data[at + 32 : at + 46])
        version, flags, method, time, date, crc, packed, size, name_len, extra_len = central
        name = data[at + 46 : at + 46 + name_len]
        at += 46 + name_len + extra_len + comment
        need(extra_len == 0 and comment == 0 and disk == 0, f"zip: extra field or comment at {name!r}")
        need(flags & ~0x0800 == 0 or flags & 0x0001 == 0, f"zip: {name!r} is encrypted")
        need(flags & 0x0008 == 0, f"zip: {name!r} has a data descriptor")
        need((time, date) == (0, 33), f"zip: the time of {name!r}")
        need(method in (0, 8), f"zip: the method of {name!r}")
        need(external >> 16 & 0o170000 in (0, 0o100000) and not external & 0x10, f"zip: {name!r} is no file")
        need(offset == file_at, f"zip: something before {name!r}")
        need(data[offset : offset + 4] == b"PK\x03\x04", f"zip: local header of {name!r}")
        local = list(struct.unpack("<HHHHHIIIHH", data[offset + 4 : offset + 30]))
        need(local == central, f"zip: the local header of {name!r} differs")
        start = offset + 30 + name_len
        need(data[offset + 30 : start] == name, f"zip: the local name of {name!r} differs")
        body = data[start : start + packed]
        file_at = start + packed
        need(file_at <= cd_at and len(body) == packed, f"zip: {name!r} is cut")
        if method == 8:
            unpacker = zlib.decompressobj(-15)
            try:
                body = unpacker.decompress(body, size + 1)
            except zlib.error as error:
                raise Bad(f"zip: {name!r}: {error}") from error
            need(unpacker.eof and not unpacker.unused_data and not unpacker.unconsumed_tail, f"zip: the stream of {name!r}")
        need(len(body) == size and zlib.crc32(body) == crc, f"zip: length or CRC of {name!r}")
        name = name.decode("ascii", "backslashreplace")
        need(name not in members, f"zip: {name} twice")
        members[name] = body
    need(at == end and file_at == cd_at, "zip: something between members and directory")
    return members


GROUPS = [
    r"README\.txt",
    r"bundle\.json",
    r"checkpoint",
    r"map\.entry",
    r"lists/[0-9a-f]{64}\.(serials|proof|item)",
    r"entries/(0|[1-9][0-9]*)",
    r"multiproof",
    r"consistency",
    r"envelopes/[0-9a-f]{64}\.json",
    r"attestations\.intoto\.jsonl",
    r"git/([0-9a-f]{40}|[0-9a-f]{64})",
    r"materials/[0-9a-f]{64}",
    r"report\.html",
    r"verify-bundle\.mjs",
]


def check_names(names):
    def rank(name):
        group = next((i for i, g in enumerate(GROUPS) if re.fullmatch(g, name)), None)
        need(group is not None, f"a member that the format does not know: {name}")
        return (group, int(name[8:]) if group == 5 else 0, name.encode())

    ranks = [rank(name) for name in names]
    need(ranks == sorted(ranks), "members out of order")
    for i in (1, 2, 3, 6, 9):
        need(any(r[0] == i for r in ranks), f"a member is missing: {GROUPS[i]}")


# Git


def read_git(members):
    objects = {}
    for name, data in members.items():
        if name.startswith("git/"):
            oid = name[4:]
            need((hashlib.sha1 if len(oid) == 40 else hashlib.sha256)(data).hexdigest() == oid, f"{name}: another hash")
            head, _, body = data.partition(b"\0")
            kind, _, size = head.partition(b" ")
            need(kind in (b"commit", b"tree", b"blob") and number(size.decode()) == len(body), f"{name}: header")
            objects[oid] = (kind.decode(), body)
    return objects


def name_key(name):
    """The fingerprint of the key that stands for a name."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    root = pow(2, (p - 1) // 4, p)

    def point(data):
        y, sign = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
        if y >= p:
            return None
        u, v = (y * y - 1) % p, (d * y * y + 1) % p
        x = u * pow(v, 3, p) * pow(u * pow(v, 7, p), (p - 5) // 8, p) % p
        if v * x * x % p == -u % p:
            x = x * root % p
        if v * x * x % p != u or (x == 0 and sign):
            return None
        return (p - x if x & 1 != sign else x), y

    def double(at):
        x, y = at
        xx, yy = x * x % p, y * y % p
        w = d * xx * yy % p
        return 2 * x * y * pow(1 + w, -1, p) % p, (yy + xx) * pow(1 - w, -1, p) % p

    attempt_number = 0
    while True:
        data = sha256(b"evidence-name/v1\n" + struct.pack(">I", attempt_number) + name.encode())
        at = point(data)
        if at is not None and double(double(double(at))) != (0, 1):
            wire = struct.pack(">I", 11) + b"ssh-ed25519" + struct.pack(">I", 32) + data
            return "SHA256:" + base64.b64encode(sha256(wire)).decode().rstrip("=")
        attempt_number += 1


def names_of(records, change, people):
    """Every name that must be looked up, by the grants that are there."""
    grants = [r.predicate for r in records.values() if r.name == "authority" and r.predicate["act"] == "grant"]
    names = {f"address:{a}" for a in people if a} | {f"change:{change}"}
    tells = {name_key(n) for n in names}
    tells |= {f for r in records.values() if r.name in CHANGE_KINDS for f, _ in r.signatures}
    who = {i for r in records.values() if r.name == "plan" and r.change == change for i in r.predicate.get("implementers", [])}
    who |= {g["principal"] for g in grants if Key(g["key"]).fingerprint in tells}
    todo = list(who)
    while todo:
        one = todo.pop()
        for owner in {g["owner"] for g in grants if g["principal"] == one and "owner" in g} - who:
            who.add(owner)
            todo.append(owner)
    return names | {f"principal:{w}" for w in who}


CHANGE_KINDS = ("plan", "start", "result", "review", "exception", "verdict")


def people_of(objects, oids):
    """Addresses of authors, committers and co-authors, in lower case."""
    found = set()
    for oid in oids:
        head, _, message = objects[oid][1].partition(b"\n\n")
        rows = [r for r in head.split(b"\n") if r.startswith((b"author ", b"committer "))]
        rows += [r for r in message.split(b"\n") if r.lower().startswith(b"co-authored-by:")]
        found |= {r[r.rfind(b"<") + 1 : r.rfind(b">")].strip().decode("utf-8", "replace").lower() for r in rows if b"<" in r}
    return found


def line_of(base, run, above, parents):
    """The commits whose first parent is read to find the merge whose baseline counts, and those passed (section 19): of the newest 1, 4, 16 .. merges,
    64 commits down the line of base for each."""
    merges, reaches_back = run
    below, asked, read = [], 1, set()
    while merges or reaches_back:
        need(not reaches_back or len(merges) >= asked, "a record of the branch's chain before those that are here")
        wanted, last = {oid for oid in merges[:asked] if oid}, not reaches_back and len(merges) <= asked
        if wanted & (above | set(below)):
            below += wanted & above
            break
        depth = 5000 if last else min(64 * asked, 5000)
        while wanted and len(below) < depth and None not in below and not (below and below[-1] in wanted):
            read.update(below[-1:])
            below.append((parents(below[-1]) or [None])[0] if below else base)
        if last or wanted & set(below):
            break
        asked *= 4
    return read, set(below)


def git_walk(objects, base, head, run):
    """The objects that the walk from head to base reads, with the extra ancestors of base; and the touched paths.

    Where the branch's baseline is looked for, so is the first-parent line of base, as far as that takes."""
    width = len(head) // 2

    def get(oid, kind):
        need(oid in objects, f"git/{oid} is missing")
        need(objects[oid][0] == kind, f"git/{oid} is no {kind}")
        return objects[oid][1]

    def commit(oid):
        tree, parents = None, []
        for row in get(oid, "commit").partition(b"\n\n")[0].decode("utf-8", "replace").split("\n"):
            word, _, value = row.partition(" ")
            if word == "tree" and tree is None:
                tree = value
            elif word == "parent":
                parents.append(value)
            elif word == "author":
                break
        return tree, parents

    read, old, todo = {base, head}, {base}, [base]
    get(base, "commit")
    while todo:
        for parent in commit(todo.pop())[1]:
            if parent not in old:
                old.add(parent)
                if parent in objects:
                    read.add(parent)
                    todo.append(parent)
    ancestors = read - {base, head}
    in_range, todo, merge = set(), [] if head in old else [head], False
    while todo:
        oid = todo.pop()
        in_range.add(oid)
        parents = commit(oid)[1]
        merge = merge or len(parents) > 1 or not parents
        for parent in parents:
            if parent not in old and parent not in in_range:
                get(parent, "commit")
                in_range.add(parent)
                todo.append(parent)
    read |= in_range
    descending = {base}
    for _ in in_range:
        descending |= {oid for oid in in_range if descending & set(commit(oid)[1])}
    beside, passed = line_of(base, run, descending - {base}, lambda oid: commit(oid)[1])
    read |= beside
    touched, blobs = set(), set()

    def entries(oid):
        if oid is None:
            return {}
        read.add(oid)
        body, found = get(oid, "tree"), {}
        while body:
            mode, _, rest = body.partition(b" ")
            name, _, rest = rest.partition(b"\0")
            need(len(rest) >= width and name not in found, f"git/{oid}: its form")
            found[name] = (mode, rest[:width].hex())
            body = rest[width:]
        return found

    def differ(old_oid, new_oid, path):
        before, after = entries(old_oid), entries(new_oid)
        for name in sorted(set(before) | set(after)):
            x, y = before.get(name), after.get(name)
            if x == y:
                continue
            trees = [e[1] if e and e[0] == b"40000" else None for e in (x, y)]
            if any(trees):
                differ(*trees, path + name + b"/")
            if any(e and e[0] != b"40000" for e in (x, y)):
                touched.add((path + name).decode("utf-8", "replace"))
            blobs.update(e[1] for e in (x, y) if e and e[0] in (b"100644", b"100664", b"100755"))

    old_tree, new_tree = commit(base)[0], commit(head)[0]
    if old_tree != new_tree:
        differ(old_tree, new_tree, b"")
    # What a commit changes that descends from base is touched too, whether head still has it or not.
    final = set(blobs)
    todo, known = [base], {base}
    while todo:
        parent = todo.pop()
        for child in in_range:
            if parent in commit(child)[1]:
                if commit(parent)[0] != commit(child)[0]:
                    differ(commit(parent)[0], commit(child)[0], b"")
                if child not in known:
                    known.add(child)
                    todo.append(child)
    blobs = final
    if ancestors and not merge:
        need(ancestors <= beside, "ancestors of base without a merge that makes them necessary")
    # Where changed lines are judged: head's folders, all of them, and blobs of touched files.
    if set(objects) - read:
        todo = [new_tree]
        while todo:
            todo += [oid for mode, oid in entries(todo.pop()).values() if mode == b"40000"]
        found = {oid for oid in blobs if oid in objects}
        need(all(objects[oid][0] == "blob" for oid in found), "a touched file that is no blob")
        read |= found
    return read, in_range, touched, new_tree, passed


# A bundle


def audit_bundle(path, trust, since):
    members = read_zip(pathlib.Path(path).read_bytes())
    check_names(list(members))
    origin, size, root = trust.open(members["checkpoint"])
    manifest = strict_json(members["bundle.json"])
    check_schema("bundle", manifest)
    fields = [manifest.get(k) for k in ("origin", "change", "commit", "verdict")]
    spelled = '{"format":"evidence-bundle/v1","origin":"%s","change":"%s","commit":"%s","verdict":%s}\n' % (
        origin,
        fields[1],
        fields[2],
        "null" if fields[3] is None else fields[3],
    )
    need(members["bundle.json"] == spelled.encode(), "bundle.json is not what it must be")
    change, head, verdict = fields[1:]
    need(is_id(change), "bundle.json: the change's id")
    map_entry = MapEntry(members["map.entry"])
    need(map_entry.covers == size - 1, "map.entry is not the log's last entry")

    entries = {}
    for name, data in members.items():
        if name.startswith("entries/"):
            place = number(name[8:])
            need(place < size - 1, f"{name}: beyond the map entry")
            entry = attempt(name, Entry, data, place)
            if entry:
                entries[place] = entry
                if entry.time > map_entry.time:
                    problem(f"{name}: later than the map entry")
    rows = lines(members["multiproof"])
    need(rows.pop(0) == "evidence-multiproof/v1", "multiproof: first line")
    wanted = {place: entry.leaf for place, entry in entries.items()} | {size - 1: map_entry.leaf}
    need(multiproof_root(size, wanted, [hash64(row) for row in rows]) == root, "multiproof: another root")

    if "consistency" in members:
        rows = lines(members["consistency"])
        need(len(rows) >= 2 and rows[0] == "evidence-consistency/v1" and rows[1].startswith("from "), "consistency: first lines")
        need(number(rows[1][5:]) <= size, "consistency: from a larger size")
        for row in rows[2:]:
            hash64(row)
    if since is not None:
        note = pathlib.Path(since).read_bytes()
        old_origin, old_size, old_root = trust.open(note)
        need(old_origin == origin and "consistency" in members, "no consistency with the older checkpoint")
        rows = lines(members["consistency"])
        need(rows[0] == "evidence-consistency/v1" and rows[1] == f"from {old_size}", "consistency: first lines")
        need(consistent(old_size, size, old_root, root, [hash64(x) for x in rows[2:]]), "consistency: it does not hold")

    records = {}
    for place, entry in entries.items():
        name = f"envelopes/{entry.statement}.json"
        if name not in members:
            problem(f"{name} is missing")
            continue
        record = attempt(f"record {place}", Record, entry, members[name], origin)
        if record:
            records[place] = record
    need(len(records) == len(entries), "records are unreadable")
    surplus = {n for n in members if n.startswith("envelopes/")} - {f"envelopes/{e.statement}.json" for e in entries.values()}
    for name in sorted(surplus):
        problem(f"{name} is of no entry")
    one_a_line = b"".join(records[place].envelope + b"\n" for place in sorted(records))
    if members["attestations.intoto.jsonl"] != one_a_line:
        problem("attestations.intoto.jsonl is not the envelopes in the order of their serials")
    check_records(records, trust)
    Grants(records, trust, lambda digest: members.get(f"materials/{digest}")).check()
    check_succession(trust, members["checkpoint"], size)

    # Git: base is a plan's; the judged tree is the head's.
    objects = read_git(members)
    plans = [r for p, r in sorted(records.items()) if r.name == "plan" and r.change == change]
    if not plans:
        raise Bad("no plan of the change")
    branches = {f"chain {branch_chain(trust.file['repository'], r.predicate['target'])}" for r in plans}
    branches = sorted(text for text in branches if f"lists/{map_key(text).hex()}.proof" in members)
    of_branch, run, own = [], ([], False), MAX
    for text in branches:
        of_branch = [r for _, r in sorted(records.items(), reverse=True) if f"chain {r.entry.chain}" == text]
        own = min((r.entry.place for r in of_branch if change in r.predicate["changes"]), default=MAX)
        item = members.get(f"lists/{map_key(text).hex()}.item")
        count = newest_value(item, 0, b"")[1] if item else len(of_branch)
        held = lambda r: "baseline" in r.predicate and change not in r.predicate["changes"]
        run = [r.subjects[0][2] if held(r) else None for r in of_branch if r.entry.place < own], len(of_branch) < count
    people = set()
    bases = list(dict.fromkeys(r.subjects[0][2] for r in reversed(plans)))
    judged, refused, passed = None, None, set()
    for base in bases:
        try:
            read, in_range, touched, tree, passed = git_walk(objects, base, head, run)
            left = set(objects) - read
            need(not left, f"git objects that the walk from {base[:12]} does not read: {sorted(left)}")
            judged = tree
            people = people_of(objects, in_range)
            print(f"base {base[:12]}: {len(in_range)} commits, {len(touched)} paths, {len(objects)} objects")
            break
        except Bad as bad:
            refused = refused or bad
    if judged is None:
        problem(f"git: {refused}")
        judged = git_tree_of(objects, head)

    # Lists: exactly those that must be there, each whole. Names are looked up only where the policy asks who the authors
    # are, which is not judged here: then all of them are there.
    need_lists = [f"chain change:{change}", "chain policy", "chain halt", "chain exception"]
    need_lists += [f"label tree:{judged}", f"label change:{change}"]
    need_lists += sorted({f"chain key:{f}" for r in records.values() for f, _ in r.signatures})
    names = [f"chain key:{name_key(n)}" for n in names_of(records, change, people)]
    if any(f"lists/{map_key(text).hex()}.proof" in members for text in names):
        need_lists += [text for text in names if text not in need_lists]
    # So is the branch's chain, from the merge whose baseline counts to the newest.
    need(len(branches) <= 1, "chains of two branches")
    keys, reached = {}, set()
    for text in need_lists + branches:
        keys[map_key(text).hex()] = text
        key = map_key(text)
        serials, proof = (members.get(f"lists/{key.hex()}.{end}") for end in ("serials", "proof"))
        if serials is None or proof is None:
            problem(f"the list {text!r} is missing")
            continue
        places = attempt(text, lambda: [number(x) for x in lines(serials)] if serials else [])
        if places is None:
            continue
        if places != sorted(set(places)) or any(p not in records for p in places):
            problem(f"{text}: serials not ascending, or of no entry: {places}")
            continue
        reached |= set(places)
        value, count = (list_value([(p, entries[p].leaf) for p in places]) if places else None), len(places)
        if text in branches and places:
            item = members.get(f"lists/{key.hex()}.item")
            if item is None:
                problem(f"{text}: its newest has no proof")
                continue
            value, count = attempt(text, newest_value, item, places[-1], entries[places[-1]].leaf) or (None, 0)
        attempt(text, check_map_proof, proof, key, value, map_entry.root)
        for place in places:
            if text not in entries[place].texts():
                problem(f"{text}: entry {place} is not of it")
        for place, record in records.items():
            in_run = text not in branches or places and place >= places[0]
            if text in record.entry.texts() and place not in places and in_run:
                problem(f"{text}: entry {place} is of it, but not listed")
        if text.startswith("chain "):
            previous = "none"
            if places and count > len(places):
                # What lies before the run is not here.
                previous = entries[places[0]].previous
                if previous == "none":
                    problem(f"{text}: something before its first record")
            for place in places:
                if entries[place].previous != previous:
                    problem(f"{text}: previous of {place}")
                previous = entries[place].leaf.hex()
    for name in members:
        if name.startswith("lists/") and (keys.get(name[6:70]) is None or name.endswith(".item") and keys[name[6:70]] not in branches):
            problem(f"{name}: a list that nothing asks for")
    for place in sorted(set(records) - reached):
        problem(f"entries/{place} is of no list")

    if verdict is not None:
        need(verdict in records and records[verdict].name == "verdict", "bundle.json: verdict is no verdict's serial")
        need(records[verdict].subjects[0][2] == head and records[verdict].change == change, "bundle.json: another's verdict")
    newest = max((p for p, r in records.items() if r.name == "verdict" and r.change == change and r.subjects[0][2] == head), default=None)
    if verdict != newest:
        problem(f"bundle.json says verdict {verdict}, the newest verdict of the commit is {newest}")

    named, needed = {}, {}
    for place, record in records.items():
        found = attempt(f"record {place}", record.materials) or {}
        named |= found
        if record.entry.chain in (f"change:{change}", "policy", "halt", "exception") and record.name != "verdict":
            needed |= found
    # The baselines that count, the one that the change's merge left, and the one that this follows from.
    left = [(r.entry.place, r.predicate["baseline"], r.subjects[0][2]) for r in of_branch if "baseline" in r.predicate]
    before = [baseline for place, baseline, _ in left if place < own][: own != MAX]
    counting = [baseline for place, baseline, oid in left if place == own or oid in passed]
    needed |= dict.fromkeys(before + counting)
    for name, data in members.items():
        if name.startswith("materials/"):
            digest = name[10:]
            if sha256(data).hex() != digest:
                problem(f"{name}: another hash")
            if digest not in named:
                problem(f"{name}: no record names it")
            elif named[digest] not in (None, len(data)):
                problem(f"{name}: another length than the record says")
    for digest in named:
        if f"materials/{digest}" not in members:
            if digest in needed:
                problem(f"materials/{digest} is missing")
            else:
                print(f"note: materials/{digest}, of a verdict or of another change, is not in the bundle")
    when = datetime.datetime.fromtimestamp(map_entry.time, datetime.timezone.utc)
    print(f"{change} at {head[:12]}: {len(records)} records, {len(keys)} lists, size {size}, {when:%Y-%m-%dT%H:%M:%SZ}")


def git_tree_of(objects, head):
    need(head in objects and objects[head][0] == "commit", f"git/{head} is missing")
    return objects[head][1].split(b"\n")[0].decode()[5:]


# A ledger's folder


def crc32c(data, table=[]):
    if not table:
        for i in range(256):
            for _ in range(8):
                i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
            table.append(i)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def audit_ledger(folder, trust):
    folder = pathlib.Path(folder)
    segments = sorted((folder / "log").glob("*.seg"))
    need([s.name for s in segments] == [f"{i:08}.seg" for i in range(len(segments))] and segments, "names of the segments")
    leaves, lists, records, heads = [], {}, {}, {}
    state, last, batches, newest, pending = "records", 0, 0, None, 0
    origin = trust.file["ledger"][0]["origin"]
    for segment in segments:
        data, at = segment.read_bytes(), 0
        need(state == "records" and not pending, f"{segment.name}: begins within a batch")
        while at < len(data):
            need(at + 9 <= len(data), f"{segment.name}: a torn frame at {at}")
            length, crc = struct.unpack("<II", data[at : at + 8])
            body = data[at + 8 : at + 8 + length]
            need(length >= 1 and len(body) == length and crc32c(body) == crc, f"{segment.name}: a bad frame at {at}")
            at += 8 + length
            kind, body = body[0], body[1:]
            if kind == 1:
                need(state == "records", "a record after the map entry")
                (count,) = struct.unpack("<I", body[:4])
                entry = Entry(body[4 : 4 + count], len(leaves))
                record = Record(entry, body[4 + count :], origin)
                records[entry.place] = record
                need(entry.time >= last, f"entry {entry.place}: its time falls")
                need(entry.previous == heads.get(entry.chain, "none"), f"entry {entry.place}: previous")
                heads[entry.chain], last = entry.leaf.hex(), entry.time
                for text in entry.texts():
                    lists.setdefault(map_key(text), []).append((entry.place, entry.leaf))
                leaves.append(entry.leaf)
                pending += 1
            elif kind == 2:
                need(state == "records" and pending, "a map entry without records")
                entry = MapEntry(body)
                need(entry.covers == len(leaves), f"map entry {len(leaves)}: covers")
                need(entry.time >= last, f"map entry {len(leaves)}: its time falls")
                need(entry.labels == len(lists), f"map entry {len(leaves)}: number of keys")
                need(entry.root == map_root({k: list_value(v) for k, v in lists.items()}), f"map entry {len(leaves)}: root")
                last = entry.time
                leaves.append(entry.leaf)
                state = "commit"
            else:
                need(kind == 3 and state == "commit", f"a frame of type {kind}")
                _, size, root = trust.open(body)
                need(size == len(leaves) and root == tree_root(leaves), f"commit at {len(leaves)}: size or root")
                state, newest, batches, pending = "records", body, batches + 1, 0
    need(state == "records" and not pending and newest is not None, "a torn tail")
    need((folder / "checkpoint").read_bytes() == newest, "checkpoint is not the last commit frame")
    check_records(records, trust)

    def text_of(digest):
        blob = folder / "blobs" / "sha256" / digest[:2] / digest
        return blob.read_bytes() if blob.is_file() else None

    Grants(records, trust, text_of).check()
    check_succession(trust, newest, len(leaves))
    missing = 0
    for place, record in records.items():
        for digest, length in record.materials().items():
            blob = folder / "blobs" / "sha256" / digest[:2] / digest
            if not blob.is_file():
                missing += 1
                print(f"note: the blob {digest} of record {place} ({record.entry.kind}) is not there")
            elif sha256(blob.read_bytes()).hex() != digest or length not in (None, blob.stat().st_size):
                problem(f"the blob {digest}: hash or length")
    print(f"{len(leaves)} entries in {batches} batches, {len(lists)} lists, {missing} blobs missing")


def main(arguments):
    since = None
    if "--since" in arguments:
        i = arguments.index("--since")
        since = arguments[i + 1]
        del arguments[i : i + 2]
    try:
        if arguments[0] == "--ledger":
            audit_ledger(arguments[1], Trust(arguments[2]))
        else:
            audit_bundle(arguments[0], Trust(arguments[1]), since)
    except Bad as bad:
        problem(str(bad))
    except (OSError, IndexError, tomllib.TOMLDecodeError) as error:
        print(f"cannot read: {error}" if arguments else __doc__, file=sys.stderr)
        return 2
    for text in PROBLEMS:
        print(f"problem: {text}")
    print("refused" if PROBLEMS else "holds")
    return 1 if PROBLEMS else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
