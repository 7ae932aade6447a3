//! Numbers of others in bodies and parameters: made from the API's description, so that no field can be forgotten. Whoever names
//! what they may not see is told what they are told of what does not exist, and changes nothing.

use serde_json::{Value, json};
use store::{Access, Duty, Role, Scope};
use uuid::Uuid;

use super::world::{OTHERS, Things, World, session, user};
use crate::api::access::{TABLE, Who};

/// What a field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    /// A client, by its number.
    Client,
    /// An alert, by its id.
    Alert,
    /// A node, by its number.
    Node,
    /// Nothing that anybody owns: a length, a place in the asker's own list, or what everybody is shown.
    Nothing,
}

/// What the numbers and ids of the API name, by the last word of their field. One that is not here fails the test.
const WORDS: [(&str, Names); 15] = [
    ("client", Names::Client),
    ("clients", Names::Client),
    ("id", Names::Alert),
    ("node", Names::Node),
    ("user", Names::Nothing), // of the audit log: for administrators alone
    ("provider", Names::Nothing),
    ("limit", Names::Nothing),
    ("hours", Names::Nothing),
    ("at", Names::Nothing),
    ("cursor", Names::Nothing),
    ("keep_days", Names::Nothing),
    ("seconds", Names::Nothing),
    ("within_seconds", Names::Nothing),
    ("valid_hours", Names::Nothing),
    ("valid_days", Names::Nothing),
];

/// What must stand in a field so that the rest is looked at; any other text will do elsewhere.
const TEXTS: [(&str, &str); 4] =
    [("action", "acknowledge"), ("role", "viewer"), ("everywhere", "viewer"), ("cve", "CVE-2026-12345")];

/// A way down into a body.
#[derive(Clone, Debug)]
enum Step {
    Field(String),
    Element,
    /// One of several shapes.
    Shape(usize),
}

/// A field that is a number or an id.
#[derive(Clone, Debug)]
struct Field {
    method: String,
    path: String,
    /// None: a parameter after the question mark, of this name.
    steps: Result<Vec<Step>, String>,
    names: Names,
}

struct Document(Value);

impl Document {
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str().and_then(|place| place.rsplit('/').next()) {
            Some(name) => &self.0["components"]["schemas"][name],
            None => schema,
        }
    }

    fn shapes(schema: &Value) -> Option<&Vec<Value>> {
        ["oneOf", "anyOf", "allOf"].iter().find_map(|word| schema[word].as_array())
    }

    /// The numbers and ids in a body.
    fn walk(&self, schema: &Value, word: &str, steps: &mut Vec<Step>, found: &mut Vec<(String, Vec<Step>)>) {
        let schema = self.resolve(schema);
        for (at, shape) in Self::shapes(schema).into_iter().flatten().enumerate() {
            steps.push(Step::Shape(at));
            self.walk(shape, word, steps, found);
            steps.pop();
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            steps.push(Step::Field(name.clone()));
            self.walk(property, name, steps, found);
            steps.pop();
        }
        if schema["items"].is_object() {
            steps.push(Step::Element);
            self.walk(&schema["items"], word, steps, found);
            steps.pop();
        }
        assert!(
            !schema["additionalProperties"].is_object(),
            "a map's keys may be numbers of others: look after {word}"
        );
        if numbers(schema) {
            found.push((word.to_owned(), steps.clone()));
        }
    }

    /// A body that has only what it must have, and `value` at the end of the way.
    fn body(&self, schema: &Value, word: &str, steps: &[Step], value: &Value) -> Value {
        let schema = self.resolve(schema);
        match steps.first() {
            Some(Step::Shape(at)) => {
                let shapes = Self::shapes(schema).unwrap();
                self.body(&shapes[*at], word, &steps[1..], value)
            }
            Some(Step::Element) => json!([self.body(&schema["items"], word, &steps[1..], value)]),
            Some(Step::Field(name)) => {
                let mut body = self.least(schema, word);
                body[name] = self.body(&schema["properties"][name], name, &steps[1..], value);
                body
            }
            None => value.clone(),
        }
    }

    /// The least that this may be.
    fn least(&self, schema: &Value, word: &str) -> Value {
        let schema = self.resolve(schema);
        if let Some(shapes) = Self::shapes(schema) {
            return self.least(&shapes[0], word);
        }
        if let Some(properties) = schema["properties"].as_object() {
            let must = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            return must.map(|name| (name.to_owned(), self.least(&properties[name], name))).collect::<Value>();
        }
        let text = TEXTS.iter().find(|(name, _)| *name == word).map_or("something", |(_, text)| text);
        match schema["type"].as_str() {
            Some("array") => json!([]),
            Some("integer") => json!(1),
            Some("boolean") => json!(false),
            _ => json!(text),
        }
    }

    fn fields(&self) -> Vec<Field> {
        let mut all = Vec::new();
        for (path, operations) in self.0["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let mut add = |word: &str, steps| {
                    let known = WORDS.iter().find(|(known, _)| *known == word);
                    let (_, names) = known.unwrap_or_else(|| panic!("{method} {path}: what does «{word}» name?"));
                    let (method, path) = (method.to_uppercase(), path.trim_start_matches("/api/v1").to_owned());
                    all.push(Field { method, path, steps, names: *names });
                };
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    if parameter["in"] == "query" && numbers(&parameter["schema"]) {
                        let name = parameter["name"].as_str().unwrap();
                        add(name, Err(name.to_owned()));
                    }
                }
                let body = &operation["requestBody"]["content"]["application/json"]["schema"];
                let mut found = Vec::new();
                self.walk(body, "", &mut Vec::new(), &mut found);
                for (word, steps) in found {
                    add(&word, Ok(steps));
                }
            }
        }
        all
    }

    fn body_of(&self, field: &Field, value: &Value) -> Option<Value> {
        let steps = field.steps.as_ref().ok()?;
        let operation = &self.0["paths"][format!("/api/v1{}", field.path)][field.method.to_lowercase()];
        Some(self.body(&operation["requestBody"]["content"]["application/json"]["schema"], "", steps, value))
    }
}

