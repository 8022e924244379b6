//! Trees as text in prefix notation, without spans: `a + b * c` is `(+ a (* b c))`. Two trees are equal, up to spans and
//! spelling, exactly if their shapes are.

use promql::ast::{
    At, Cardinality, DurationExpr, DurationKind, Expr, ExprKind, RangeExtension, TimeModifiers,
    VectorMatching, VectorSelector,
};

/// The shape of an expression.
pub(crate) fn shape(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Number(value) => number(*value),
        ExprKind::String(value) => format!("{value:?}"),
        ExprKind::Vector(vector) => format!("{}{}", selector(vector), modifiers(&vector.modifiers)),
        ExprKind::Matrix(matrix) => format!(
            "{}[{}]{}",
            selector(&matrix.selector),
            duration(&matrix.range),
            modifiers(&matrix.selector.modifiers)
        ),
        ExprKind::Subquery(subquery) => format!(
            "(subquery {} {} {}{})",
            shape(&subquery.expr),
            duration(&subquery.range),
            subquery.step.as_ref().map_or("default".into(), duration),
            modifiers(&subquery.modifiers)
        ),
        ExprKind::Unary(unary) => {
            format!("({} {})", if unary.negative { "-" } else { "+" }, shape(&unary.operand))
        }
        ExprKind::Paren(inner) => format!("(paren {})", shape(inner)),
        ExprKind::Binary(binary) => format!(
            "({}{}{} {} {})",
            binary.op.as_str(),
            if binary.return_bool { " bool" } else { "" },
            matching(&binary.matching),
            shape(&binary.left),
            shape(&binary.right)
        ),
        ExprKind::Aggregate(aggregate) => format!(
            "({}{}{} {})",
            aggregate.op.name(),
            grouping(aggregate.without, &aggregate.grouping),
            aggregate.parameter.as_ref().map_or(String::new(), |parameter| format!(" {}", shape(parameter))),
            shape(&aggregate.expr)
        ),
        ExprKind::Call(call) => {
            let arguments: String =
                call.arguments.iter().map(|argument| format!(" {}", shape(argument))).collect();
            format!("({}{arguments})", call.function.name())
        }
    }
}

pub(crate) fn number(value: f64) -> String {
    // The sign of a NaN is nothing that a query can tell.
    if value.is_nan() { "NaN".into() } else { format!("{value:?}") }
}

pub(crate) fn grouping(without: bool, labels: &[String]) -> String {
    match (without, labels) {
        (true, _) => format!(" without{labels:?}"),
        (false, []) => String::new(),
        (false, _) => format!(" by{labels:?}"),
    }
}

/// A matcher is a label, an operator and a value; the one for the name comes first.
pub(crate) fn matchers<'a>(matchers: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    let list: Vec<String> = matchers.map(|(label, op, value)| format!("{label}{op}{value:?}")).collect();
    format!("{{{}}}", list.join(","))
}

fn selector(selector: &VectorSelector) -> String {
    let list = matchers(selector.matchers.iter().map(|matcher| {
        let matcher = &matcher.matcher;
        (matcher.name(), matcher.op().as_str(), matcher.value())
    }));
    match selector.extension {
        None => list,
        Some(RangeExtension::Anchored) => list + " anchored",
        Some(RangeExtension::Smoothed) => list + " smoothed",
    }
}

fn matching(matching: &VectorMatching) -> String {
    let mut text = String::new();
    if matching.on || !matching.labels.is_empty() {
        text += &format!(" {}{:?}", if matching.on { "on" } else { "ignoring" }, matching.labels);
    }
    match matching.cardinality {
        Cardinality::ManyToOne => text += &format!(" group_left{:?}", matching.include),
        Cardinality::OneToMany => text += &format!(" group_right{:?}", matching.include),
        Cardinality::OneToOne | Cardinality::ManyToMany => {}
    }
    fill(&mut text, matching.fill_left, matching.fill_right);
    text
}

pub(crate) fn fill(text: &mut String, left: Option<f64>, right: Option<f64>) {
    for (side, value) in [("left", left), ("right", right)] {
        if let Some(value) = value {
            *text += &format!(" fill_{side}({})", number(value));
        }
    }
}

fn modifiers(modifiers: &TimeModifiers) -> String {
    let offset = modifiers.offset.as_ref().map(|offset| format!(" offset {}", duration(offset)));
    let at = modifiers.at.map(|at| match at {
        At::Start => " @ start".to_owned(),
        At::End => " @ end".to_owned(),
        At::Timestamp(milliseconds) => format!(" @ {milliseconds}"),
    });
    at.unwrap_or_default() + &offset.unwrap_or_default()
}

/// Literals in milliseconds.
fn duration(expr: &DurationExpr) -> String {
    match &expr.kind {
        DurationKind::Millis(milliseconds) => milliseconds.to_string(),
        DurationKind::Seconds(seconds) => (seconds * 1000.0).to_string(),
        DurationKind::Step => "step".into(),
        DurationKind::Range => "range".into(),
        DurationKind::Unary { negative, operand } => {
            format!("({} {})", if *negative { "-" } else { "+" }, duration(operand))
        }
        DurationKind::Binary { op, left, right } => {
            format!("({} {} {})", op.as_str(), duration(left), duration(right))
        }
        DurationKind::Extreme { max, left, right } => {
            format!("({} {} {})", if *max { "max_of" } else { "min_of" }, duration(left), duration(right))
        }
        DurationKind::Paren(inner) => format!("(paren {})", duration(inner)),
    }
}
