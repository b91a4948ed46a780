//! GraphQL schemas, as SDL or as the JSON of an introspection -> facts about a surface.
//!
//! ```graphql
//! type Query { order(id: ID!, locale: String = "en"): Order }
//! type Order implements Node { id: ID! }
//! ```
//!
//! Spec: GraphQL, October 2021 (type system language, introspection). Both spellings of a schema give the same names:
//! - `type Order`, `interface Node`, `union Found`, `enum Colour`, `scalar Date`, and `input Filter(name: String!)` with what must
//!   be given;
//! - `Query.order(id: ID!): Order`: a field with its type and the arguments that must be given; `Query.order(locale: String)`: one
//!   that may be given;
//! - `Filter.name: String!`: a field of an input; `Colour.RED`: a value; `Found = Order`: a member; `Order implements Node`;
//! - `query: Query`: where operations begin; `directive @auth(role: Role!)`, `directive @auth(scope: String)`.
//!
//! So a thing that goes, changes its type or needs more than before is a lost name. Definitions and their extensions are one. What
//! the language itself brings (`Int`, `Float`, `String`, `Boolean`, `ID`, what begins with `__`, `@skip`, `@include`, `@deprecated`,
//! `@specifiedBy`, `@oneOf`) does not count. Descriptions, defaults, uses of directives and deprecation are out of scope.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use super::encoding::Source;
use super::limits::TREE_BYTES_MAX;
use super::tally::NameTally;
use super::{Cause, Detail, Format, ReadError, Report, graphql_json, graphql_sdl};

/// Reads a schema.
pub(super) fn read(input: &mut dyn BufRead, detail: Detail) -> Result<Report, ReadError> {
    let bytes = Source::open(input, TREE_BYTES_MAX)?.read_all()?;
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let schema = if is_json { graphql_json::schema(&bytes)? } else { graphql_sdl::schema(&bytes)? };
    let mut tally = NameTally::new(detail);
    schema.count(&mut tally).map_err(|cause| ReadError::at(super::Place::START, cause))?;
    Ok(tally.finish(Format::Graphql))
}

/// A schema, in whichever spelling it came.
#[derive(Default)]
pub(super) struct Schema {
    pub(super) types: BTreeMap<String, Type>,
    /// The types where operations begin, by operation, as the schema names them.
    pub(super) roots: BTreeMap<&'static str, String>,
    pub(super) directives: BTreeMap<String, Vec<Value>>,
}

/// A type: of its members those that its kind has.
#[derive(Default)]
pub(super) struct Type {
    pub(super) kind: &'static str,
    pub(super) fields: Vec<Field>,
    pub(super) inputs: Vec<Value>,
    pub(super) interfaces: BTreeSet<String>,
    /// Members of a union, or values of an enum.
    pub(super) members: BTreeSet<String>,
}

pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) arguments: Vec<Value>,
}

/// An argument, or a field of an input.
pub(super) struct Value {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) has_default: bool,
}

impl Value {
    fn must_be_given(&self) -> bool {
        self.kind.ends_with('!') && !self.has_default
    }
}

impl Schema {
    fn count(&self, tally: &mut NameTally) -> Result<(), Cause> {
        for (operation, name) in &self.roots {
            if self.types.contains_key(name) {
                tally.add(&format!("{operation}: {name}"))?;
            }
        }
        for (name, of) in self.types.iter().filter(|(name, of)| !is_built_in(name, of)) {
            tally.add(&format!("{} {name}{}", of.kind, needs(&of.inputs)))?;
            for field in &of.fields {
                tally.add(&format!("{name}.{}{}: {}", field.name, needs(&field.arguments), field.kind))?;
                may(tally, &format!("{name}.{}", field.name), &field.arguments)?;
            }
            for input in &of.inputs {
                tally.add(&format!("{name}.{}: {}", input.name, input.kind))?;
            }
            for interface in &of.interfaces {
                tally.add(&format!("{name} implements {interface}"))?;
            }
            let between = if of.kind == "union" { " = " } else { "." };
            for member in &of.members {
                tally.add(&format!("{name}{between}{member}"))?;
            }
        }
        for (name, arguments) in self.directives.iter().filter(|(name, _)| !DIRECTIVES.contains(&name.as_str())) {
            tally.add(&format!("directive @{name}{}", needs(arguments)))?;
            may(tally, &format!("directive @{name}"), arguments)?;
        }
        Ok(())
    }
}

