//! The interpreter: which modules it runs, and what counts as their answer.
//!
//! Rego v1 as regorus has it, with built-in functions that fail aloud. What a module may call is a list: what is not on it
//! (lots, clocks, networks, traces, whatever a later interpreter has) is refused before anything runs, so that the same
//! bytes come to the same answer on any machine.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Literal, Module, Query, Ref, Rule, RuleAssign, RuleHead};
use regorus::{Engine, Value};

use super::evaluator::Mistake;
use crate::model::schema;
use crate::verify::{Denial, Said};

/// Checks a module: that it parses, is of the package `evidence`, has a set `deny`, calls what it may and names what is there.
///
/// # Errors
/// The first mistake.
pub(super) fn check(rego: &str) -> Result<(), Mistake> {
    let mut engine = prepared(rego)?;
    let known = members();
    for module in engine.get_modules().clone() {
        Walk::default().inputs(&known).module(&module)?;
    }
    // Finds what is only seen once all rules are known, such as a variable that nothing binds.
    engine.compile_with_entrypoint(&DENY.into()).map(|_| ()).map_err(|error| mistake(&error))
}

/// Evaluates a module. That it comes to nothing is an answer.
///
/// # Errors
/// If it says more than anybody reads.
pub(super) fn evaluate(rego: &str, input: &[u8]) -> Result<Said, String> {
    let nothing = |mistake: Mistake| Ok(Said::Nothing(mistake.shown()));
    let mut engine = match prepared(rego) {
        Ok(engine) => engine,
        Err(mistake) => return nothing(mistake),
    };
    let input = std::str::from_utf8(input).map_err(anyhow).and_then(|text| engine.set_input_json(text).map_err(anyhow));
    if let Err(text) = input {
        return Ok(Said::Nothing(text));
    }
    match engine.eval_rule(DENY.to_owned()) {
        Ok(value) => denials(&value),
        Err(error) => nothing(mistake(&error)),
    }
}

fn anyhow(error: impl std::fmt::Display) -> String {
    cut(&format!("its input cannot be read: {error}"))
}

/// Returns an interpreter with a module that may be run.
fn prepared(rego: &str) -> Result<Engine, Mistake> {
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(true);
    let package = engine.add_policy("policy.rego".to_owned(), rego.to_owned()).map_err(|error| mistake(&error))?;
    if package != PACKAGE {
        let package = package.strip_prefix("data.").unwrap_or(&package);
        return Err(Mistake { place: None, text: cut(&format!("its package is {package}; wanted evidence")) });
    }
    for module in engine.get_modules().clone() {
        Walk::default().module(&module)?;
        check_deny(&module)?;
    }
    Ok(engine)
}

/// Checks that each rule of the name `deny` adds to a set, so that it is never anything else, nor undefined.
fn check_deny(module: &Module) -> Result<(), Mistake> {
    let wanted = "wanted `deny contains MESSAGE if { .. }`";
    let mut found = false;
    for rule in &module.policy {
        let (refr, is_set) = match rule.as_ref() {
            Rule::Spec { head, .. } => match head {
                RuleHead::Set { refr, .. } => (refr, true),
                RuleHead::Compr { refr, .. } | RuleHead::Func { refr, .. } => (refr, false),
            },
            Rule::Default { refr, .. } => (refr, false),
        };
        if path(refr).as_deref().is_none_or(|path| path.split('.').next() == Some("deny")) {
            if !is_set || path(refr).as_deref() != Some("deny") {
                return Err(at(refr, &format!("`deny` is no set here; {wanted}")));
            }
            found = true;
        }
    }
    match found {
        true => Ok(()),
        false => Err(Mistake { place: None, text: format!("it has no rule `deny`; {wanted}") }),
    }
}

/// Goes through a module and refuses what it may not use.
#[derive(Default)]
struct Walk<'a> {
    functions: BTreeSet<String>,
    inputs: Option<&'a BTreeSet<String>>,
}

