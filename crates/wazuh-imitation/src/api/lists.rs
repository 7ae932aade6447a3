//! Lists: filtered, sorted, narrowed to some fields, and cut into pages.

use serde_json::{Map, Value};

use super::answer::Canned;
use super::state::{Asked, State};

/// The parameters that are a filter by the field of that name.
const FILTERS: [&str; 32] = [
    "status",
    "name",
    "level",
    "result",
    "group",
    "tag",
    "filename",
    "relative_dirname",
    "type",
    "ip",
    "registerIP",
    "manager",
    "version",
    "node_name",
    "group_config_status",
    "os.platform",
    "os.name",
    "os.version",
    "format",
    "vendor",
    "architecture",
    "protocol",
    "local.ip",
    "local.port",
    "remote.ip",
    "state",
    "process",
    "pid",
    "file",
    "md5",
    "sha1",
    "sha256",
];

/// A condition of the parameter `q`.
#[derive(Clone, Debug)]
enum Condition {
    Clause(String, Operator, String),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Is,
    IsNot,
    Less,
    More,
    Contains,
}

impl State {
    /// A page of a list that comes from a database: conditions may have parentheses.
    ///
    /// Rows that are alike in what they are sorted by, or not sorted at all, come in another order each time: no client may count on
    /// one.
    pub(super) fn page(&self, rows: &[Value], asked: &Asked) -> Canned {
        let mut rows = rows.to_vec();
        let turned = self.log.len() * 7 % rows.len().max(1);
        rows.rotate_left(turned);
        self.paged(&rows, asked, true).unwrap_or_else(|refused| refused)
    }

    /// A page of a list that is read from files: parentheses mean nothing.
    pub(super) fn page_of_files(&self, rows: &[Value], asked: &Asked) -> Canned {
        self.paged(rows, asked, false).unwrap_or_else(|refused| refused)
    }

    fn paged(&self, rows: &[Value], asked: &Asked, parentheses: bool) -> Result<Canned, Canned> {
        let known = fields(rows);
        let is_known = |field: &str| rows.is_empty() || known.iter().any(|known| known == field);
        let refuse = |code, text: &str| Err(Canned::problem(400, "Bad Request", text, Some(code)));
        let mut found: Vec<Value> = rows.to_vec();
        for name in FILTERS {
            let Some(wanted) = asked.list(name) else { continue };
            let fits = |value: &Value| wanted.iter().any(|wanted| text(value).eq_ignore_ascii_case(wanted));
            found.retain(|row| match field(row, name) {
                Some(Value::Array(all)) => all.iter().any(fits),
                Some(one) => fits(one),
                None => false,
            });
        }
        if let Some(q) = asked.get("q") {
            if self.numbers() < (4, 5, 3) && is_nested(q) {
                return refuse(1407, "Query does not match expected format");
            }
            let condition = parse(q, parentheses, &is_known)?;
            found.retain(|row| self.fits(&condition, row));
        }
        if let Some(wanted) = asked.get("search") {
            let (negated, wanted) = wanted.strip_prefix('-').map_or((false, wanted), |wanted| (true, wanted));
            let wanted = wanted.to_lowercase();
            found.retain(|row| row.to_string().to_lowercase().contains(&wanted) != negated);
        }
        if let Some(sort) = asked.get("sort") {
            let (descending, names) = match sort.strip_prefix('-') {
                Some(names) => (true, names),
                None => (false, sort.strip_prefix('+').unwrap_or(sort)),
            };
            let names: Vec<&str> = names.split(',').collect();
            if names.iter().any(|name| !is_known(name)) {
                return refuse(1403, "Not a valid sort field");
            }
            let key = |row: &Value| names.iter().map(|name| Key::of(field(row, name))).collect::<Vec<_>>();
            found.sort_by_cached_key(key);
            if descending {
                found.reverse();
            }
        }
        if let Some(names) = asked.list("select") {
            if names.iter().any(|name| !is_known(name)) {
                return refuse(1724, "Not a valid select field");
            }
            found = found.iter().map(|row| narrowed(row, &names, !asked.is_true("distinct"))).collect();
        }
        if asked.is_true("distinct") {
            let mut seen = Vec::new();
            found.retain(|row| {
                !seen.contains(row) && {
                    seen.push(row.clone());
                    true
                }
            });
        }
        let number = |name, usual| asked.get(name).and_then(|text| text.parse::<usize>().ok()).unwrap_or(usual);
        let total = found.len();
        let page = found.into_iter().skip(number("offset", 0)).take(number("limit", 500)).collect();
        Ok(Canned::list(page, total, &[], "All selected items were returned"))
    }

    fn fits(&self, condition: &Condition, row: &Value) -> bool {
        match condition {
            Condition::All(parts) => parts.iter().all(|part| self.fits(part, row)),
            Condition::Any(parts) => parts.iter().any(|part| self.fits(part, row)),
            Condition::Clause(name, operator, value) => {
                let has = field(row, name);
                // What is compared with a date leaves out the manager itself.
                if matches!(name.as_str(), "lastKeepAlive" | "dateAdd") && row["id"] == "000" {
                    return false;
                }
                if value == "null" {
                    return has.is_none_or(Value::is_null) == matches!(operator, Operator::Is);
                }
                match has {
                    Some(Value::Array(all)) => all.iter().any(|one| self.holds(name, one, *operator, value)),
                    Some(one) => self.holds(name, one, *operator, value),
                    None => false,
                }
            }
        }
    }

