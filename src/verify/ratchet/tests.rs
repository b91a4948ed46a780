//! What people are told of a comparison.

use super::*;

fn compared(what: &'static str, merge: Option<u64>, of: u64, held: u64) -> Compared {
    Compared { what, variant: None, merge, of, held, joined: 0, against: 0, names: Vec::new(), allowed: Vec::new() }
}

fn allowed(id: &str, serial: u64) -> Allowed {
    Allowed {
        name: "a".to_owned(),
        to: None,
        limit: None,
        serial,
        id: id.parse().unwrap(),
        by: vec!["boss".to_owned()],
        reason: "why".to_owned(),
    }
}

#[test]
fn comparison_is_told_in_one_line() {
    let first = |what, held, joined| Compared { joined, ..compared(what, None, 0, held) };
    let later = |what, of, held, joined, against| Compared { joined, against, ..compared(what, Some(7), of, held) };
    for (compared, wanted) in [
        (first("findings", 0, 2), "2 findings begin the baseline"),
        (first("new-names", 0, 1), "1 name begins the baseline"),
        (first("tests", 0, 1), "1 test begins the baseline"),
        (first("coverage", 9_050, 0), "coverage 90.50 % begins the baseline"),
        (first("skipped", 1, 0), "1 skipped test begins the baseline"),
        (first("skipped", 2, 0), "2 skipped tests begin the baseline"),
        (later("findings", 3, 0, 0, 2), "2 findings beyond the 3 of the baseline"),
        (later("new-names", 3, 0, 0, 1), "1 name beyond the 3 of the baseline"),
        (later("coverage", 9_100, 9_050, 0, 0), "coverage 90.50 % (baseline 91.00 %)"),
        (later("mutation", 0, 9_050, 0, 0), "mutation 90.50 % begins the baseline"),
        (later("skipped", 4, 2, 0, 0), "2 skipped tests (ceiling 4)"),
        (later("tests", 4, 4, 0, 0), "4 of 4 baseline tests pass"),
        (later("tests", 4, 4, 2, 0), "4 of 4 baseline tests pass, 2 joined"),
        (later("names", 4, 3, 0, 1), "3 of 4 baseline names"),
        (later("names", 0, 0, 2, 0), "2 names begin the baseline"),
    ] {
        assert_eq!(compared.sentence(), wanted);
    }
    let gone = Compared { names: vec!["login (is gone)".to_owned()], ..later("pictures", 2, 1, 0, 1) };
    assert_eq!(gone.sentence(), "1 of 2 baseline pictures: login (is gone)");
    let few = Compared { names: vec!["a (is gone)".to_owned()], ..later("pictures", 9, 7, 0, 2) };
    assert_eq!(few.sentence(), "7 of 9 baseline pictures: a (is gone) and 1 more");
}

#[test]
fn exceptions_are_told_with_who_signed_them() {
    let with = |what, allowed| Compared { allowed, ..compared(what, Some(7), 4, 2) }.sentence();
    let one = allowed("x-1", 3);
    assert_eq!(with("tests", vec![one.clone()]), "2 of 4 baseline tests pass, 1 retired by boss: \"why\"");
    let limited = Allowed { limit: Some("up to 5".to_owned()), ..one.clone() };
    assert_eq!(with("skipped", vec![limited]), "2 skipped tests (ceiling 4), 1 admitted up to 5 by boss: \"why\"");
    // Of another record or of another id it is another exception.
    for other in [allowed("x-2", 3), allowed("x-1", 4)] {
        assert_eq!(
            with("findings", vec![one.clone(), other]),
            "0 findings beyond the 4 of the baseline, 2 admitted, 1 of them by boss: \"why\", 1 otherwise"
        );
    }
    assert!(with("tests", vec![one.clone(), one]).ends_with("2 retired by boss: \"why\""));
}