impl<'a> Walk<'a> {
    /// Also refuses members of the input that are never there.
    fn inputs(mut self, known: &'a BTreeSet<String>) -> Self {
        self.inputs = Some(known);
        self
    }

    fn module(mut self, module: &Module) -> Result<(), Mistake> {
        for rule in &module.policy {
            if let Rule::Spec { head: RuleHead::Func { refr, .. }, .. } = rule.as_ref() {
                self.functions.extend(path(refr));
            }
        }
        for import in &module.imports {
            self.expr(&import.refr)?;
        }
        for rule in &module.policy {
            match rule.as_ref() {
                Rule::Spec { head, bodies, .. } => {
                    self.head(head)?;
                    for body in bodies {
                        self.assign(body.assign.as_ref())?;
                        self.query(&body.query)?;
                    }
                }
                Rule::Default { args, value, .. } => {
                    self.all(args)?;
                    self.expr(value)?;
                }
            }
        }
        Ok(())
    }

    fn head(&self, head: &RuleHead) -> Result<(), Mistake> {
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                self.expr(refr)?;
                self.assign(assign.as_ref())
            }
            RuleHead::Set { refr, key, .. } => {
                self.expr(refr)?;
                self.all(key)
            }
            RuleHead::Func { refr, args, assign, .. } => {
                self.expr(refr)?;
                self.all(args)?;
                self.assign(assign.as_ref())
            }
        }
    }

    fn assign(&self, assign: Option<&RuleAssign>) -> Result<(), Mistake> {
        assign.map_or(Ok(()), |assign| self.expr(&assign.value))
    }

    fn query(&self, query: &Query) -> Result<(), Mistake> {
        for statement in &query.stmts {
            if let Some(with) = statement.with_mods.first() {
                return Err(at(&with.refr, "`with` is not allowed: a policy judges what is there"));
            }
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn { key, value, collection, .. } => {
                    self.all(key)?;
                    self.expr(value)?;
                    self.expr(collection)?;
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.expr(expr)?,
                Literal::Every { domain, query, .. } => {
                    self.expr(domain)?;
                    self.query(query)?;
                }
            }
        }
        Ok(())
    }

    fn all<'b>(&self, all: impl IntoIterator<Item = &'b Ref<Expr>>) -> Result<(), Mistake> {
        all.into_iter().try_for_each(|expr| self.expr(expr))
    }

    fn expr(&self, expr: &Ref<Expr>) -> Result<(), Mistake> {
        self.input(expr)?;
        match expr.as_ref() {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
            | Expr::Var { .. } => Ok(()),
            Expr::Array { items, .. } | Expr::Set { items, .. } => self.all(items),
            Expr::Object { fields, .. } => fields.iter().try_for_each(|(_, key, value)| {
                self.expr(key)?;
                self.expr(value)
            }),
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.expr(term)?;
                self.query(query)
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.expr(key)?;
                self.expr(value)?;
                self.query(query)
            }
            Expr::Call { fcn, params, .. } => {
                self.call(fcn)?;
                self.all(params)
            }
            Expr::UnaryExpr { expr, .. } => self.expr(expr),
            Expr::RefDot { refr, .. } => self.expr(refr),
            Expr::RefBrack { refr, index, .. } => {
                self.expr(refr)?;
                self.expr(index)
            }
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => {
                self.expr(lhs)?;
                self.expr(rhs)
            }
            Expr::Membership { key, value, collection, .. } => {
                self.all(key)?;
                self.expr(value)?;
                self.expr(collection)
            }
        }
    }

    fn call(&self, function: &Ref<Expr>) -> Result<(), Mistake> {
        let Some(name) = path(function) else { return Err(at(function, "a function is called that has no name")) };
        let own = name.strip_prefix("data.evidence.").unwrap_or(&name);
        if self.functions.contains(own) || ALLOWED.contains(&name.as_str()) {
            return Ok(());
        }
        Err(at(
            function,
            &format!("`{name}` is no function that a policy may call: the same bytes must say the same for ever"),
        ))
    }

    /// Refuses a member of the input that is never there: what asks for it would never hold.
    fn input(&self, expr: &Ref<Expr>) -> Result<(), Mistake> {
        let (Some(known), Some(path)) = (self.inputs, path(expr)) else { return Ok(()) };
        let parts: Vec<&str> = path.split('.').collect();
        match parts[..] {
            ["input", name] if !known.contains(name) => {
                Err(at(expr, &format!("the input has no member `{name}`: evidence help schema rego-input")))
            }
            _ => Ok(()),
        }
    }
}

