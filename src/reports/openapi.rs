//! OpenAPI 3.0 and 3.1, in JSON or YAML -> facts about a surface.
//!
//! ```yaml
//! openapi: 3.1.0
//! paths:
//!   /orders/{id}:
//!     get:
//!       parameters: [{name: id, in: path, required: true}, {name: fields, in: query}]
//!       responses: {'200': {description: found, content: {application/json: {}}}}
//! ```
//!
//! Spec: OpenAPI Specification 3.0.4 and 3.1.1. An operation is intact as long as all its names are there:
//! - `GET /orders/{id}`: the operation (`webhook NAME POST` for those that the other side serves);
//! - `GET /orders/{id} > path id`, `.. > query fields`, `.. > header H`, `.. > cookie C`: what a caller may give;
//! - `GET /orders/{id} requires path id`: all that a caller must give, `body` among it, or `requires nothing`. This one name changes
//!   as soon as something more is required, and as soon as less is;
//! - `GET /orders/{id} > body application/json`: what the body may be;
//! - `GET /orders/{id} > response 200`, `.. > response 200 application/json`: what may come back.
//!
//! So an operation, parameter, kind of body or response that goes is a lost name, and so is one that becomes required. Out of scope
//! are schemas, servers, security, callbacks, links and the headers of responses: what stands inside a body is not compared.
//! Members that begin with `x-` are extensions and count for nothing. References are followed inside the document; what they name in
//! other files is refused: let the tool bundle it first.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::encoding::Source;
use super::json::{Wrong, parse};
use super::limits::{TREE_BYTES_MAX, VISITS_MAX, YAML_BYTES_MAX};
use super::tally::{NameTally, shown};
use super::{Cause, Detail, Format, Place, ReadError, Report, yaml};

/// Reads a description.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let bytes = Source::open(input, TREE_BYTES_MAX)?.read_all()?;
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if !is_json && u64::try_from(bytes.len()).unwrap_or(u64::MAX) > YAML_BYTES_MAX {
        return Err(ReadError::at(Place::START, Cause::TooLarge { bytes_max: YAML_BYTES_MAX }));
    }
    let root = if is_json { parse(&bytes)? } else { yaml::parse(&bytes)? };
    let mut walk = Walk { root: &root, tally: NameTally::new(detail), visits: Cell::new(0) };
    let walked = walk.document();
    let tally = walk.tally;
    // To find a place is to read it all again.
    drop(root);
    match walked {
        Ok(()) => Ok(tally.finish(Format::OpenApi)),
        Err(wrong) if is_json => Err(wrong.place_in(&bytes)),
        Err(wrong) => Err(ReadError::at(yaml::place_of(&bytes, &wrong.pointer), wrong.cause)),
    }
}

struct Walk<'a> {
    root: &'a Value,
    tally: NameTally,
    /// What was come to by references, each time.
    visits: Cell<u64>,
}

/// A value and where it stands.
#[derive(Clone)]
struct At<'a> {
    value: &'a Value,
    step: Rc<Step<'a>>,
}

/// A step to a value. Pointers are spelled only for a refusal: keys may be long, and what stands below them much.
enum Step<'a> {
    From(String),
    Key(Rc<Self>, &'a str),
    Index(Rc<Self>, usize),
}

