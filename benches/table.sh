#!/usr/bin/env bash
# Prints one table: what commands cost in ledgers of 1,000 and 100,000 records, or of the sizes that are named:
#   benches/table.sh 1000 100000 1000000
# Wall time of whole processes, median of 15, warm, and the most memory of any of them; of check and rebuild the median of three. Then bytes: of the
# log, of the cache, of proofs. Linux; git, bash and python3.
set -euo pipefail
cd "$(dirname "$0")/.."
sizes=("${@:-}")
[ -n "${sizes[0]}" ] || sizes=(1000 100000)
cargo build --release --quiet
cargo bench --bench appends --no-run --quiet
bench=$(cargo bench --bench appends --no-run 2>&1 | sed -n 's/.*(\(target[^)]*\)).*/\1/p' | tail -1)
evidence=$PWD/target/release/evidence
work=$(mktemp -d)
umask 077
trap 'rm -rf "$work"' EXIT
export HOME=$work/home
unset EVIDENCE_LEDGER EVIDENCE_TRUST EVIDENCE_KEY EVIDENCE_LOG_KEY EVIDENCE_CHANGE EVIDENCE_TARGET || true

policy() {
  printf 'version = 1\ntiers = ["low"]\nunplanned = "low"\nindependence = "record"\n'
  for n in 0 1 2 3 4 5 6 7 8 9; do printf '[claim.c%s]\nfamily = "functionality"\nby = "ci"\n' "$n"; done
  printf '[tier.low]\nrequire = ["c0","c1","c2","c3","c4","c5","c6","c7","c8","c9"]\n'
  printf '[may]\nplan = ["planner"]\ngrant = ["admin"]\npolicy = ["admin"]\nallow = ["admin"]\nresume = ["admin"]\nmerge = ["ci"]\n'
}

for size in "${sizes[@]}"; do
  # The ledger of a repository, then as many records of other changes through the same append path.
  repository=$work/r$size
  mkdir -p "$repository"
  git -C "$repository" init -q -b main .
  git -C "$repository" config user.name ada
  git -C "$repository" config user.email ada@example.org
  echo one > "$repository/file"
  policy > "$work/policy.toml"
  git -C "$repository" add . && git -C "$repository" commit -qm one
  "$bench" fill "$repository/.git/evidence" "$size" "$work/policy.toml" "$work/keys$size" > /dev/null
  printf '<testsuite name="s" tests="2"><testcase name="a" classname="c"/><testcase name="b" classname="c"/></testsuite>\n' > "$work/junit.xml"
done

python3 - "$evidence" "$work" "${sizes[@]}" <<'PY'
import os, statistics, subprocess, sys, time, zipfile
evidence, work, *sizes = sys.argv[1:]
def run(size, words, change='bench/main'):
    keys = f'{work}/keys{size}'
    # The ledgers have one name: what the program remembers of one must not be held against the other.
    env = dict(os.environ, XDG_CONFIG_HOME=f'{work}/config{size}', EVIDENCE_TRUST=f'{keys}/trust.toml', EVIDENCE_KEY=f'{keys}/ada.pem',
        EVIDENCE_LOG_KEY=f'{keys}/log.pem', EVIDENCE_CHANGE=change)
    began = time.perf_counter()
    child = subprocess.Popen([evidence, *words], cwd=f'{work}/r{size}', env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = child.stdout.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):
        sys.exit(f'{words}: {child.returncode}\n{said}')
    return (time.perf_counter() - began) * 1e3, usage.ru_maxrss / 1024
def row(name, words, of=sizes, runs=15, change='bench/main'):
    line = f'{name:28}'
    for size in of:
        all = [run(size, words, change) for _ in range(runs + 1)][1:]
        line += f'{statistics.median(r[0] for r in all):13.1f} {max(r[1] for r in all):7.1f}'
    print(line, flush=True)
print(f'{"":28}' + ''.join(f'{size:>10} ms {"MiB":>7}' for size in sizes))
for size in sizes:
    for n in range(10):
        run(size, ['attest', f'c{n}', '--', 'true'])
    run(size, ['export', '-o', f'{work}/{size}.zip'])
# verify comes first: the attempts that attest adds make its change longer.
row('--version', ['--version'])
row('verify, ten claims', ['verify'])
row('attest of a report', ['attest', 'c0', '--report', f'{work}/junit.xml'])
row('attest -- true', ['attest', 'c1', '--', 'true'])
row('verify, 42 attempts', ['verify'])
row('log -n 20', ['log', '-n', '20'])
row('log --change', ['log', '--change', 'bench/main'])
row('show', ['show', '3'])
for size in sizes:
    os.rename(f'{work}/{size}.zip', f'{work}/bundle.zip')
    row(f'audit of a bundle, {size}', ['audit', f'{work}/bundle.zip', '--trust', f'{work}/keys{size}/trust.toml'], of=[size])
    os.rename(f'{work}/bundle.zip', f'{work}/{size}.zip')
row('ledger check', ['ledger', 'check'], runs=3)
row('ledger rebuild', ['ledger', 'rebuild'], runs=3)
for _ in range(500):
    run(sizes[0], ['attest', 'c0', '--', 'true'], 'bench/long')
row('verify, 1,001 records', ['verify'], of=sizes[:1], change='bench/long')
for size in sizes:
    for part in ('log', 'cache'):
        folder = f'{work}/r{size}/.git/evidence/{part}'
        total = sum(os.path.getsize(f'{folder}/{name}') for name in os.listdir(folder) if os.path.isfile(f'{folder}/{name}'))
        print(f'{part}, bytes a record, {size} records: {total / int(size):.0f}')
    members = zipfile.ZipFile(f'{work}/{size}.zip').infolist()
    lists = [member.file_size for member in members if member.filename.endswith('.proof')]
    multiproof = next(member.file_size for member in members if member.filename == 'multiproof')
    records = sum(member.filename.startswith('envelopes/') for member in members)
    print(f'proofs, {size} records: {sum(lists) / len(lists):.0f} bytes a list, {multiproof} for the multiproof of {records} records')
print(f'binary: {os.path.getsize(evidence) / 1e6:.2f} MB')
PY