/// Returns the names of a reference, joined by dots; `None` if it is none, or has parts that are no fixed names.
fn path(expr: &Ref<Expr>) -> Option<String> {
    match expr.as_ref() {
        Expr::Var { span, .. } => Some(span.text().to_owned()),
        Expr::RefDot { refr, field, .. } => Some(format!("{}.{}", path(refr)?, field.0.text())),
        Expr::RefBrack { refr, index, .. } => match index.as_ref() {
            Expr::String { value: Value::String(text), .. } => Some(format!("{}.{text}", path(refr)?)),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the members of the input, as its schema lists them.
fn members() -> BTreeSet<String> {
    let text = schema("rego-input").map(|schema| schema.text).unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    value["properties"].as_object().into_iter().flat_map(|members| members.keys().cloned()).collect()
}

/// Takes the set `deny` apart; sorted, so that no order of evaluation shows.
fn denials(value: &Value) -> Result<Said, String> {
    let Ok(set) = value.as_set() else { return Ok(Said::Nothing("`deny` is no set".to_owned())) };
    if set.len() > DENIALS_MAX {
        return Err(format!("it denies {} times; at most {DENIALS_MAX} are read", set.len()));
    }
    let mut bytes = 0;
    let mut denials = BTreeSet::new();
    for member in set {
        let Some(denial) = denial(member) else {
            return Ok(Said::Nothing(
                "`deny` holds what is neither a text nor an object of texts with `msg`, and maybe `thing` and `wanted`"
                    .to_owned(),
            ));
        };
        let Denial { thing, found, wanted } = &denial;
        bytes += [thing.as_ref(), Some(found), wanted.as_ref()].into_iter().flatten().map(String::len).sum::<usize>();
        denials.insert(denial);
    }
    if bytes > TEXTS_BYTES_MAX {
        return Err(format!("the texts of `deny` have {bytes} bytes; at most {TEXTS_BYTES_MAX} are read"));
    }
    Ok(Said::Denied(denials.into_iter().collect()))
}

fn denial(member: &Value) -> Option<Denial> {
    let text = |value: &Value| value.as_string().ok().map(|text| text.to_string());
    let Ok(object) = member.as_object() else {
        return Some(Denial { thing: None, found: text(member)?, wanted: None });
    };
    let (mut thing, mut found, mut wanted) = (None, None, None);
    for (key, value) in object.iter() {
        let place = match &*text(key)? {
            "thing" => &mut thing,
            "msg" => &mut found,
            "wanted" => &mut wanted,
            _ => return None,
        };
        *place = Some(text(value)?);
    }
    Some(Denial { thing, found: found?, wanted })
}

/// Returns a mistake in an expression; of a reference, where its first name stands.
fn at(mut expr: &Ref<Expr>, text: &str) -> Mistake {
    while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = expr.as_ref() {
        expr = refr;
    }
    let span = expr.span();
    Mistake { place: usize::try_from(span.line).ok().zip(usize::try_from(span.col).ok()), text: cut(text) }
}

/// Takes an error of the interpreter apart: `--> policy.rego:2:23`, a picture of the line, `error: divide by zero`.
fn mistake(error: &impl std::fmt::Display) -> Mistake {
    let text = error.to_string();
    let place = text.lines().find_map(|line| {
        let (line, column) = line.trim().strip_prefix("--> policy.rego:")?.split_once(':')?;
        Some((line.parse().ok()?, column.parse().ok()?))
    });
    let said = text.lines().find_map(|line| line.strip_prefix("error: "));
    Mistake {
        place,
        text: cut(said.unwrap_or_else(|| text.lines().find(|line| !line.is_empty()).unwrap_or("no reason"))),
    }
}

impl Mistake {
    fn shown(&self) -> String {
        match self.place {
            Some((line, column)) => format!("line {line}, column {column} of it: {}", self.text),
            None => self.text.clone(),
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

const PACKAGE: &str = "data.evidence";
const DENY: &str = "data.evidence.deny";
/// More are read by nobody.
const DENIALS_MAX: usize = 100;
const TEXTS_BYTES_MAX: usize = 64 * 1024;
const TEXT_CHARS_MAX: usize = 400;

/// The built-in functions that are functions of their arguments, and of which a later interpreter has the same.
const ALLOWED: &[&str] = &[
    "abs",
    "array.concat",
    "array.reverse",
    "array.slice",
    "bits.and",
    "bits.lsh",
    "bits.negate",
    "bits.or",
    "bits.rsh",
    "bits.xor",
    "ceil",
    "concat",
    "contains",
    "count",
    "endswith",
    "floor",
    "format_int",
    "indexof",
    "indexof_n",
    "intersection",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "json.filter",
    "json.is_valid",
    "json.marshal",
    "json.remove",
    "json.unmarshal",
    "lower",
    "max",
    "min",
    "numbers.range",
    "numbers.range_step",
    "object.filter",
    "object.get",
    "object.keys",
    "object.remove",
    "object.subset",
    "object.union",
    "object.union_n",
    "product",
    "regex.find_all_string_submatch_n",
    "regex.find_n",
    "regex.is_valid",
    "regex.match",
    "regex.replace",
    "regex.split",
    "replace",
    "round",
    "semver.compare",
    "semver.is_valid",
    "sort",
    "split",
    "sprintf",
    "startswith",
    "strings.any_prefix_match",
    "strings.any_suffix_match",
    "strings.count",
    "strings.replace_n",
    "strings.reverse",
    "substring",
    "sum",
    "to_number",
    "trim",
    "trim_left",
    "trim_prefix",
    "trim_right",
    "trim_space",
    "trim_suffix",
    "type_name",
    "union",
    "upper",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn module(body: &str) -> String {
        format!("package evidence\n\n{body}\n")
    }

    fn said(body: &str) -> Said {
        evaluate(&module(body), br#"{"a":1,"list":[3,1,2]}"#).unwrap()
    }

    fn denied(body: &str) -> Vec<String> {
        match said(body) {
            Said::Denied(denials) => denials.into_iter().map(|denial| denial.found).collect(),
            Said::Nothing(text) => panic!("{text}"),
        }
    }

    fn nothing(body: &str) -> String {
        match said(body) {
            Said::Denied(denials) => panic!("{denials:?}"),
            Said::Nothing(text) => text,
        }
    }

    #[test]
    fn what_is_denied_is_sorted_and_once() {
        assert_eq!(denied("deny contains \"x\" if input.a == 2"), [""; 0]);
        let twice = "deny contains sprintf(\"%d\", [n]) if some n in input.list\ndeny contains \"1\"";
        assert_eq!(denied(twice), ["1", "2", "3"]);
        let object = "deny contains {\"msg\": \"m\", \"thing\": \"t\", \"wanted\": \"w\"}";
        let denial = Denial { thing: Some("t".into()), found: "m".into(), wanted: Some("w".into()) };
        assert_eq!(said(object), Said::Denied(vec![denial]));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for (body, why) in [
            ("denny contains \"x\"", "no rule `deny`"),
            ("deny := \"x\"", "line 3, column 1 of it: `deny` is no set"),
            ("default deny := false", "`deny` is no set"),
            ("deny[x] := 1 if x := \"a\"", "`deny` is no set"),
            ("deny.a contains \"x\"", "`deny` is no set"),
            ("deny contains 1", "neither a text"),
            ("deny contains {\"thing\": \"x\"}", "neither a text"),
            ("deny contains {\"msg\": \"x\", \"more\": \"x\"}", "neither a text"),
            ("deny contains \"x\" if 1 / 0 == 1", "divide by zero"),
            ("deny contains \"x\" if to_number(\"a\") == 1", "could not parse"),
            ("deny contains x", "x"),
            ("deny contains \"x\" if {", ""),
        ] {
            let text = nothing(body);
            assert!(text.contains(why), "{body}: {text}");
        }
        assert!(matches!(evaluate("package other\ndeny contains \"x\"", b"{}"), Ok(Said::Nothing(_))));
        assert!(
            evaluate(&module("deny contains sprintf(\"%d\", [n]) if some n in numbers.range(1, 101)"), b"{}").is_err()
        );
        assert_eq!(denied("deny contains sprintf(\"%d\", [n]) if some n in numbers.range(1, 100)").len(), 100);
        let long = evaluate(
            &module("deny contains x if x := concat(\"\", [y | some n in numbers.range(1, 65537); y := \"0\"])"),
            b"{}",
        );
        assert!(long.is_err(), "{long:?}");
    }

    #[test]
    fn functions_that_are_not_on_the_list_are_refused_however_they_are_called() {
        for call in [
            "time.now_ns()",
            "rand.intn(\"a\", 3)",
            "rand[\"intn\"](\"a\", 3)",
            "http.send({})",
            "opa.runtime()",
            "uuid.rfc4122(\"a\")",
            "net.lookup_ip_addr(\"a\")",
            "trace(\"a\")",
            "print(\"a\")",
            "no_such(1)",
        ] {
            for body in [
                format!("deny contains \"x\" if {call} == 1"),
                format!("deny contains \"x\" if not {call}"),
                format!("deny contains \"x\" if count([1 | {call}]) > 0"),
                format!("deny contains \"x\" if false\nf(x) := {call}"),
                format!("deny contains \"x\" if false\nelse_rule := 1 if false\nelse := {call}"),
                format!("deny contains \"x\" if every y in [1] {{ {call} == y }}"),
                format!("deny contains \"x\" if {{ \"a\": {call} }} == {{}}"),
            ] {
                let text = nothing(&body);
                assert!(text.contains("is no function that a policy may call"), "{body}: {text}");
            }
        }
        let mocked = "f(x) := 1\ndeny contains \"x\" if f(1) == 2 with f as rand.intn";
        assert!(nothing(mocked).contains("`with` is not allowed"));
        assert_eq!(denied("f(x) := x + 1\ndeny contains \"x\" if f(input.a) == 2"), ["x"]);
        assert_eq!(denied("deny contains \"x\" if data.evidence.f(input.a) == 2\nf(x) := x + 1"), ["x"]);
    }

    #[test]
    fn allowed_functions_are_there() {
        for name in ALLOWED {
            assert!(regorus::unstable::BUILTINS.contains_key(name), "{name}");
        }
        // Each other one was looked at: lots, traces, whatever later interpreters have otherwise.
        let left: Vec<&&str> = regorus::unstable::BUILTINS.keys().filter(|name| !ALLOWED.contains(name)).collect();
        assert!(left.contains(&&"rand.intn") && left.contains(&&"trace"), "{left:?}");
    }

    #[test]
    fn mistakes_have_their_place() {
        let mistake = check(&module("deny contains \"x\" if {\n  input.commit ==== 2\n}")).unwrap_err();
        assert_eq!(mistake.place.map(|(line, _)| line), Some(4));
        let mistake = check(&module("deny contains \"x\" if input.tear.effective == \"high\"")).unwrap_err();
        assert_eq!((mistake.place, mistake.text.contains("`tear`")), (Some((3, 22)), true), "{}", mistake.text);
        let mistake = check(&module("deny contains \"x\" if y == 1")).unwrap_err();
        assert!(mistake.text.contains("unsafe"), "{}", mistake.text);
        check(&module("deny contains \"x\" if input.tier.effective == \"high\"")).unwrap();
        check(&module("import rego.v1\n\ndeny contains \"x\" if input[\"tier\"].planned == \"high\"")).unwrap();
    }
}