/// What a caller may give, by where and name, and whether it must be given.
type Parameters = BTreeMap<(&'static str, String), bool>;

impl<'a> Walk<'a> {
    fn document(&mut self) -> Result<(), Wrong> {
        let root = At::from(self.root, String::new());
        match root.member("openapi")? {
            None if root.value.get("swagger").is_some() => {
                return Err(root.wrong("OpenAPI 3.0 or 3.1; this is Swagger 2"));
            }
            None => return Err(root.lacks("openapi", "3.0 or 3.1")),
            Some(version) => {
                let text = version.text()?;
                let known = ["3.0", "3.1"];
                if !known.iter().any(|known| text == *known || text.starts_with(&format!("{known}."))) {
                    return Err(version.wrong("3.0 or 3.1"));
                }
            }
        }
        if let Some(paths) = root.member("paths")? {
            for (path, item) in paths.members()? {
                if !path.starts_with('/') {
                    return Err(item.wrong("a path that begins with `/`"));
                }
                self.item(item, &|method| format!("{method} {path}"))?;
            }
        }
        if let Some(hooks) = root.member("webhooks")? {
            for (name, item) in hooks.members()? {
                self.item(item, &|method| format!("webhook {name} {method}"))?;
            }
        }
        Ok(())
    }

    /// Counts the operations of a path, and of the item that it refers to.
    fn item(&mut self, item: At<'a>, name: &dyn Fn(&str) -> String) -> Result<(), Wrong> {
        let resolved = self.resolve(item.clone())?;
        let mut items = vec![item];
        if !std::ptr::eq(items[0].value, resolved.value) {
            items.push(resolved);
        }
        for item in items {
            let mut shared = Parameters::new();
            self.parameters(&item, &mut shared)?;
            for (key, method) in METHODS {
                if let Some(operation) = item.member(key)? {
                    self.operation(&operation, &name(method), shared.clone())?;
                }
            }
        }
        Ok(())
    }

    fn operation(&mut self, operation: &At<'a>, name: &str, mut given: Parameters) -> Result<(), Wrong> {
        self.add(operation, name.to_owned())?;
        // What a path gives is given to each of its operations.
        for (_, parameter) in given.keys() {
            self.visit(operation, parameter.len())?;
        }
        self.parameters(operation, &mut given)?;
        let mut required = Vec::new();
        for ((place, parameter), must) in &given {
            self.add(operation, format!("{name} > {place} {parameter}"))?;
            if *must {
                required.push(format!("{place} {parameter}"));
            }
        }
        if let Some(body) = operation.member("requestBody")? {
            let body = self.resolve(body)?;
            if body.flag("required")? {
                required.push("body".to_owned());
            }
            for kind in self.kinds(&body)? {
                self.add(operation, format!("{name} > body {kind}"))?;
            }
        }
        let required = if required.is_empty() { "nothing".to_owned() } else { required.join(", ") };
        self.add(operation, format!("{name} requires {required}"))?;
        if let Some(responses) = operation.member("responses")? {
            for (code, response) in responses.members()? {
                self.add(operation, format!("{name} > response {code}"))?;
                for kind in self.kinds(&self.resolve(response)?)? {
                    self.add(operation, format!("{name} > response {code} {kind}"))?;
                }
            }
        }
        Ok(())
    }

    /// Adds the parameters of an item or operation; one of the same place and name takes the place of an outer one.
    fn parameters(&self, owner: &At<'a>, given: &mut Parameters) -> Result<(), Wrong> {
        let Some(list) = owner.member("parameters")? else { return Ok(()) };
        for parameter in list.items()? {
            let parameter = self.resolve(parameter)?;
            let place = parameter.member("in")?.ok_or_else(|| parameter.lacks("in", "a place"))?;
            let found = place.text()?;
            let known = ["cookie", "header", "path", "query"].into_iter().find(|known| *known == found);
            let place = known.ok_or_else(|| place.wrong("query, header, path or cookie"))?;
            let name = parameter.member("name")?.ok_or_else(|| parameter.lacks("name", "a name"))?.text()?;
            self.visit(&parameter, name.len())?;
            let name = name.to_owned();
            // Names of headers are the same in any case (RFC 9110).
            let name = if place == "header" { name.to_ascii_lowercase() } else { name };
            let must = place == "path" || parameter.flag("required")?;
            given.insert((place, name), must);
        }
        Ok(())
    }

    /// Follows references inside the document.
    fn resolve(&self, from: At<'a>) -> Result<At<'a>, Wrong> {
        let mut at = from.clone();
        for _ in 0..=REFERENCES_MAX {
            let Some(reference) = at.member("$ref")? else { return Ok(at) };
            let text = reference.text()?;
            let Some(pointer) = text.strip_prefix('#') else {
                let what = "a part of the description";
                let cause = Cause::External { pointer: reference.pointer(), what };
                return Err(Wrong { pointer: reference.pointer(), cause });
            };
            self.visit(&reference, pointer.len())?;
            let pointer = percent_decoded(pointer);
            let value = self.root.pointer(&pointer).filter(|value| !value.is_null());
            let value = value.ok_or_else(|| reference.wrong("a part of this document"))?;
            at = At::from(value, pointer);
        }
        Err(from.wrong("a reference that comes to its end"))
    }

    /// Returns the media types of a body or response.
    fn kinds(&self, of: &At<'a>) -> Result<Vec<&'a str>, Wrong> {
        let Some(content) = of.member("content")? else { return Ok(Vec::new()) };
        // What is no kind is passed over each time, too.
        for _ in content.object()? {
            self.visit(&content, 0)?;
        }
        let kinds = content.members()?.map(|(kind, _)| kind).collect();
        Ok(kinds)
    }

    /// Counts a part that was come to by a reference or from around it, and the text that was looked at for it: references could ask for one part without end.
    fn visit(&self, at: &At<'_>, bytes: usize) -> Result<(), Wrong> {
        let more = u64::try_from(bytes / TEXT_OF_A_VISIT).unwrap_or(u64::MAX).saturating_add(1);
        self.visits.set(self.visits.get().saturating_add(more));
        if self.visits.get() <= VISITS_MAX {
            return Ok(());
        }
        let cause = Cause::TooMany { things: "references and parts that they name, each time", count_max: VISITS_MAX };
        Err(Wrong { pointer: at.pointer(), cause })
    }

    fn add(&mut self, at: &At<'_>, name: String) -> Result<(), Wrong> {
        self.tally.add(&name).map_err(|cause| Wrong { pointer: at.pointer(), cause })
    }
}

impl<'a> At<'a> {
    fn from(value: &'a Value, pointer: String) -> Self {
        Self { value, step: Rc::new(Step::From(pointer)) }
    }

    fn object(&self) -> Result<&'a Map<String, Value>, Wrong> {
        self.value.as_object().ok_or_else(|| self.wrong("an object"))
    }

    /// Returns a member that is there and not null.
    fn member(&self, key: &'static str) -> Result<Option<Self>, Wrong> {
        let value = self.object()?.get(key).filter(|value| !value.is_null());
        Ok(value.map(|value| self.inner(key, value)))
    }

    /// Returns the members of an object that are no extensions, with their keys.
    fn members(&self) -> Result<impl Iterator<Item = (&'a str, Self)>, Wrong> {
        let there = self.object()?.iter().filter(|(key, value)| !key.starts_with("x-") && !value.is_null());
        Ok(there.map(|(key, value)| (key.as_str(), self.inner(key, value))))
    }

    fn items(&self) -> Result<impl Iterator<Item = Self>, Wrong> {
        let list = self.value.as_array().ok_or_else(|| self.wrong("an array"))?;
        let at = |index| Rc::new(Step::Index(Rc::clone(&self.step), index));
        Ok(list.iter().enumerate().map(move |(index, value)| Self { value, step: at(index) }))
    }

    fn inner(&self, key: &'a str, value: &'a Value) -> Self {
        Self { value, step: Rc::new(Step::Key(Rc::clone(&self.step), key)) }
    }

    fn text(&self) -> Result<&'a str, Wrong> {
        self.value.as_str().ok_or_else(|| self.wrong("a text"))
    }

    /// Returns a member that is true or false; absent is false.
    fn flag(&self, key: &'static str) -> Result<bool, Wrong> {
        let Some(member) = self.member(key)? else { return Ok(false) };
        member.value.as_bool().ok_or_else(|| member.wrong("true or false"))
    }

    fn pointer(&self) -> String {
        self.step.pointer()
    }

    fn wrong(&self, wanted: &'static str) -> Wrong {
        let found = match self.value {
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "an array".to_owned(),
            other => shown(&other.to_string(), 60),
        };
        let pointer = self.pointer();
        let named = if pointer.is_empty() { "the document".to_owned() } else { shown(&pointer, 200) };
        Wrong { pointer, cause: Cause::Value { pointer: named, found, wanted } }
    }

    fn lacks(&self, key: &str, wanted: &'static str) -> Wrong {
        let pointer = self.pointer();
        let named = shown(&format!("{pointer}/{key}"), 200);
        Wrong { pointer, cause: Cause::Value { pointer: named, found: "absent".to_owned(), wanted } }
    }
}

impl Step<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::From(pointer) => pointer.clone(),
            Self::Key(up, key) => format!("{}/{}", up.pointer(), key.replace('~', "~0").replace('/', "~1")),
            Self::Index(up, index) => format!("{}/{index}", up.pointer()),
        }
    }
}

