#!/usr/bin/env bash
# Prints one table: what commands cost at 1,000 and 100,000 records. Wall time: median of 15, warm. Linux; bash and python3.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet
cargo bench --bench appends --no-run --quiet
bench=$(cargo bench --bench appends --no-run 2>&1 | sed -n 's/.*(\(target[^)]*\)).*/\1/p' | tail -1)
evidence=$PWD/target/release/evidence
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work/home
unset EVIDENCE_LEDGER EVIDENCE_TRUST EVIDENCE_KEY EVIDENCE_LOG_KEY EVIDENCE_CHANGE EVIDENCE_TARGET || true

policy() {
  printf 'version = 1\ntiers = ["low"]\nunplanned = "low"\nindependence = "record"\n'
  for n in 0 1 2 3 4 5 6 7 8 9; do printf '[claim.c%s]\nfamily = "functionality"\nby = "ci"\n' "$n"; done
  printf '[tier.low]\nrequire = ["c0","c1","c2","c3","c4","c5","c6","c7","c8","c9"]\n'
  printf '[may]\nplan = ["planner"]\ngrant = ["admin"]\npolicy = ["admin"]\nallow = ["admin"]\nresume = ["admin"]\nmerge = ["ci"]\n'
}

for size in 1000 100000; do
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

python3 - "$evidence" "$work" <<'PY'
import os, statistics, subprocess, sys, time
evidence, work = sys.argv[1:]
def run(size, words):
    keys = f'{work}/keys{size}'
    # The ledgers have one name: what the program remembers of one must not be held against the other.
    env = dict(os.environ, XDG_CONFIG_HOME=f'{work}/config{size}', EVIDENCE_TRUST=f'{keys}/trust.toml', EVIDENCE_KEY=f'{keys}/ada.pem', EVIDENCE_LOG_KEY=f'{keys}/log.pem')
    began = time.perf_counter()
    child = subprocess.Popen([evidence, *words], cwd=f'{work}/r{size}', env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = child.stdout.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):
        sys.exit(f'{words}: {child.returncode}\n{said}')
    return (time.perf_counter() - began) * 1e3, usage.ru_maxrss / 1024
# verify comes first: the attempts that attest adds make its change longer.
rows = [('--version', ['--version']), ('verify, ten claims', ['verify']),
    ('attest of a report', ['attest', 'c0', '--report', f'{work}/junit.xml']), ('attest -- true', ['attest', 'c1', '--', 'true']),
    ('verify, 42 attempts', ['verify']), ('log -n 20', ['log', '-n', '20']),
    ('log --change', ['log', '--change', 'bench/main']), ('show', ['show', '3'])]
print(f'{"":24}' + ''.join(f'{size:>10} ms {"MiB":>7}' for size in (1000, 100000)))
for size in (1000, 100000):
    for n in range(10):
        run(size, ['attest', f'c{n}', '--', 'true'])
for name, words in rows:
    line = f'{name:24}'
    for size in (1000, 100000):
        runs = [run(size, words) for _ in range(16)][1:]
        line += f'{statistics.median(r[0] for r in runs):13.1f} {max(r[1] for r in runs):7.1f}'
    print(line)
for size in (1000, 100000):
    for part in ('log', 'cache'):
        folder = f'{work}/r{size}/.git/evidence/{part}'
        total = sum(os.path.getsize(f'{folder}/{name}') for name in os.listdir(folder) if os.path.isfile(f'{folder}/{name}'))
        print(f'{part}, bytes a record, {size} records: {total / size:.0f}')
print(f'binary: {os.path.getsize(evidence) / 1e6:.2f} MB')
PY