    fn holds(&self, name: &str, has: &Value, operator: Operator, value: &str) -> bool {
        let has = text(has);
        if matches!(name, "lastKeepAlive" | "dateAdd") {
            // `7d` is an age, and a day of its own a time.
            let (Ok(at), now) = (has.parse::<jiff::Timestamp>(), self.clock.now_ms() / 1000) else { return false };
            let age =
                value.trim_end_matches(['d', 'h', 'm', 's']).parse::<i64>().ok().map(|_| super::agents::seconds(value));
            if let Some(age) = age {
                let younger = at.as_second() > now - age;
                return younger != matches!(operator, Operator::More);
            }
        }
        let (has, value) = (has.to_lowercase(), value.to_lowercase());
        let order = match (has.parse::<f64>(), value.parse::<f64>()) {
            (Ok(has), Ok(value)) => has.total_cmp(&value),
            _ => has.cmp(&value),
        };
        match operator {
            Operator::Is => order.is_eq(),
            Operator::IsNot => order.is_ne(),
            Operator::Less => order.is_lt(),
            Operator::More => order.is_gt(),
            Operator::Contains => has.contains(&value),
        }
    }
}

/// Something that can be put in order: absent, a number, a text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Absent,
    Number(i64),
    Text(String),
}

impl Key {
    fn of(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Absent,
            Some(Value::Number(number)) => Self::Number(number.as_i64().unwrap_or_default()),
            // Agents are ordered by their number, however many digits it has.
            Some(other) => {
                let text = text(other);
                text.parse().map_or(Self::Text(text), Self::Number)
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn field<'a>(row: &'a Value, name: &str) -> Option<&'a Value> {
    row.get(name).or_else(|| name.split('.').try_fold(row, |row, part| row.get(part)))
}

/// The names of all fields that some row has, with dots, and those of what holds them.
fn fields(rows: &[Value]) -> Vec<String> {
    fn gather(row: &Map<String, Value>, before: &str, names: &mut Vec<String>) {
        for (name, value) in row {
            let name = format!("{before}{name}");
            if let Value::Object(inner) = value {
                gather(inner, &format!("{name}."), names);
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    // What the server's tables have, and no row of the imitation.
    let others = "inode pid local.ip remote.ip remote.port disconnection_time relative_dirname os.build os.uname os.codename \
                  location arch value.name architecture";
    let mut names: Vec<String> = others.split_whitespace().map(str::to_owned).collect();
    rows.iter().filter_map(Value::as_object).for_each(|row| gather(row, "", &mut names));
    names
}

fn narrowed(row: &Value, names: &[String], with_id: bool) -> Value {
    let mut narrow = Value::Object(Map::new());
    // The number always comes along.
    let id = if with_id && row.get("registerIP").is_some() { Some("id") } else { None };
    for name in names.iter().map(String::as_str).chain(id) {
        if let Some(value) = field(row, name) {
            let mut place = &mut narrow;
            for part in name.split('.') {
                place = &mut place[part];
            }
            *place = value.clone();
        }
    }
    narrow
}

fn parse(text: &str, parentheses: bool, is_known: &dyn Fn(&str) -> bool) -> Result<Condition, Canned> {
    let refuse = |code, text: &str| Err(Canned::problem(400, "Bad Request", text, Some(code)));
    // Or binds less; parentheses keep their inside together.
    for (separator, join) in [(',', Condition::Any as fn(Vec<Condition>) -> Condition), (';', Condition::All)] {
        let parts = split(text, separator, parentheses);
        if parts.len() > 1 {
            return parts
                .into_iter()
                .map(|part| parse(part, parentheses, is_known))
                .collect::<Result<_, _>>()
                .map(join);
        }
    }
    if parentheses && let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        return parse(inner, parentheses, is_known);
    }
    let Some(at) = text.find(['!', '=', '<', '>', '~']) else {
        return refuse(1407, "Query does not match expected format");
    };
    let (name, rest) = text.split_at(at);
    let end = rest.find(|letter| !"!=<>~".contains(letter)).unwrap_or(rest.len());
    let (operator, value) = rest.split_at(end);
    if name.is_empty()
        || value.is_empty()
        || !name.chars().all(|letter| letter.is_alphanumeric() || "_.".contains(letter))
    {
        return refuse(1407, "Query does not match expected format");
    }
    let fine = |letter: char| letter.is_alphanumeric() || " _-.:?\\/'\"=@%<>{}[]$".contains(letter);
    if !value.chars().all(fine) {
        return refuse(1407, "Query does not match expected format");
    }
    let operator = match operator {
        "=" => Operator::Is,
        "!=" => Operator::IsNot,
        "<" => Operator::Less,
        ">" => Operator::More,
        "~" => Operator::Contains,
        _ => return refuse(1409, "Invalid query operator"),
    };
    if !is_known(name) {
        return refuse(1408, "Field does not exist");
    }
    if matches!(name, "lastKeepAlive" | "dateAdd") {
        let first = value.split(['d', 'h', 'm', 's', '-', 'T', ':', ' ', 'Z']).next().unwrap_or_default();
        if first.parse::<u64>().is_err() {
            return refuse(
                1412,
                "Date filter not valid. Valid formats are YYYY-MM-DD HH:mm:ss, YYYY-MM-DDTHH:mm:ssZ or YYYY-MM-DD",
            );
        }
    }
    Ok(Condition::Clause(name.to_owned(), operator, value.to_owned()))
}

/// True if there are parentheses within parentheses.
fn is_nested(text: &str) -> bool {
    let mut depth = 0_i32;
    text.chars().any(|letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        depth > 1
    })
}

fn split(text: &str, separator: char, parentheses: bool) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0_i32, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' if parentheses => depth += 1,
            ')' if parentheses => depth -= 1,
            _ if letter == separator && depth == 0 => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    parts
}
