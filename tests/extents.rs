//! How far an exception goes: a number that somebody let get worse gets no worse than they signed, and a pattern of names moves no number.

mod common;

use std::fs;

use common::{Rig, Verdict};
use serde_json::{Value, json};

/// A policy in which `build` keeps tests, coverage, measurements, findings, and the counts of what is skipped and silenced.
fn keeping() -> Rig {
    let limits = "tests = { baseline = \"keep\", skipped = \"ceiling\" }\ncoverage = { baseline = \"floor\" }\n\
        measurements = { tolerance = 10 }\nfindings = { new_max = 0, suppressed = \"ceiling\" }";
    let rig = Rig::with(&[(
        "by = \"ci\"\n\n[claim.unit-tests]",
        &format!("by = \"ci\"\n{limits}\n\n[claim.unit-tests]\n").replace("unit-tests]\n", "unit-tests]"),
    )]);
    rig.git(&["checkout", "-q", "main"]);
    rig.key("boss");
    rig.grant("boss", "boss", "admin", &["--email", "boss@example.org"]);
    rig
}

/// What the reports of a change show.
#[derive(Clone, Copy)]
struct Shows {
    tests: &'static [&'static str],
    skipped: usize,
    lines: usize,
    milliseconds: u32,
    /// How many findings there are of one rule and place, each with its own message.
    findings: usize,
    silenced: usize,
}

const FIRST: Shows = Shows { tests: &["a", "c"], skipped: 0, lines: 90, milliseconds: 1_000, findings: 0, silenced: 0 };

