//! Tree to text: the canonical form of a query, as Prometheus prints it. Parsing it again gives an equal tree, up to
//! spans.

use std::fmt::{self, Display, Formatter, Write as _};

use labels::{METRIC_NAME, Matcher, Quoted, is_classic_label_name};

use crate::ast::{
    Aggregate, At, Binary, BinaryOp, Call, Cardinality, DurationExpr, DurationKind, Expr, ExprKind,
    MatrixSelector, RangeExtension, Subquery, TimeModifiers, VectorMatching, VectorSelector,
};
use crate::functions::Function;
use crate::parser::literals::UNITS;
use crate::parser::{is_bare_label_name, is_bare_metric_name};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(value) => write!(f, "{}", Number(*value)),
            ExprKind::String(value) => write!(f, "{}", Quoted(value)),
            ExprKind::Vector(selector) => selector.fmt(f),
            ExprKind::Matrix(matrix) => matrix.fmt(f),
            ExprKind::Subquery(subquery) => subquery.fmt(f),
            ExprKind::Unary(unary) => {
                write!(f, "{}{}", if unary.negative { '-' } else { '+' }, unary.operand)
            }
            ExprKind::Paren(inner) => write!(f, "({inner})"),
            ExprKind::Binary(binary) => binary.fmt(f),
            ExprKind::Aggregate(aggregate) => aggregate.fmt(f),
            ExprKind::Call(call) => call.fmt(f),
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.name())?;
        if self.function == Function::Info
            && let [series, Expr { kind: ExprKind::Vector(conditions), .. }] = &self.arguments[..]
        {
            // Conditions on labels: a metric name is allowed as one of them only.
            write!(f, "({series}, ")?;
            write_bare_selector(f, conditions, true)?;
            return write!(f, "{})", Modifiers(conditions));
        }
        write_list(f, &self.arguments)
    }
}

impl Display for VectorSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_bare_selector(f, self, false)?;
        Modifiers(self).fmt(f)
    }
}

impl Display for MatrixSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_bare_selector(f, &self.selector, false)?;
        write!(f, "[{}]{}", self.range, Modifiers(&self.selector))
    }
}

impl Display for Subquery {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}:", self.expr, self.range)?;
        if let Some(step) = &self.step {
            step.fmt(f)?;
        }
        write!(f, "]{}", self.modifiers)
    }
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let return_bool = if self.return_bool { " bool" } else { "" };
        write!(f, "{} {}{return_bool}{} {}", self.left, self.op.as_str(), self.matching, self.right)
    }
}

/// With a leading space where there is anything to say.
impl Display for VectorMatching {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let group = match self.cardinality {
            Cardinality::ManyToOne => Some(" group_left "),
            Cardinality::OneToMany => Some(" group_right "),
            Cardinality::OneToOne | Cardinality::ManyToMany => None,
        };
        if self.on || !self.labels.is_empty() || group.is_some() {
            f.write_str(if self.on { " on " } else { " ignoring " })?;
            write_labels(f, &self.labels)?;
        }
        if let Some(group) = group {
            f.write_str(group)?;
            write_labels(f, &self.include)?;
        }
        match (self.fill_left, self.fill_right) {
            (Some(left), Some(right)) if left == right => write!(f, " fill ({})", Number(left)),
            (left, right) => {
                if let Some(left) = left {
                    write!(f, " fill_left ({})", Number(left))?;
                }
                match right {
                    Some(right) => write!(f, " fill_right ({})", Number(right)),
                    None => Ok(()),
                }
            }
        }
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.name())?;
        if self.without || !self.grouping.is_empty() {
            f.write_str(if self.without { " without " } else { " by " })?;
            write_labels(f, &self.grouping)?;
            f.write_char(' ')?;
        }
        write_list(f, self.parameter.iter().chain([&self.expr]))
    }
}

/// With a leading space where there is anything to say.
impl Display for TimeModifiers {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_modifiers(f, None, self)
    }
}

/// An offset that would take an operator behind it comes first, so that the others part the two: `x offset (5m) @ 3 * 2`.
fn write_modifiers(
    f: &mut Formatter<'_>,
    extension: Option<RangeExtension>,
    times: &TimeModifiers,
) -> fmt::Result {
    let offset = times.offset.as_ref().map(|offset| {
        let text = offset.to_string();
        format!("{}{text}", signs_that_keep_together(offset, &text))
    });
    let first = offset.as_deref().filter(|offset| takes_operators(offset));
    let last = offset.as_deref().filter(|offset| !takes_operators(offset));
    if let Some(offset) = first {
        write!(f, " offset {offset}")?;
    }
    match extension {
        None => {}
        Some(RangeExtension::Anchored) => f.write_str(" anchored")?,
        Some(RangeExtension::Smoothed) => f.write_str(" smoothed")?,
    }
    match times.at {
        None => {}
        Some(At::Start) => f.write_str(" @ start()")?,
        Some(At::End) => f.write_str(" @ end()")?,
        Some(At::Timestamp(milliseconds)) => {
            let sign = if milliseconds < 0 { "-" } else { "" };
            let magnitude = milliseconds.unsigned_abs();
            write!(f, " @ {sign}{}.{:03}", magnitude / 1000, magnitude % 1000)?;
        }
    }
    if let Some(offset) = last {
        write!(f, " offset {offset}")?;
    }
    Ok(())
}

