//! The tables of `docs/configuration.md`, from the JSON Schema of `mik.toml`.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Where the tables begin; what stands before them is written by hand.
pub(super) const MARK: &str =
    "<!-- What follows is made from the schema that `mik schema` prints. -->";
/// The tables in the order of the page; those that it does not name come last.
const ORDER: [&str; 10] = [
    "project",
    "server",
    "engine",
    "orchestrator",
    "cache",
    "modules",
    "scripts",
    "plugin",
    "build",
    "middleware",
];
/// A table within a table that has more keys than this stands by itself.
const FEW: usize = 6;
/// Not compiled in by default, so that it depends on the build whether the schema has it.
const LEFT_OUT: &str = "otlp";

/// One table of the page.
struct Section {
    heading: String,
    about: String,
    rows: String,
}

/// All tables.
pub(super) fn page(schema: &Value) -> String {
    let all = schema["properties"].as_object().expect("a schema of a table");
    let named = ORDER.iter().filter_map(|name| Some((*name, all.get(*name)?)));
    let others = all.iter().filter(|(name, _)| !ORDER.contains(&name.as_str()));
    let mut sections = Vec::new();
    for (name, table) in named.chain(others.map(|(name, table)| (name.as_str(), table))) {
        match (table.get("items"), table.get("patternProperties")) {
            (Some(item), _) => section(&format!("[[{name}]]"), name, item, &mut sections),
            (_, Some(_)) => {
                let mut each = inner(table).cloned().expect("a table for each name");
                inherit(&mut each, all);
                section(&format!("[{name}.NAME]"), &format!("{name}.NAME"), &each, &mut sections);
            }
            _ => section(&format!("[{name}]"), name, table, &mut sections),
        }
    }
    let written = sections.iter().map(|Section { heading, about, rows }| {
        format!("## `{heading}`\n\n{about}\n\n| Key | Type | Default | Bounds | Meaning |\n|---|---|---|---|---|\n{rows}")
    });
    written.collect::<Vec<_>>().join("\n")
}

/// Where a key is one of the table that holds for all, its default is what that says.
fn inherit(table: &mut Value, all: &Map<String, Value>) {
    let Some(keys) = table["properties"].as_object_mut() else { return };
    for parent in ["engine", "orchestrator"] {
        let of_all = &all[parent]["properties"];
        for (key, value) in keys.iter_mut().filter(|(key, value)| of_all.get(key) == Some(value)) {
            value["x-default"] = format!("[`[{parent}]` `{key}`](#{parent})").into();
        }
    }
}

/// Adds the table at `path`, and after it the tables within that stand by themselves.
fn section(heading: &str, path: &str, schema: &Value, to: &mut Vec<Section>) {
    let (table, short) = shorthand(schema);
    let mut about = text(table);
    if let Some(prefix) = about.strip_prefix(&format!("`{heading}`: ")) {
        about = capitalised(prefix);
    }
    if let Some(key) = short {
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        write!(about, " `{name} = …` below `[{parent}]` is short for `{key}` alone.")
            .expect("a text");
    }
    let (mut rows, mut within) = (String::new(), Vec::new());
    let (mut own, mut of_middleware) = (Vec::new(), Vec::new());
    for (key, value) in keys(table) {
        let is_middleware = path.ends_with(".NAME") && is_table(value);
        if is_middleware { of_middleware.push(key) } else { own.push((key, value)) }
    }
    let is_required = |table: &Value, key: &str| {
        table["required"].as_array().is_some_and(|names| names.iter().any(|name| name == key))
    };
    for (key, value) in own {
        if path == "middleware" && is_table(value) || keys(value).count() > FEW {
            within.push((key, value));
        } else if keys(value).next().is_some() {
            for (inner, innermost) in keys(value) {
                let optional = text(value);
                let key = format!("{key}.{inner}");
                row(&mut rows, &key, innermost, is_required(value, inner), Some(&optional));
            }
        } else {
            row(&mut rows, key, value, is_required(table, key), None);
        }
    }
    if !of_middleware.is_empty() {
        let names: Vec<_> = of_middleware.iter().map(|name| format!("`{name}`")).collect();
        writeln!(
            rows,
            "| {} | table | | | What holds here in place of the table of that name below `[middleware]`; a key \
             that is not set is taken from there. |",
            names.join(", ")
        )
        .expect("a text");
    }
    to.push(Section { heading: heading.to_owned(), about, rows });
    for (key, value) in within.into_iter().filter(|(key, _)| *key != LEFT_OUT) {
        section(&format!("[{path}.{key}]"), &format!("{path}.{key}"), value, to);
    }
}

