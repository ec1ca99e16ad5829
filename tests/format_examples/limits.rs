//! The table of limits in the document, and the constants in the source.

/// One row of the table.
pub struct Row {
    pub name: String,
    pub value: u64,
    pub file: String,
}

/// The rows of the table: a constant, a number, a file of the source.
pub fn rows(document: &str) -> Vec<Row> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let file = cells.get(3).filter(|file| file.ends_with(".rs"))?;
        let name = cells[1].trim_matches('`').to_owned();
        Some(Row { name, value: number(cells[2])?, file: (*file).to_owned() })
    };
    document.lines().filter(|line| line.starts_with("| `")).filter_map(row).collect()
}

/// The value of the constant in its file.
pub fn value_in_source(row: &Row) -> u64 {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(&row.file);
    let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    constant(&source, &row.name).unwrap_or_else(|| panic!("{} of {} is not a sum of shifts and products", row.name, row.file))
}

fn constant(source: &str, name: &str) -> Option<u64> {
    let begin = source.find(&format!("const {name}:"))?;
    let (_, expression) = source[begin..].split_once('=')?;
    evaluate(source, expression.split(';').next()?)
}

/// `a + b`, `a << b`, `a * b` of numbers, units and other constants of the same file.
fn evaluate(source: &str, expression: &str) -> Option<u64> {
    let expression = expression.trim();
    let expression = expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(expression);
    for (sign, apply) in
        [("+", u64::checked_add as fn(u64, u64) -> Option<u64>), ("<<", |a, b| a.checked_shl(b as u32)), ("*", u64::checked_mul)]
    {
        // A sum within brackets is evaluated with them.
        if let Some((left, right)) = expression.split_once(sign)
            && left.matches('(').count() == left.matches(')').count()
        {
            return apply(evaluate(source, left)?, evaluate(source, right)?);
        }
    }
    match expression {
        "KIB" => Some(1 << 10),
        "MIB" => Some(1 << 20),
        "GIB" => Some(1 << 30),
        text => number(text).or_else(|| constant(source, text)),
    }
}

fn number(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(|c| !matches!(c, ',' | '_')).collect();
    digits.parse().ok()
}