/// Whether an operator behind this offset would belong to it.
fn takes_operators(offset: &str) -> bool {
    let signs = offset.chars().take_while(|&c| matches!(c, '+' | '-')).count();
    signs > 1 || offset.starts_with('(')
}

/// Arithmetic behind `offset` belongs to the whole expression, unless it begins with a parenthesis or two signs. What
/// was written with two signs may have lost some, for a plus is not kept.
fn signs_that_keep_together(offset: &DurationExpr, text: &str) -> &'static str {
    let stands_alone = match &offset.kind {
        DurationKind::Binary { .. } => false,
        DurationKind::Unary { operand, .. } => {
            !matches!(operand.kind, DurationKind::Binary { .. } | DurationKind::Unary { .. })
        }
        _ => true,
    };
    if stands_alone || text.starts_with('(') {
        return "";
    }
    match text.chars().take_while(|&c| c == '-').count() {
        0 => "++",
        1 => "+",
        _ => "",
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DurationKind::Millis(milliseconds) => write_duration(f, *milliseconds),
            DurationKind::Seconds(seconds) => write!(f, "{}", Number(*seconds)),
            DurationKind::Step => f.write_str("step()"),
            DurationKind::Range => f.write_str("range()"),
            DurationKind::Unary { negative, operand } => {
                write!(f, "{}{operand}", if *negative { '-' } else { '+' })
            }
            DurationKind::Binary { op, left, right } => write!(f, "{left} {} {right}", op.as_str()),
            DurationKind::Extreme { max, left, right } => {
                write!(f, "{}({left}, {right})", if *max { "max_of" } else { "min_of" })
            }
            DurationKind::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

impl Display for BinaryOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `name{…}` without what may stand behind it; or `{"name",…}` where that is needed or wanted.
fn write_bare_selector(
    f: &mut Formatter<'_>,
    selector: &VectorSelector,
    name_in_braces: bool,
) -> fmt::Result {
    let mut matchers = selector.matchers.iter().map(|matcher| BareMatcher(&matcher.matcher));
    if let Some(name) = &selector.name {
        // The name has a matcher of its own, the first.
        matchers.next();
        // A second condition on the name can only be written beside a name in braces.
        let second = matchers.clone().any(|matcher| matcher.0.name() == METRIC_NAME);
        if name_in_braces || second || !is_bare_metric_name(name) {
            write!(f, "{{{}", Quoted(name))?;
            if matchers.len() > 0 {
                f.write_char(',')?;
            }
            write_separated(f, ",", matchers)?;
            return f.write_char('}');
        }
        f.write_str(name)?;
        if matchers.len() == 0 {
            return Ok(());
        }
    }
    f.write_char('{')?;
    write_separated(f, ",", matchers)?;
    f.write_char('}')
}

/// A matcher as it stands in braces.
struct BareMatcher<'a>(&'a Matcher);

impl Display for BareMatcher<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let matcher = self.0;
        if is_classic_label_name(matcher.name()) {
            f.write_str(matcher.name())?;
        } else {
            write!(f, "{}", Quoted(matcher.name()))?;
        }
        write!(f, "{}{}", matcher.op().as_str(), Quoted(matcher.value()))
    }
}

/// What stands behind a selector, with a leading space where there is anything.
struct Modifiers<'a>(&'a VectorSelector);

impl Display for Modifiers<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_modifiers(f, self.0.extension, &self.0.modifiers)
    }
}

/// `(a, b)`, with quotes where a label needs some.
fn write_labels(f: &mut Formatter<'_>, labels: &[String]) -> fmt::Result {
    struct Label<'a>(&'a str);
    impl Display for Label<'_> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            if is_bare_label_name(self.0) { f.write_str(self.0) } else { Quoted(self.0).fmt(f) }
        }
    }
    write_list(f, labels.iter().map(|label| Label(label)))
}

/// `(a, b)`
fn write_list<T: Display>(f: &mut Formatter<'_>, items: impl IntoIterator<Item = T>) -> fmt::Result {
    f.write_char('(')?;
    write_separated(f, ", ", items)?;
    f.write_char(')')
}

fn write_separated<T: Display>(
    f: &mut Formatter<'_>,
    separator: &str,
    items: impl IntoIterator<Item = T>,
) -> fmt::Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

/// Years and weeks only where nothing remains: 90d is easier to read than 12w6d.
fn write_duration(f: &mut Formatter<'_>, milliseconds: i64) -> fmt::Result {
    if milliseconds == 0 {
        return f.write_str("0s");
    }
    if milliseconds < 0 {
        f.write_char('-')?;
    }
    let mut rest = milliseconds.unsigned_abs();
    for (unit, length) in UNITS {
        let length = length.unsigned_abs();
        if matches!(unit, "y" | "w") && !rest.is_multiple_of(length) {
            continue;
        }
        if rest >= length {
            write!(f, "{}{unit}", rest / length)?;
            rest %= length;
        }
    }
    Ok(())
}

/// A number without exponent.
struct Number(f64);

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_nan() {
            f.write_str("NaN")
        } else if self.0.is_infinite() {
            // No plus: +Inf^2 is the sign of a power, not a power of +Inf.
            f.write_str(if self.0 > 0.0 { "Inf" } else { "-Inf" })
        } else {
            self.0.fmt(f)
        }
    }
}