/// One key. `group` is what is said of the table that it lies in, where that is shown in the same rows.
fn row(to: &mut String, key: &str, schema: &Value, is_required: bool, group: Option<&str>) {
    let (mut meaning, said) = split_default(&text(schema));
    if let Some(group) = group {
        meaning = format!("{group} {meaning}");
    }
    let inherited = schema["x-default"].as_str().map(ToOwned::to_owned);
    let default = match schema.get("default") {
        _ if inherited.is_some() => inherited.unwrap_or_default(),
        Some(default) => format!("`{}`", toml(default)),
        None if is_required => "required".to_owned(),
        None => said.unwrap_or_default(),
    };
    let cells =
        [format!("`{key}`"), kind(schema, "text"), default, bounds(schema), plain(&meaning)];
    for cell in cells.iter().map(|cell| cell.trim()) {
        let space = if cell.is_empty() { "" } else { " " };
        write!(to, "|{space}{} ", cell.replace('|', "\\|")).expect("a text");
    }
    to.push_str("|\n");
}

/// A table that may be written short, and the key that is meant then.
fn shorthand(schema: &Value) -> (&Value, Option<&str>) {
    let Some([table, short]) = schema["anyOf"].as_array().map(Vec::as_slice) else {
        return (schema, None);
    };
    let key = keys(table).find(|(_, value)| *value == short).map(|(key, _)| key);
    if key.is_some() { (table, key) } else { (schema, None) }
}

fn is_table(schema: &Value) -> bool {
    keys(shorthand(schema).0).next().is_some()
}

fn keys(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    schema["properties"].as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// What is said of it, without its bounds, which have a column.
fn text(schema: &Value) -> String {
    let text =
        schema["description"].as_str().unwrap_or_default().replace("\n\n", " ").replace('\n', " ");
    match bounds(schema).split_once(" to ") {
        Some((least, most)) => {
            text.trim_end_matches(&format!("From {least} to {most}.")).trim_end().to_owned()
        }
        None => text,
    }
}

/// Takes the last sentence away if it says what the default is.
fn split_default(text: &str) -> (String, Option<String>) {
    let Some((before, said)) = text.rsplit_once("Default") else { return (text.to_owned(), None) };
    let is_last = before.is_empty() || before.ends_with(". ");
    let is_sentence = said.starts_with([' ', ':']) && said.ends_with('.') && !said.contains(". ");
    if !is_last || !is_sentence {
        return (text.to_owned(), None);
    }
    let said = said.trim_start_matches(':').trim_end_matches('.').trim();
    (before.trim_end().to_owned(), Some(said.to_owned()))
}

/// What may stand there. Where the schema does not say the type of a choice, it is `inherited`.
fn kind(schema: &Value, inherited: &str) -> String {
    if let Some(only) = schema.get("const") {
        return format!("`{}`", toml(only));
    }
    if let Some(values) = schema["enum"].as_array() {
        return values
            .iter()
            .map(|value| format!("`{}`", toml(value)))
            .collect::<Vec<_>>()
            .join(", ");
    }
    for choices in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[choices].as_array() {
            let kinds: Vec<_> = choices.iter().map(|choice| kind(choice, inherited)).collect();
            let separator = if choices.iter().all(|choice| choice.get("const").is_some()) {
                ", "
            } else {
                " or "
            };
            return kinds.join(separator);
        }
    }
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    match schema["type"].as_str() {
        Some("string") if pattern.contains("KiB") => "size".to_owned(),
        Some("string") if pattern.contains("(ms|") => "time".to_owned(),
        Some("string") => "text".to_owned(),
        Some("integer") => "integer".to_owned(),
        Some("array") => format!("list: {}", kind(&schema["items"], inherited)),
        Some("object") => match inner(schema) {
            Some(value) => format!("table: {}", kind(value, inherited)),
            None if keys(schema).next().is_none() => "table".to_owned(),
            None => {
                let keys =
                    keys(schema).map(|(key, value)| format!("{key} = {}", kind(value, inherited)));
                format!("`{{ {} }}`", keys.collect::<Vec<_>>().join(", "))
            }
        },
        Some(other) => other.to_owned(),
        None => inherited.to_owned(),
    }
}

/// What each value of a table is whose keys are free.
fn inner(schema: &Value) -> Option<&Value> {
    schema["patternProperties"].as_object()?.values().next()
}

fn bounds(schema: &Value) -> String {
    let shown = |key: &str| {
        let value = schema.get(format!("x-{key}")).or_else(|| schema.get(key))?;
        Some(value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
    };
    match (shown("minimum"), shown("maximum")) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("{least} or more"),
        (None, Some(most)) => format!("{most} or less"),
        (None, None) => String::new(),
    }
}

/// A value as it stands in TOML.
fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

/// A text in which stars are stars, where they are not in code.
fn plain(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| match index % 2 {
        0 => part.replace('*', "\\*"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("`")
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
