//! The JSON of a GraphQL introspection -> [`Schema`]. Its query may ask for more or less than what is read here, but for types,
//! fields, arguments and their defaults.

use super::graphql::{Field, Schema, Type, Value};
use super::json::{Node, Wrong, parse};
use super::limits::DEPTH_MAX;
use super::{Cause, ReadError};

/// Reads an introspection: the answer with its `data`, or `__schema` alone.
pub(super) fn schema(bytes: &[u8]) -> Result<Schema, ReadError> {
    let value = parse(bytes)?;
    document(&Node::root(&value)).map_err(|wrong| wrong.place_in(bytes))
}

fn document(root: &Node<'_>) -> Result<Schema, Wrong> {
    let data = root.member("data")?;
    let around = data.as_ref().unwrap_or(root);
    let schema = around.member("__schema")?.ok_or_else(|| around.lacks("__schema", "an introspection"))?;
    let mut found = Schema::default();
    for (key, operation) in [("queryType", "query"), ("mutationType", "mutation"), ("subscriptionType", "subscription")]
    {
        if let Some(root) = schema.member(key)? {
            found.roots.insert(operation, name(&root)?);
        }
    }
    let types = schema.member("types")?.ok_or_else(|| schema.lacks("types", "a list of types"))?;
    for of in types.items()? {
        let name = name(&of)?;
        if found.types.insert(name, type_of(&of)?).is_some() {
            return Err(of.wrong("each type once"));
        }
    }
    if let Some(directives) = schema.member("directives")? {
        for directive in directives.items()? {
            found.directives.insert(name(&directive)?, values(&directive, "args")?);
        }
    }
    Ok(found)
}

fn type_of(node: &Node<'_>) -> Result<Type, Wrong> {
    let kind = node.member("kind")?.ok_or_else(|| node.lacks("kind", "a kind of type"))?;
    let kind = match kind.text()? {
        "OBJECT" => "type",
        "INTERFACE" => "interface",
        "UNION" => "union",
        "ENUM" => "enum",
        "INPUT_OBJECT" => "input",
        "SCALAR" => "scalar",
        _ => return Err(kind.wrong("OBJECT, INTERFACE, UNION, ENUM, INPUT_OBJECT or SCALAR")),
    };
    let mut found = Type { kind, inputs: values(node, "inputFields")?, ..Type::default() };
    if let Some(fields) = node.member("fields")? {
        for field in fields.items()? {
            let (name, arguments) = (name(&field)?, values(&field, "args")?);
            found.fields.push(Field { name, kind: kind_of(&field)?, arguments });
        }
    }
    if let Some(interfaces) = node.member("interfaces")? {
        for interface in interfaces.items()? {
            found.interfaces.insert(name(&interface)?);
        }
    }
    // The possible types of an interface are those that implement it.
    for key in if kind == "union" { &["possibleTypes"][..] } else { &["enumValues"] } {
        if let Some(members) = node.member(key)? {
            for member in members.items()? {
                found.members.insert(name(&member)?);
            }
        }
    }
    Ok(found)
}

fn values(owner: &Node<'_>, key: &str) -> Result<Vec<Value>, Wrong> {
    let Some(list) = owner.member(key)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for value in list.items()? {
        let has_default = value.member("defaultValue")?.is_some();
        found.push(Value { name: name(&value)?, kind: kind_of(&value)?, has_default });
    }
    Ok(found)
}

/// Spells the type of a field or value.
fn kind_of(owner: &Node<'_>) -> Result<String, Wrong> {
    let kind = owner.member("type")?.ok_or_else(|| owner.lacks("type", "a type"))?;
    spelled(&kind, 0)
}

fn spelled(kind: &Node<'_>, depth: usize) -> Result<String, Wrong> {
    if depth == DEPTH_MAX {
        return Err(kind.refuse(Cause::TooDeep { depth_max: DEPTH_MAX }));
    }
    let inner = || -> Result<String, Wrong> {
        let inner =
            kind.member("ofType")?.ok_or_else(|| kind.lacks("ofType", "a type; the query did not ask deep enough"))?;
        spelled(&inner, depth + 1)
    };
    match kind.member("kind")?.map(|kind| kind.text().map(str::to_owned)).transpose()?.as_deref() {
        Some("NON_NULL") => Ok(format!("{}!", inner()?)),
        Some("LIST") => Ok(format!("[{}]", inner()?)),
        Some(_) | None => name(kind),
    }
}

fn name(owner: &Node<'_>) -> Result<String, Wrong> {
    owner.member("name")?.ok_or_else(|| owner.lacks("name", "a name"))?.text().map(str::to_owned)
}