/// True for a number that counts or names, and for an id.
fn numbers(schema: &Value) -> bool {
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    kinds.contains(&json!("integer")) || schema["format"] == "uuid"
}

/// What a body names beside the field that is tried is the asker's own.
fn at_home(body: &mut Value, own: &Things) {
    match body {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "client" if *value == 1 => *value = own.client.0.into(),
                    "id" if value == "something" => *value = own.alert.to_string().into(),
                    _ => at_home(value, own),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| at_home(element, own)),
        _ => {}
    }
}

#[tokio::test]
async fn what_belongs_to_others_is_named_in_vain_in_every_field() {
    let world = World::new().await;
    let store = world.stage.store();
    let document = Document(serde_json::to_value(crate::api::document()).unwrap());
    let state = async || {
        let scope = Scope::internal("a test");
        let alert = store.alert(&scope, world.other.client, store::AlertId(world.other.alert)).await.unwrap();
        let ask = store::AuditAsk { client: Some(world.other.client), limit: 1_000, ..Default::default() };
        (alert, store.audit(&scope, ask).await.unwrap().len())
    };
    let before = state().await;
    let fields = document.fields();
    let tried: Vec<_> = fields.iter().filter(|field| field.names != Names::Nothing).collect();
    let mut cases = 0;
    for field in &tried {
        let rule = TABLE.iter().find(|rule| rule.method == field.method && rule.path == field.path).unwrap();
        let mut taken = matches!(rule.who, Who::Role(Role::Admin));
        for access in [
            Access::none(),
            Access::at(Duty::Viewer, [world.own.client]),
            Access::at(Duty::Analyst, [world.own.client]),
        ] {
            let ask = async |value: Value| {
                let person = user(&store, &access).await;
                let (cookie, _) = session(&store, person.id).await;
                let path = field.path.replace("{id}", &world.own.client.to_string());
                let url = format!("{}/api/v1{path}", world.stage.base);
                let mut request = world.stage.http.request(field.method.parse().unwrap(), url);
                if let Some(mut body) = document.body_of(field, &value) {
                    at_home(&mut body, &world.own);
                    request = request.json(&body);
                } else if let Err(name) = &field.steps {
                    request = request.query(&[(name, value.to_string())]);
                }
                let answer = request.header("x-socme", "1").header("cookie", cookie).send().await.unwrap();
                let status = answer.status().as_u16();
                let mut said: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
                // What was asked for comes back, and a problem's id is random.
                said["id"] = Value::Null;
                let value = match &value {
                    Value::String(text) => text.clone(),
                    value => value.to_string(),
                };
                (status, said.to_string().replace(&value, "VALUE"))
            };
            let (own, other, none) = match field.names {
                Names::Node => (json!(world.own.node.0), json!(world.other.node.0), json!(987_654_321)),
                Names::Client => (json!(world.own.client.0), json!(world.other.client.0), json!(987_654_321)),
                _ => (json!(world.own.alert), json!(world.other.alert), json!(Uuid::now_v7())),
            };
            taken |= ask(own).await.0 < 300;
            let (theirs, nothing) = (ask(other).await, ask(none).await);
            assert_eq!(theirs.0, nothing.0, "{field:?} {access:?}: {theirs:?}");
            let leak = theirs.1.contains(OTHERS) || theirs.1.contains("\"Other\"");
            assert!(!leak, "{field:?} {access:?}: {theirs:?}");
            cases += 1;
        }
        assert!(taken, "{field:?}: nobody's own was taken either, so nothing is shown");
    }
    assert_eq!(state().await, before, "nothing has changed at the other client");
    println!(
        "{} fields are numbers or ids; {} name what somebody owns, tried in {cases} cases",
        fields.len(),
        tried.len()
    );
    assert!(tried.len() >= 8, "{tried:?}");
    world.stage.stop().await;
}