/// Spells what must be given, in the order of names.
fn needs(values: &[Value]) -> String {
    let mut needed: Vec<String> =
        values.iter().filter(|it| it.must_be_given()).map(|it| format!("{}: {}", it.name, it.kind)).collect();
    needed.sort();
    if needed.is_empty() { String::new() } else { format!("({})", needed.join(", ")) }
}

fn may(tally: &mut NameTally, owner: &str, values: &[Value]) -> Result<(), Cause> {
    let optional = values.iter().filter(|it| !it.must_be_given());
    optional.map(|it| format!("{owner}({}: {})", it.name, it.kind)).try_for_each(|name| tally.add(&name))
}

fn is_built_in(name: &str, of: &Type) -> bool {
    name.starts_with("__") || (of.kind == "scalar" && SCALARS.contains(&name))
}

/// Tells whether some text begins with what only a schema has.
pub(super) fn is_schema_line(line: &str) -> bool {
    let rest = line.strip_prefix("extend ").unwrap_or(line);
    let opens = |name: &str| {
        let rest = rest.strip_prefix(name)?;
        let rest = rest.trim_start();
        (rest.starts_with(['{', '@']) || rest.starts_with("implements ")).then_some(())
    };
    ["type Query", "type Mutation", "schema"].into_iter().any(|name| opens(name).is_some())
}

const SCALARS: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];
const DIRECTIVES: [&str; 5] = ["skip", "include", "deprecated", "specifiedBy", "oneOf"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Facts, Outcome};
    use crate::reports::{read as read_facts, read_report};

    const SDL: &str = r#"