fn show(rig: &Rig, shows: &Shows) {
    let case = |name: &&str| format!("<testcase classname=\"s\" name=\"{name}\"/>");
    let skipped =
        (0..shows.skipped).map(|at| format!("<testcase classname=\"s\" name=\"z{at}\"><skipped/></testcase>"));
    let cases: String = shows.tests.iter().map(case).chain(skipped).collect();
    let junit = format!("<testsuite name=\"u\">{cases}</testsuite>");
    let lines: String = (1..=100).map(|line| format!("DA:{line},{}\n", usize::from(line <= shows.lines))).collect();
    let lcov = format!("SF:src/lib.rs\n{lines}end_of_record\n");
    let seconds = |more: u32| f64::from(shows.milliseconds + more) / 1_000.0;
    let times = [seconds(0), seconds(1), seconds(2)];
    let hyperfine = json!({"results": [{"command": "parse", "mean": seconds(1), "stddev": 0.001, "median": seconds(1), "user": 0.1,
        "system": 0.0, "min": seconds(0), "max": seconds(2), "times": times, "exit_codes": [0, 0, 0]}]});
    let result = |message: String, silenced: bool| {
        let mut result = json!({"ruleId": "R", "level": "warning", "message": {"text": message},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": "f"}, "region": {"startLine": 1}}}]});
        if silenced {
            result["suppressions"] = json!([{"kind": "inSource"}]);
        }
        result
    };
    let found = (0..shows.findings).map(|at| result(format!("m{at}"), false));
    let results: Vec<Value> = found.chain((0..shows.silenced).map(|at| result(format!("s{at}"), true))).collect();
    let sarif = json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": results}]});
    let files = [("t.xml", junit), ("l.info", lcov), ("h.json", hyperfine.to_string()), ("s.sarif", sarif.to_string())];
    let mut words = vec!["attest".to_owned(), "build".to_owned()];
    for (name, text) in files {
        fs::write(rig.path(name), text).unwrap();
        words.extend(["--report".to_owned(), format!("../{name}")]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    rig.by("ci-1", &words);
}

fn begin(rig: &Rig, name: &str) {
    rig.git(&["checkout", "-q", "-b", name]);
    rig.commit(&format!("src/{name}.rs"), name);
    rig.ok("planner", &["plan", &format!("shop/{name}"), "--tier", "low", "--implementer", "agent"]);
}

fn merge(rig: &Rig, name: &str) -> Value {
    rig.git(&["checkout", "-q", "main"]);
    rig.git(&["merge", "-q", "--ff-only", name]);
    rig.ok("ci-1", &["record", "merge", "--json"]).json()
}

/// A branch whose first merge shows [`FIRST`], and a change that has begun on it.
fn begun() -> Rig {
    let rig = keeping();
    begin(&rig, "one");
    show(&rig, &FIRST);
    rig.verify().accepted();
    merge(&rig, "one");
    begin(&rig, "two");
    rig
}

fn allow(rig: &Rig, words: &[&str]) -> common::Ran {
    rig.by("boss", &[&["allow"], words, &["--reason", "a little", "--until", "1d"]].concat())
}

fn numbers(verdict: &Verdict) -> String {
    verdict.json["requirements"][0]["numbers"].as_str().unwrap().to_owned()
}

#[test]
fn number_that_somebody_let_get_worse_gets_no_worse_than_they_signed() {
    let rig = begun();
    // Each: what is a little worse, what is signed for it, how that is told; and what is one step beyond.
    let cases: [(Shows, &str, &[&str], &str, Shows); 4] = [
        (
            Shows { lines: 89, ..FIRST },
            "E264",
            &["retire", "build", "--name", "coverage", "--to", "89%"],
            "retired down to 89.00 % by boss",
            Shows { lines: 88, ..FIRST },
        ),
        (
            Shows { skipped: 500, ..FIRST },
            "E269",
            &["admit", "build", "--name", "skipped", "--to", "500"],
            "admitted up to 500 by boss",
            Shows { skipped: 501, ..FIRST },
        ),
        (
            Shows { milliseconds: 1_190, ..FIRST },
            "E265",
            &["retire", "build", "--name", "parse", "--to", "20%"],
            "retired up to 20 % worse by boss",
            Shows { milliseconds: 1_250, ..FIRST },
        ),
        (
            Shows { findings: 1, ..FIRST },
            "E262",
            &["admit", "build", "--name", "t R f:1"],
            "admitted by boss",
            Shows { findings: 2, ..FIRST },
        ),
    ];
    for (worse, code, words, told, beyond) in cases {
        show(&rig, &worse);
        rig.verify().refused(&[code]);
        let signed = allow(&rig, words);
        assert_eq!(signed.code, 0, "{signed:?}");
        let verdict = rig.verify();
        verdict.accepted();
        assert!(numbers(&verdict).contains(told), "{told}: {}", numbers(&verdict));
        // Whoever gets further than that has nobody's word for it.
        show(&rig, &beyond);
        rig.verify().refused(&[code]);
    }
    show(&rig, &Shows { lines: 1, skipped: 5_000, milliseconds: 60_000, findings: 40, ..FIRST });
    rig.verify().refused(&["E262", "E264", "E269", "E265"]);
    let all = Shows { lines: 89, skipped: 500, milliseconds: 1_190, findings: 1, ..FIRST };
    show(&rig, &all);
    rig.verify().accepted();
    let listed = rig.ok("boss", &["allow", "list"]).out;
    for far in ["coverage down to 89.00 %,", "skipped up to 500,", "parse up to 20 % worse,"] {
        assert!(listed.contains(far), "{far}: {listed}");
    }
    let moved = rig.ok("stranger", &["baseline", "diff"]).out;
    assert!(moved.contains("floor coverage  90.00 % -> 89.00 %  (allowed down to 89.00 % by boss"), "{moved}");
    merge(&rig, "two");
    let history = |of: &[&str]| rig.ok("stranger", &[&["baseline", "history"], of].concat()).out;
    assert!(history(&[]).contains("floor coverage  90.00 % -> 89.00 %  (allowed"), "{}", history(&[]));
    assert!(history(&["parse"]).contains("measurement parse  1.001 s -> 1.191 s\n"), "{}", history(&["parse"]));
    let audit = rig.by("stranger", &["audit", "--branch", "main", "--json"]).json();
    let states: Vec<&Value> = audit["commits"].as_array().unwrap().iter().map(|commit| &commit["state"]).collect();
    assert_eq!(states, ["accepted"; 2]);
}

#[test]
fn exception_for_a_number_says_how_far_it_goes() {
    let rig = begun();
    show(&rig, &Shows { lines: 89, skipped: 5, milliseconds: 1_190, ..FIRST });
    let shown = [
        (&["retire", "build", "--name", "coverage"][..], "it is 89.00% now", "--to 89.00% --reason"),
        (&["admit", "build", "--name", "skipped"], "it is 5 now", "--to 5 --reason"),
        (&["retire", "build", "--name", "par*"], "parse is a number", "--name parse --to 20% --reason"),
    ];
    for (words, now, command) in shown {
        let told = allow(&rig, words);
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.err.contains(now) && told.err.contains(command), "{now}: {}", told.err);
    }
    // Each finding comes back with the number in its command.
    let verdict = rig.verify();
    verdict.refused(&["E264", "E269", "E265"]);
    for finding in verdict.json["findings"].as_array().unwrap() {
        let command = finding["mend"]["command"].as_array().unwrap();
        let words: Vec<&str> = command[1..].iter().map(|word| word.as_str().unwrap()).collect();
        rig.ok("boss", &words);
    }
    rig.verify().accepted();
    for (words, why) in [
        (&["retire", "build", "--name", "coverage", "--to", "101%"][..], "percentage from 0 to 100"),
        (&["admit", "build", "--name", "skipped", "--to", "5%"], "no count"),
        (&["retire", "build", "--name", "coverage", "--name", "parse", "--to", "5%"], "one exception for each"),
        (&["retire", "build", "--name", " "], "--name is empty"),
    ] {
        let told = allow(&rig, words);
        assert!(told.code == 2 && told.err.contains(why), "{why}: {told:?}");
    }
    let told = rig.by("boss", &["allow", "retire", "build", "--name", "x", "--reason", ""]);
    assert!(told.code == 2 && told.err.contains("--reason is empty"), "{told:?}");
}

#[test]
fn pattern_of_names_moves_no_number() {
    let rig = begun();
    // `*c*` is meant for the test `c`, and `*` for findings.
    show(&rig, &Shows { tests: &["a"], lines: 50, silenced: 1, skipped: 1, ..FIRST });
    rig.verify().refused(&["E260", "E262", "E264", "E269"]);
    for (effect, pattern) in [("retire", "*c*"), ("admit", "*")] {
        assert_eq!(allow(&rig, &[effect, "build", "--name", pattern]).code, 0);
        assert_eq!(allow(&rig, &[effect, "build", "--name", pattern, "--to", "9000"]).code, 0);
    }
    rig.verify().refused(&["E264", "E269"]);
    show(&rig, &Shows { tests: &["a"], ..FIRST });
    rig.verify().accepted();
}

#[test]
fn what_would_help_nothing_is_told_when_it_is_signed() {
    let rig = begun();
    show(&rig, &Shows { tests: &["a"], findings: 3, ..FIRST });
    for (words, why) in [
        (&["retire", "build", "--name", "nosuch*"][..], "the branch protects no name of build that is called so"),
        (&["admit", "build", "--name", "nosuch"], "the change shows no finding of build that is called so"),
        (&["admit", "build", "--name", "t R f:1"], "--to 3 lets all of them"),
    ] {
        let told = allow(&rig, words);
        assert!(
            told.code == 0 && told.err.contains(&format!("warning: {why}")) || told.err.contains(why),
            "{why}: {told:?}"
        );
    }
    let verdict = rig.verify();
    verdict.refused(&["E260", "E262"]);
    assert!(verdict.json["findings"].to_string().contains(r#""--to","3""#), "{}", verdict.json["findings"]);
    let told = allow(&rig, &["retire", "build", "--name", "u > s > c"]);
    assert!(told.code == 0 && !told.err.contains("warning"), "{told:?}");
    let told = allow(&rig, &["admit", "build", "--name", "t R *", "--to", "3"]);
    assert!(told.code == 0 && !told.err.contains("warning"), "{told:?}");
    rig.verify().accepted();
}

/// A policy of tier low with a claim `build` of these limits, and somebody who may allow exceptions.
fn limited(limits: &str) -> Rig {
    let limits = format!("by = \"ci\"\n{limits}\n\n[claim.unit-tests]");
    let rig = Rig::with(&[("by = \"ci\"\n\n[claim.unit-tests]", &limits)]);
    rig.git(&["checkout", "-q", "main"]);
    rig.key("boss");
    rig.grant("boss", "boss", "admin", &["--email", "boss@example.org"]);
    rig
}

fn attest(rig: &Rig, reports: &[(&str, &str)]) {
    let mut words = vec!["attest".to_owned(), "build".to_owned()];
    for (name, text) in reports {
        let (format, file) = name.split_once('=').map_or(("", *name), |(format, file)| (format, file));
        fs::write(rig.path(file), text).unwrap();
        let format = if format.is_empty() { String::new() } else { format!("{format}=") };
        words.extend(["--report".to_owned(), format!("{format}../{file}")]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    rig.by("ci-1", &words);
}

fn tests(names: &[&str]) -> String {
    let cases: String = names.iter().map(|name| format!("<testcase classname=\"s\" name=\"{name}\"/>")).collect();
    format!("<testsuite name=\"u\">{cases}</testsuite>")
}

/// Merges a first change that shows these reports, and begins a second one.
fn first(rig: &Rig, reports: &[(&str, &str)]) {
    begin(rig, "one");
    attest(rig, reports);
    rig.verify().accepted();
    merge(rig, "one");
    begin(rig, "two");
}

#[test]
fn several_names_do_not_become_one() {
    let rig = limited("tests = { baseline = \"keep\" }");
    first(&rig, &[("t.xml", &tests(&["a", "b", "c", "keep"]))]);
    attest(&rig, &[("t.xml", &tests(&["x", "keep"]))]);
    rig.verify().refused(&["E260"]);
    let sign = |pairs: &[&str]| {
        let mut words = vec!["baseline", "rename", "--sign", "--reason", "moved", "--until", "1d"];
        words.extend(pairs.iter().flat_map(|pair| ["--pair", pair]));
        rig.by("boss", &words)
    };
    for (pairs, why) in [
        (&["u > s > a=>u > s > x", "u > s > b=>u > s > x"][..], "1 tests or names joined as `u > s > x`, and 2"),
        (&["u > s > c=>u > s > keep"], "0 tests or names joined as `u > s > keep`"),
        (&["nosuch=>u > s > x"], "protects no name `nosuch` of build"),
    ] {
        let told = sign(pairs);
        assert!(told.code == 2 && told.err.contains(why), "{why}: {told:?}");
    }
    // Signed while it was so, and taken away later: the judge counts again.
    attest(&rig, &[("t.xml", &tests(&["x", "x", "y", "keep"]))]);
    assert_eq!(sign(&["u > s > a=>u > s > x", "u > s > b=>u > s > x", "u > s > c=>u > s > y"]).code, 0);
    rig.verify().accepted();
    attest(&rig, &[("t.xml", &tests(&["x", "y", "keep"]))]);
    let verdict = rig.verify();
    verdict.refused(&["E260"]);
    assert!(verdict.json["findings"][0]["found"].as_str().unwrap().starts_with("1 of 4 tests"), "{verdict:?}");
    let unknown = [
        &["baseline", "diff", "shop/nope"][..],
        &["baseline", "rename", "--change", "shop/nope"],
        &["allow", "list", "--change", "shop/nope"],
    ];
    for change in unknown {
        let told = rig.by("boss", change);
        assert!(told.code == 2 && told.err.contains("no change shop/nope is known"), "{told:?}");
    }
    let told = rig.by("boss", &["baseline", "rename", "--claim", "zzz"]);
    assert!(told.code == 2 && told.err.contains("protects nothing of zzz"), "{told:?}");
    let merged = rig.ok("boss", &["baseline", "diff", "shop/one"]).out;
    assert!(merged.contains("shop/one is merged into") && merged.contains("+ build test u > s > keep"), "{merged}");
}

#[test]
fn report_that_is_given_twice_shows_its_tests_and_names_once() {
    let rig = limited("tests = { baseline = \"keep\" }\nnames = { baseline = \"keep\" }");
    let (all, names) = (tests(&["a", "a", "b"]), "login\nlogin\n");
    first(&rig, &[("t.xml", &all), ("names=n.txt", names)]);
    let (less, fewer) = (tests(&["a", "b"]), "login\n");
    attest(&rig, &[("t.xml", &less), ("u.xml", &format!("{less}\n")), ("names=n.txt", names)]);
    rig.verify().refused(&["E260"]);
    attest(&rig, &[("t.xml", &all), ("names=n.txt", fewer), ("names=o.txt", "# again\nlogin\n")]);
    rig.verify().refused(&["E260"]);
    // Two reports that show different tests of one name are two.
    attest(&rig, &[("t.xml", &less), ("u.xml", &tests(&["a"])), ("names=n.txt", names)]);
    rig.verify().accepted();
    attest(&rig, &[("t.xml", &all), ("u.xml", &format!("{all}\n")), ("names=n.txt", names)]);
    rig.verify().accepted();
}

#[test]
fn tool_that_finds_nothing_any_more_must_have_looked() {
    let rig = limited("findings = { new_max = 0 }");
    let sarif = |tool: &str, found: usize| {
        let results: Vec<Value> = (0..found)
            .map(|at| json!({"ruleId": format!("R{at}"), "level": "note", "message": {"text": "m"}}))
            .collect();
        json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": tool}}, "results": results}]}).to_string()
    };
    first(&rig, &[("s.sarif", &sarif("t", 2))]);
    attest(&rig, &[("s.sarif", &sarif("other", 0))]);
    let verdict = rig.verify();
    verdict.refused(&["E214"]);
    let told = rig.by("boss", &["verify"]).out;
    assert!(told.contains("  not compared: findings of build\n"), "{told}");
    assert!(
        verdict.json["findings"][0]["found"].as_str().unwrap().contains("no report shows that it looked: t R"),
        "{verdict:?}"
    );
    attest(&rig, &[("sonar=o.json", "{\"issues\":[]}")]);
    rig.verify().refused(&["E214"]);
    for found in [0, 1, 2] {
        attest(&rig, &[("s.sarif", &sarif("t", found))]);
        rig.verify().accepted();
    }
    attest(&rig, &[("s.sarif", &sarif("t", 0)), ("o.sarif", &sarif("other", 0))]);
    rig.verify().accepted();
    // Another tool takes its place: somebody says so.
    attest(&rig, &[("s.sarif", &sarif("other", 0))]);
    rig.verify().refused(&["E214"]);
    rig.ok("boss", &["allow", "retire", "build", "--name", "t R*", "--reason", "other replaces t", "--until", "1d"]);
    rig.verify().accepted();
}

#[test]
fn two_measurements_of_one_name_come_to_the_same_in_either_order() {
    let measured = |seconds: f64| {
        let times = [seconds, seconds + 0.001, seconds + 0.002];
        json!({"results": [{"command": "parse", "mean": seconds + 0.001, "stddev": 0.001, "median": seconds + 0.001, "user": 0.1, "system": 0.0,
            "min": seconds, "max": seconds + 0.002, "times": times, "exit_codes": [0, 0, 0]}]})
        .to_string()
    };
    let (fast, slow) = (measured(1.0), measured(1.33));
    let middles = [[&fast, &slow], [&slow, &fast]].map(|order| {
        let rig = limited("measurements = { tolerance = 10 }");
        begin(&rig, "one");
        attest(&rig, &[("h1.json", order[0]), ("h2.json", order[1])]);
        rig.verify().accepted();
        merge(&rig, "one");
        rig.ok("boss", &["baseline", "show", "build", "--json"]).json()["claims"].clone()
    });
    assert_eq!(middles[0], middles[1]);
    assert_eq!(middles[0][0]["measurements"]["names"][0]["middle"], 1_331_000_000_000_u64);
}

#[test]
fn nobody_is_told_that_nothing_is_worse_where_not_all_was_compared() {
    let rig = limited("tests = { baseline = \"keep\", skipped = \"ceiling\" }\ncoverage = { baseline = \"floor\" }");
    let lcov = "SF:src/lib.rs\nDA:1,1\nDA:2,0\nend_of_record\n";
    first(&rig, &[("t.xml", &tests(&["a"])), ("l.info", lcov)]);
    let line = |rig: &Rig| {
        let text = rig.by("boss", &["verify"]).out;
        let is_it = |line: &&str| {
            ["  worse:", "  not worse:", "  compared:", "  not compared:"].iter().any(|it| line.starts_with(it))
        };
        text.lines().find(is_it).map(|line| line.trim().to_owned())
    };
    assert_eq!(line(&rig).as_deref(), Some("not compared: tests, coverage, skipped of build"));
    attest(&rig, &[("t.xml", &tests(&["a"]))]);
    rig.verify().refused(&["E214"]);
    let told = line(&rig).unwrap();
    assert!(told.starts_with("compared: ") && told.ends_with("; not compared: coverage of build"), "{told}");
    let skips =
        tests(&["a"]).replace("</testsuite>", "<testcase classname=\"s\" name=\"z\"><skipped/></testcase></testsuite>");
    attest(&rig, &[("t.xml", &skips), ("l.info", lcov)]);
    rig.verify().refused(&["E269"]);
    assert!(line(&rig).unwrap().starts_with("worse: "), "{:?}", line(&rig));
    attest(&rig, &[("t.xml", &tests(&["a"])), ("l.info", lcov)]);
    rig.verify().accepted();
    let told = line(&rig).unwrap();
    assert!(told.starts_with("not worse: ") && !told.contains("not compared"), "{told}");
    rig.ok("boss", &["allow", "waive", "build", "--reason", "hurry", "--until", "1d"]);
    attest(&rig, &[("t.xml", &tests(&["z"]))]);
    assert!(line(&rig).unwrap().contains("not compared: coverage of build"), "{:?}", line(&rig));
}

#[test]
fn what_was_never_protected_is_not_missed() {
    let rig = limited("tests = { baseline = \"keep\" }");
    first(&rig, &[("t.xml", &tests(&["a"]))]);
    let everything = "tests = { baseline = \"keep\", skipped = \"ceiling\" }\nnames = { baseline = \"keep\" }\nfindings = { new_max = 0 }\n\
        attachments = { min = 1, baseline = \"keep\" }\nmeasurements = { tolerance = 10 }\ncoverage = { baseline = \"floor\" }\nmutation = { baseline = \"floor\" }";
    let build = format!("by = \"ci\"\n{everything}\n\n[claim.unit-tests]");
    rig.apply(&[("version = 1", "version = 1\napplies = \"open\""), ("by = \"ci\"\n\n[claim.unit-tests]", &build)]);
    let text = rig.by("boss", &["verify"]).out;
    assert!(text.contains("  not compared: tests of build\n"), "{text}");
    let rig = limited("names = { baseline = \"keep\" }");
    first(&rig, &[("names=api.txt", "a\n")]);
    let build = "by = \"ci\"\nnames = { baseline = \"keep\" }\ntests = { baseline = \"keep\" }\n\n[claim.unit-tests]";
    let open = ("version = 1", "version = 1\napplies = \"open\"");
    rig.apply(&[open, ("by = \"ci\"\n\n[claim.unit-tests]", build)]);
    let text = rig.by("boss", &["verify"]).out;
    assert!(text.contains("  not compared: names of build\n"), "{text}");
}

#[test]
fn exception_is_ended_once() {
    let rig = begun();
    let id =
        allow(&rig, &["retire", "build", "--name", "u > s > c", "--json"]).json()["id"].as_str().unwrap().to_owned();
    assert_eq!(rig.by("boss", &["allow", "end", &id, "--reason", ""]).code, 2);
    rig.ok("boss", &["allow", "end", &id, "--reason", "done"]);
    let before = rig.ok("boss", &["log", "--json"]).out;
    let again = rig.ok("boss", &["allow", "end", &id, "--reason", "done"]).out;
    assert!(again.contains(&format!("ended {id} already")), "{again}");
    assert_eq!(rig.ok("boss", &["log", "--json"]).out, before);
}