/// Decodes `%XX`, as a fragment of a URI has it; what is no such code stays.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = (*first == b'%').then(|| after.get(..2).and_then(|digits| hex::decode(digits).ok())).flatten();
        match code {
            Some(code) => {
                bytes.extend(code);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

const METHODS: [(&str, &str); 8] = [
    ("get", "GET"),
    ("put", "PUT"),
    ("post", "POST"),
    ("delete", "DELETE"),
    ("options", "OPTIONS"),
    ("head", "HEAD"),
    ("patch", "PATCH"),
    ("trace", "TRACE"),
];
/// A reference to a reference to a reference: so many are followed.
const REFERENCES_MAX: usize = 16;
/// So much text costs about as much as a visit does.
const TEXT_OF_A_VISIT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;
    use crate::reports::{read as read_facts, read_report};

    const YAML: &str = "openapi: 3.1.0
paths:
  x-note: no path
  /orders/{id}:
    parameters:
      - $ref: '#/components/parameters/Id'
    get:
      parameters:
        - {name: fields, in: query}
        - {name: X-Trace, in: header, required: true}
      responses:
        200: {description: found, content: {application/json: {}}}
        default: {$ref: '#/components/responses/Problem'}
    put:
      requestBody: {required: true, content: {application/json: {}, text/csv: {}}}
      responses: {'204': {description: done}}
webhooks:
  paid: {post: {responses: {'200': {description: ok}}}}
components:
  parameters:
    Id: {name: id, in: path, required: true}
  responses:
    Problem: {description: no, content: {application/problem+json: {}}}
";

    fn names(text: &str) -> Vec<String> {
        let report = read_report(Format::OpenApi, &mut text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        report.names.into_iter().map(|named| named.name).collect()
    }

    fn refused(text: &str) -> String {
        read_facts(Format::OpenApi, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn operations_have_their_names() {
        let mut found = names(YAML);
        found.sort();
        let wanted = [
            "GET /orders/{id}",
            "GET /orders/{id} > header x-trace",
            "GET /orders/{id} > path id",
            "GET /orders/{id} > query fields",
            "GET /orders/{id} > response 200",
            "GET /orders/{id} > response 200 application/json",
            "GET /orders/{id} > response default",
            "GET /orders/{id} > response default application/problem+json",
            "GET /orders/{id} requires header x-trace, path id",
            "PUT /orders/{id}",
            "PUT /orders/{id} > body application/json",
            "PUT /orders/{id} > body text/csv",
            "PUT /orders/{id} > path id",
            "PUT /orders/{id} > response 204",
            "PUT /orders/{id} requires path id, body",
            "webhook paid POST",
            "webhook paid POST > response 200",
            "webhook paid POST requires nothing",
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn json_and_yaml_have_the_same_facts() {
        let json = yaml::parse(YAML.as_bytes()).unwrap().to_string();
        let facts = |text: &str| read_facts(Format::OpenApi, &mut text.as_bytes()).unwrap();
        assert_eq!(facts(&json), facts(YAML));
        assert_eq!(facts(YAML).outcome, Outcome::Pass);
    }

    #[test]
    fn what_a_caller_depends_on_cannot_go_unseen() {
        let before = names(YAML);
        let lost = |from: &str, to: &str| {
            let after = names(&YAML.replace(from, to));
            let lost = before.iter().filter(|name| !after.contains(name));
            lost.map(String::as_str).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(lost("fields, in: query", "page, in: query"), "GET /orders/{id} > query fields");
        assert_eq!(
            lost("fields, in: query", "fields, in: query, required: true"),
            "GET /orders/{id} requires header x-trace, path id"
        );
        assert_eq!(lost(", text/csv: {}", ""), "PUT /orders/{id} > body text/csv");
        assert_eq!(
            lost("        200:", "        201:"),
            "GET /orders/{id} > response 200; GET /orders/{id} > response 200 application/json"
        );
        assert!(lost("    put:", "    patch:").contains("PUT /orders/{id}"));
        assert_eq!(lost("description: done", "description: gone"), "");
    }

    #[test]
    fn an_empty_surface_is_inconclusive() {
        for text in [
            "openapi: 3.0.3
paths: {}
",
            "openapi: 3.1.0
components: {}
",
            "{\"openapi\":\"3.0.0\",\"paths\":{\"/a\":{}}}",
        ] {
            let facts = read_facts(Format::OpenApi, &mut text.as_bytes()).unwrap();
            assert_eq!(facts.outcome, Outcome::Inconclusive, "{text}");
        }
    }

    #[test]
    fn other_documents_and_parts_elsewhere_are_refused_with_their_place() {
        assert!(
            refused(
                "swagger: '2.0'
paths: {}
"
            )
            .contains("this is Swagger 2")
        );
        assert_eq!(
            refused(
                "openapi: 3.2.0
"
            ),
            "line 1, column 10: `/openapi` is \"3.2.0\"; wanted 3.0 or 3.1"
        );
        assert!(
            refused(
                "openapi: 3.10.0
"
            )
            .contains("wanted 3.0 or 3.1")
        );
        assert!(refused("{}").contains("`/openapi` is absent"));
        let at = |item: &str| {
            refused(&format!(
                "openapi: 3.0.0
paths:
  /a:
    {item}
"
            ))
        };
        assert!(at("$ref: other.yaml#/a").starts_with("line 4, column 11: `/paths/~1a/$ref` names a part"));
        assert!(at("$ref: '#/components/none'").contains("wanted a part of this document"));
        assert!(at("$ref: '#/paths/~1a'").contains("a reference that comes to its end"));
        assert!(at("get: {parameters: [{name: x, in: body}]}").contains("wanted query, header, path or cookie"));
        assert!(at("get: {parameters: [{in: query}]}").contains("`/paths/~1a/get/parameters/0/name` is absent"));
        assert!(at("get: []").contains("is an array; wanted an object"));
        assert!(
            refused(
                "openapi: 3.0.0
paths:
  a: {}
"
            )
            .contains("a path that begins with `/`")
        );
        assert!(refused("{\"openapi\":\"3.0.0\",\n\"paths\":[]}").starts_with("line 2, column 9: `/paths`"));
    }

    #[test]
    fn a_short_text_cannot_ask_for_hours() {
        let parameters: Vec<String> = (0..20_000).map(|n| format!("{{\"name\":\"p{n}\",\"in\":\"query\"}}")).collect();
        let (path, parameters) = ("x".repeat(5_000), parameters.join(","));
        let text = format!(
            "{{\"openapi\":\"3.0.0\",\"paths\":{{\"/{path}\":{{\"parameters\":[{parameters}],\"get\":{{}}}}}}}}"
        );
        assert!(refused(&text).contains("more than 67108864 bytes of names"), "{}", refused(&text));
    }

    #[test]
    fn references_that_multiply_are_counted() {
        // No name comes of it: the item that all paths share has no operation.
        let of = |paths: usize, parameters: usize| {
            let list = vec!["{\"$ref\":\"#/x-p\"}"; parameters].join(",");
            let paths: Vec<String> = (0..paths).map(|n| format!("\"/{n}\":{{\"$ref\":\"#/x-item\"}}")).collect();
            format!(
                "{{\"openapi\":\"3.0.0\",\"x-p\":{{\"name\":\"p\",\"in\":\"query\"}},\"x-item\":{{\"parameters\":[{list}]}},\"paths\":{{{}}}}}",
                paths.join(",")
            )
        };
        let facts = |text: &str| read_facts(Format::OpenApi, &mut text.as_bytes());
        assert_eq!(facts(&of(20, 1_000)).unwrap().outcome, Outcome::Inconclusive);
        assert!(refused(&of(1_000, 3_000)).contains("more than 1000000 references and parts"));
        // Names are a million at most where they come so.
        let methods = "\"x-item\":{\"get\":{},\"put\":{},\"post\":{},";
        let text = of(200, 1).replace("\"x-item\":{", methods);
        assert_eq!(facts(&text).unwrap().names.unwrap().count, 3 * 3 * 200);
        let many: Vec<String> = (0..900).map(|n| format!("{{\"name\":\"{n}\",\"in\":\"query\"}}")).collect();
        let text = of(1_000, 1).replace("\"x-item\":{", methods).replace("{\"$ref\":\"#/x-p\"}", &many.join(","));
        assert!(refused(&text).contains("references and parts"));
        // Nor of long names and pointers, nor of what is no kind.
        let long =
            |text: &str| of(5_000, 1).replace("\"p\"", text).replace("x-p", &format!("x-{}", "y".repeat(60_000)));
        assert!(refused(&long("\"p\"")).contains("references and parts"));
        let kinds: Vec<String> = (0..3_000).map(|n| format!("\"x-{n}\":1")).collect();
        let responses: Vec<String> = (0..1_000).map(|n| format!("\"{n}\":{{\"$ref\":\"#/x-r\"}}")).collect();
        let text = format!(
            "{{\"openapi\":\"3.0.0\",\"x-r\":{{\"content\":{{{}}}}},\"paths\":{{\"/a\":{{\"get\":{{\"responses\":{{{}}}}}}}}}}}",
            kinds.join(","),
            responses.join(",")
        );
        assert!(refused(&text).contains("references and parts"));
    }

    #[test]
    fn references_may_be_percent_coded_and_go_through_paths() {
        let text = "openapi: 3.0.0
paths:
  /a/{id}: {get: {}}
  /b: {$ref: '#/paths/~1a~1%7Bid%7D'}
";
        assert!(names(text).contains(&"GET /b".to_owned()));
    }
}