"""
A shop, with "quotes" and \""" inside.
"""
schema @link(url: "x", import: ["a", {b: 1}]) { query: Query mutation: Change }
directive @auth(role: Role! = ADMIN, scope: String!) repeatable on FIELD_DEFINITION | OBJECT
interface Node { id: ID! }
type Query {
  "one order" order(id: ID!, locale: String = "en", """x""" deep: [[Int!]]): Order @deprecated(reason: "no")
  orders(first: Int! = 10): [Order!]!
}
type Change @auth(scope: "w") { pay(input: Payment!): Boolean! }
type Order implements & Node { id: ID! }
extend type Order { total: Float }
input Payment { order: ID!, till: String, amount: Int! = -1 }
enum Role { ADMIN USER @deprecated }
union Found = | Order
scalar Date @specifiedBy(url: "u")
"#;

    fn names(text: &str) -> Vec<String> {
        let report = read_report(Format::Graphql, &mut text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        report.names.into_iter().map(|named| named.name).collect()
    }

    fn facts(text: &str) -> Facts {
        read_facts(Format::Graphql, &mut text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> String {
        read_facts(Format::Graphql, &mut text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn all_of_a_schema_has_names() {
        let wanted = [
            "mutation: Change",
            "query: Query",
            "type Change",
            "Change.pay(input: Payment!): Boolean!",
            "scalar Date",
            "union Found",
            "Found = Order",
            "interface Node",
            "Node.id: ID!",
            "type Order",
            "Order.id: ID!",
            "Order.total: Float",
            "Order implements Node",
            "input Payment(order: ID!)",
            "Payment.order: ID!",
            "Payment.till: String",
            "Payment.amount: Int!",
            "type Query",
            "Query.order(id: ID!): Order",
            "Query.order(locale: String)",
            "Query.order(deep: [[Int!]])",
            "Query.orders: [Order!]!",
            "Query.orders(first: Int!)",
            "enum Role",
            "Role.ADMIN",
            "Role.USER",
            "directive @auth(scope: String!)",
            "directive @auth(role: Role!)",
        ];
        assert_eq!(names(SDL), wanted);
    }

    #[test]
    fn the_order_of_a_schema_does_not_matter_and_neither_do_words_about_it() {
        assert_eq!(
            facts("type Query { a: Int b(y: Int!, x: Int!): Int }"),
            facts("# x\nextend type Query { b(x: Int!, y: Int!): Int }\ntype Query { a: Int }")
        );
        assert_eq!(
            facts("type Query { a: Int }"),
            facts("type Query{\"new\" a:Int@deprecated}\nschema { query: Query }")
        );
        assert_ne!(facts("type Query { a: Int }"), facts("type Query { a: Int! }"));
    }

    #[test]
    fn what_a_caller_depends_on_cannot_go_unseen() {
        let before = names(SDL);
        let lost = |from: &str, to: &str| {
            let after = names(&SDL.replace(from, to));
            before.iter().filter(|name| !after.contains(name)).cloned().collect::<Vec<_>>().join("; ")
        };
        assert_eq!(lost("total: Float", "sum: Float"), "Order.total: Float");
        assert_eq!(lost("till: String", "till: String!"), "input Payment(order: ID!); Payment.till: String");
        assert_eq!(lost("first: Int! = 10", "first: Int!"), "Query.orders: [Order!]!; Query.orders(first: Int!)");
        assert_eq!(lost("ADMIN USER", "ADMIN"), "Role.USER");
        assert_eq!(lost("order(id: ID!,", "order(id: ID!, shop: ID!,"), "Query.order(id: ID!): Order");
        assert_eq!(lost("implements & Node", ""), "Order implements Node");
        assert_eq!(lost("mutation: Change", ""), "mutation: Change");
    }

    #[test]
    fn introspections_and_sdl_are_the_same_surface() {
        let json = r#"{"data":{"__schema":{"queryType":{"name":"Query"},"mutationType":null,"types":[
            {"kind":"OBJECT","name":"Query","interfaces":[],"fields":[{"name":"a","type":{"kind":"NON_NULL","ofType":{"kind":"LIST","ofType":
              {"kind":"SCALAR","name":"Int"}}},"args":[{"name":"x","type":{"kind":"SCALAR","name":"ID"},"defaultValue":null}]}]},
            {"kind":"ENUM","name":"E","enumValues":[{"name":"V"}]},{"kind":"SCALAR","name":"Int"},
            {"kind":"UNION","name":"U","possibleTypes":[{"name":"Query"}]},
            {"kind":"INPUT_OBJECT","name":"I","inputFields":[{"name":"f","type":{"kind":"NON_NULL","ofType":{"kind":"SCALAR","name":"Int"}},"defaultValue":"1"}]},
            {"kind":"OBJECT","name":"__Type","fields":[]}],
            "directives":[{"name":"skip","args":[]},{"name":"d","args":[]}]}}}"#;
        let sdl = "type Query { a(x: ID): [Int]! } enum E { V } union U = Query input I { f: Int! = 1 } directive @d on FIELD";
        assert_eq!(names(json), names(sdl));
        assert_eq!(facts(json), facts(sdl));
        let bare = json.trim_start_matches(r#"{"data":"#);
        assert_eq!(facts(&bare[..bare.len() - 1]), facts(sdl));
    }

    #[test]
    fn an_empty_surface_is_inconclusive() {
        for text in ["", "# nothing\n", "scalar Int", r#"{"__schema":{"types":[]}}"#] {
            assert_eq!(facts(text).outcome, Outcome::Inconclusive, "{text}");
        }
    }

    #[test]
    fn what_is_no_schema_is_refused_with_its_place() {
        assert_eq!(refused("type A {\n  a Int\n}"), "line 2, column 5: found `Int`; wanted :");
        assert!(refused("query { a }").contains("line 1, column 1: found `query`; wanted a definition"));
        assert!(refused("type A { a: Int ").contains("the report ends inside"));
        assert!(
            refused("type A { a: Int }\ntype A { b: Int }")
                .contains("line 2, column 6: found `A`; wanted each type once")
        );
        assert!(refused("type A { a: Int = \"x").contains("line 1"));
        assert!(refused("\"\"\"x").contains("ends inside a text"));
        assert!(refused(&format!("type A {{ a: {}Int", "[".repeat(100))).contains("deeper than 64"));
        assert!(refused("type A { a: Int @x(y: [)] }").contains("line 1"));
        assert!(refused("type A { ? }").contains("found `?`"));
        assert!(refused("{\"__schema\":{}}").contains("`/__schema/types` is absent"));
        assert!(refused("{\"errors\":[]}").contains("an introspection"));
        assert!(
            refused("{\"__schema\":{\"types\":[{\"kind\":\"X\",\"name\":\"A\"}]}}")
                .contains("`/__schema/types/0/kind` is \"X\"")
        );
    }
}
