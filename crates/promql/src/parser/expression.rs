//! Expressions: operators by precedence, operands, and what stands behind them.
//!
//! The longer rules are never inlined: merged into the one frame that every level of nesting passes through, they would
//! make a level take three times the stack.

use crate::ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, Cardinality, Expr, ExprKind, MatrixSelector,
    RangeExtension, Span, Subquery, TimeModifiers, Unary, VectorMatching,
};
use crate::functions::Function;
use crate::parser::cursor::{Cursor, MAX_DEPTH};
use crate::parser::token::{Keyword, TokenKind, binary_operator};
use crate::parser::{ParseError, Parsed, error, hints};

/// How tightly a binary operator binds; larger is tighter.
fn precedence(op: BinaryOp) -> u8 {
    use BinaryOp::{
        Add, And, Atan2, Div, Eq, Ge, Gt, Le, Lt, Mod, Mul, Ne, Or, Pow, Sub, TrimLower, TrimUpper, Unless,
    };
    match op {
        Or => 1,
        And | Unless => 2,
        Eq | Ne | Gt | Lt | Ge | Le | TrimUpper | TrimLower => 3,
        Add | Sub => 4,
        Mul | Div | Mod | Atan2 => 5,
        Pow => POWER,
    }
}

const POWER: u8 = 6;

/// An expression and the height of its tree.
type Tall = (Expr, usize);

impl Cursor<'_> {
    /// The whole text.
    pub(super) fn query(&mut self) -> Parsed<Expr> {
        if *self.peek() == TokenKind::End {
            return Err(error("no expression found in input", self.span(), None));
        }
        let (expr, _) = self.expression(0)?;
        if *self.peek() == TokenKind::End { Ok(expr) } else { Err(self.unexpected("", "")) }
    }

    /// An operand and those operators behind it that bind more tightly than `floor`.
    fn expression(&mut self, floor: u8) -> Parsed<Tall> {
        self.nested(|cursor| {
            let mut left = cursor.signed_operand()?;
            while let Some(op) = binary_operator(cursor.peek()).filter(|op| precedence(*op) > floor) {
                left = cursor.binary(left, op)?;
            }
            Ok(left)
        })
    }

    /// The operator and what stands behind it.
    #[inline(never)]
    fn binary(&mut self, (left, left_height): Tall, op: BinaryOp) -> Parsed<Tall> {
        let op_span = self.advance();
        let return_bool = self.accept_keyword(Keyword::Bool);
        let mut matching = self.vector_matching(op_span)?;
        if op.is_set() && matching.cardinality == Cardinality::OneToOne {
            matching.cardinality = Cardinality::ManyToMany;
        }
        if let Some(bool_span) = return_bool
            && !op.is_comparison()
        {
            let hint = hints::for_bool_modifier(op);
            return Err(error("bool modifier can only be used on comparison operators", bool_span, hint));
        }
        // The power is the only operator that groups to the right.
        let floor = if op == BinaryOp::Pow { POWER - 1 } else { precedence(op) };
        let (right, right_height) = self.expression(floor)?;
        let span = left.span.to(right.span);
        let kind = ExprKind::Binary(Box::new(Binary {
            op,
            op_span,
            left,
            right,
            return_bool: return_bool.is_some(),
            matching,
        }));
        self.taller(Expr::new(kind, span), left_height.max(right_height))
    }

    /// A node above a tree of this height.
    fn taller(&self, expr: Expr, height: usize) -> Parsed<Tall> {
        if self.depth + height >= MAX_DEPTH {
            let span = expr.span;
            // Dropping the tree recurses as well, but no deeper than allowed.
            return Err(self.too_deep(span));
        }
        Ok((expr, height + 1))
    }

    /// `on (…) group_left (…) fill (…)`
    fn vector_matching(&mut self, op_span: Span) -> Parsed<VectorMatching> {
        let mut matching = VectorMatching::default();
        let start = self.span();
        let mut end = None;
        if matches!(self.keyword(), Some(Keyword::On | Keyword::Ignoring)) {
            matching.on = self.keyword() == Some(Keyword::On);
            self.advance();
            let (labels, span) = self.label_list()?;
            matching.labels = labels;
            end = Some(span);
            if let Some(Keyword::GroupLeft | Keyword::GroupRight) = self.keyword() {
                matching.cardinality = match self.keyword() {
                    Some(Keyword::GroupLeft) => Cardinality::ManyToOne,
                    _ => Cardinality::OneToMany,
                };
                end = Some(self.advance());
                if *self.peek() == TokenKind::LeftParen {
                    let (labels, span) = self.label_list()?;
                    matching.include = labels;
                    end = Some(span);
                }
            }
        }
        if let Some(span) = self.fill(&mut matching)? {
            end = Some(span);
        }
        matching.span = match end {
            Some(end) => start.to(end),
            None => Span::new(op_span.end, op_span.end),
        };
        Ok(matching)
    }

    /// `fill (x)`, or `fill_left (x)` and `fill_right (x)` in any order; gives the last one's span.
    fn fill(&mut self, matching: &mut VectorMatching) -> Parsed<Option<Span>> {
        let mut last = None;
        while let Some(keyword @ (Keyword::Fill | Keyword::FillLeft | Keyword::FillRight)) = self.keyword() {
            let repeated = match keyword {
                Keyword::FillLeft => matching.fill_left.is_some(),
                Keyword::FillRight => matching.fill_right.is_some(),
                _ => matching.fill_left.is_some() || matching.fill_right.is_some(),
            };
            if repeated {
                return Err(self.unexpected("", "an expression"));
            }
            let start = self.advance();
            if !self.options.experimental {
                let message = "binop fill modifiers are experimental and not enabled";
                return Err(not_enabled(message, "promql-binop-fill-modifiers", start));
            }
            self.open();
            let value = self.signed_number("fill modifier", "number")?;
            let span = start.to(self.close("fill modifier", "\")\"")?);
            if keyword != Keyword::FillRight {
                matching.fill_left = Some(value);
            }
            if keyword != Keyword::FillLeft {
                matching.fill_right = Some(value);
            }
            last = Some(span);
        }
        Ok(last)
    }

    /// A number or duration with an optional sign.
    fn signed_number(&mut self, context: &str, expected: &str) -> Parsed<f64> {
        let negative = match self.peek() {
            TokenKind::Operator(BinaryOp::Add) => Some(false),
            TokenKind::Operator(BinaryOp::Sub) => Some(true),
            _ => None,
        };
        if negative.is_some() {
            self.advance();
        }
        let value = match *self.peek() {
            TokenKind::Number(value) => value,
            TokenKind::Duration(milliseconds) => seconds(milliseconds),
            _ => return Err(self.unexpected(context, expected)),
        };
        self.advance();
        Ok(if negative == Some(true) { -value } else { value })
    }

    fn signed_operand(&mut self) -> Parsed<Tall> {
        let negative = match self.peek() {
            TokenKind::Operator(BinaryOp::Add) => false,
            TokenKind::Operator(BinaryOp::Sub) => true,
            _ => return self.operand(),
        };
        let sign = self.advance();
        // Signs bind like `*`, so that only a power binds more tightly: −2^2 is −(2^2).
        let (operand, height) = self.expression(POWER - 1)?;
        let span = sign.to(operand.span);
        // The sign of a literal is part of it.
        if let ExprKind::Number(value) = operand.kind {
            let value = if negative { -value } else { value };
            return Ok((Expr::new(ExprKind::Number(value), span), height));
        }
        self.taller(Expr::new(ExprKind::Unary(Unary { negative, operand: Box::new(operand) }), span), height)
    }

    /// An operand with the ranges and time modifiers behind it.
    fn operand(&mut self) -> Parsed<Tall> {
        let (mut expr, mut height) = self.primary()?;
        loop {
            match self.peek() {
                TokenKind::LeftBracket => (expr, height) = self.range(expr, height)?,
                TokenKind::At => self.at(&mut expr)?,
                TokenKind::Name(Some(Keyword::Offset)) => self.offset(&mut expr)?,
                TokenKind::Name(Some(Keyword::Anchored)) => {
                    self.extension(&mut expr, RangeExtension::Anchored)?;
                }
                TokenKind::Name(Some(Keyword::Smoothed)) => {
                    self.extension(&mut expr, RangeExtension::Smoothed)?;
                }
                _ => return Ok((expr, height)),
            }
        }
    }

    fn primary(&mut self) -> Parsed<Tall> {
        let span = self.span();
        let kind = match self.peek() {
            TokenKind::Number(value) => ExprKind::Number(*value),
            TokenKind::Duration(milliseconds) => ExprKind::Number(seconds(*milliseconds)),
            TokenKind::String(value) => ExprKind::String(value.clone()),
            TokenKind::LeftParen => {
                self.open();
                let (inner, height) = self.expression(0)?;
                let end = self.close("parenthesis", "an operator or \")\"")?;
                return self.taller(Expr::new(ExprKind::Paren(Box::new(inner)), span.to(end)), height);
            }
            TokenKind::LeftBrace => return Ok((self.vector_selector()?, 1)),
            TokenKind::Name(keyword) => return self.named(*keyword),
            _ => return Err(self.unexpected("", "an expression")),
        };
        self.advance();
        Ok((Expr::new(kind, span), 1))
    }

    /// An aggregation, a function call or a metric.
    #[inline(never)]
    fn named(&mut self, keyword: Option<Keyword>) -> Parsed<Tall> {
        let next = self.peek_at(1);
        if let Some(Keyword::Aggregate(op)) = keyword
            && matches!(next, TokenKind::LeftParen | TokenKind::Name(Some(Keyword::By | Keyword::Without)))
        {
            return self.aggregate(op);
        }
        let may_be_called = match keyword {
            None => !self.span().of(self.text).contains(':'),
            Some(keyword) => matches!(
                keyword,
                Keyword::Start
                    | Keyword::End
                    | Keyword::Step
                    | Keyword::Range
                    | Keyword::MinOf
                    | Keyword::MaxOf
            ),
        };
        if may_be_called && *next == TokenKind::LeftParen {
            return self.call();
        }
        if keyword.is_none_or(Keyword::may_name_a_metric) {
            return Ok((self.vector_selector()?, 1));
        }
        Err(self.unexpected("", "an expression"))
    }

    #[inline(never)]
    fn aggregate(&mut self, op: AggregateOp) -> Parsed<Tall> {
        let op_span = self.advance();
        let mut grouping = self.grouping()?;
        if *self.peek() != TokenKind::LeftParen {
            return Err(self.unexpected("aggregation", "\"(\""));
        }
        let (mut arguments, height, end) = self.arguments()?;
        let mut span = op_span.to(end);
        if grouping.is_none() {
            grouping = self.grouping()?;
            if let Some((_, _, end)) = &grouping {
                span = span.to(*end);
            }
        }
        if op.is_experimental() && !self.options.experimental {
            let message = format!(
                "{}() is experimental and must be enabled with --enable-feature={EXPERIMENTAL_FUNCTIONS}",
                op.name()
            );
            return Err(not_enabled(message, EXPERIMENTAL_FUNCTIONS, op_span));
        }
        let wanted = 1 + usize::from(op.parameter().is_some());
        if arguments.is_empty() {
            let hint = hints::for_aggregate_arguments(op, &arguments, self.text);
            return Err(error("no arguments for aggregate expression provided", span, hint));
        }
        if arguments.len() != wanted {
            let message = format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {}",
                arguments.len()
            );
            let hint = hints::for_aggregate_arguments(op, &arguments, self.text);
            return Err(error(message, span, hint));
        }
        let Some(expr) = arguments.pop() else { return Err(self.unexpected("aggregation", "")) };
        let parameter = arguments.pop();
        let (grouping, without, _) = grouping.unwrap_or_default();
        let aggregate = Aggregate { op, op_span, expr, parameter, grouping, without };
        self.taller(Expr::new(ExprKind::Aggregate(Box::new(aggregate)), span), height)
    }

    /// `by (…)` or `without (…)`: the labels, whether it is `without`, and where it ends.
    fn grouping(&mut self) -> Parsed<Option<(Vec<String>, bool, Span)>> {
        let without = match self.keyword() {
            Some(Keyword::By) => false,
            Some(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.advance();
        let (labels, span) = self.label_list()?;
        Ok(Some((labels, without, span)))
    }

    #[inline(never)]
    fn call(&mut self) -> Parsed<Tall> {
        let name_span = self.span();
        let name = name_span.of(self.text);
        let Some(function) = Function::from_name(name) else {
            let hint = hints::for_range_in_parentheses(self)
                .or_else(|| hints::for_misspelt_matching(self))
                .or_else(|| hints::for_unknown_function(name));
            return Err(error(format!("unknown function with name {name:?}"), name_span, hint));
        };
        if function.signature().experimental && !self.options.experimental {
            let message = format!("function {name:?} is not enabled");
            return Err(not_enabled(message, EXPERIMENTAL_FUNCTIONS, name_span));
        }
        self.advance();
        let (arguments, height, end) = self.arguments()?;
        let kind = ExprKind::Call(Call { function, name_span, arguments });
        self.taller(Expr::new(kind, name_span.to(end)), height)
    }

    /// `(a, b, c)`: the arguments, the height of the tallest and where they end.
    #[inline(never)]
    fn arguments(&mut self) -> Parsed<(Vec<Expr>, usize, Span)> {
        const CONTEXT: &str = "function call";
        self.open();
        let mut arguments = Vec::new();
        let mut height = 0;
        if *self.peek() == TokenKind::RightParen {
            return Ok((arguments, height, self.close(CONTEXT, "")?));
        }
        loop {
            let (argument, argument_height) = self.expression(0)?;
            arguments.push(argument);
            height = height.max(argument_height);
            let Some(comma) = self.accept(&TokenKind::Comma) else { break };
            if *self.peek() == TokenKind::RightParen {
                return Err(error(
                    "trailing commas not allowed in function call args",
                    comma,
                    Some("remove the comma".into()),
                ));
            }
        }
        let end = self.close(CONTEXT, "an operator, \",\" or \")\"")?;
        Ok((arguments, height, end))
    }

    /// `[range]` or `[range:step]` behind an expression.
    #[inline(never)]
    fn range(&mut self, expr: Expr, height: usize) -> Parsed<Tall> {
        let start = self.open();
        let range = self.positive_duration("range")?;
        if self.accept(&TokenKind::Colon).is_some() {
            let step = match self.peek() {
                TokenKind::RightBracket => None,
                _ => Some(self.positive_duration("subquery step")?),
            };
            let end = self.close("subquery selector", "an operator or \"]\"")?;
            let span = expr.span.to(end);
            let subquery = Subquery { expr, range, step, modifiers: TimeModifiers::default() };
            return self.taller(Expr::new(ExprKind::Subquery(Box::new(subquery)), span), height);
        }
        let end = self.close("subquery or range", "an operator, \":\" or \"]\"")?;
        let brackets = start.to(end);
        let span = expr.span.to(end);
        let hint = hints::for_misplaced_range(&expr, brackets, self.text);
        let ExprKind::Vector(selector) = expr.kind else {
            return Err(error("ranges only allowed for vector selectors", brackets, hint));
        };
        if selector.modifiers.offset.is_some() {
            return Err(error("no offset modifiers allowed before range", brackets, hint));
        }
        if selector.modifiers.at.is_some() {
            return Err(error("no @ modifiers allowed before range", brackets, hint));
        }
        let matrix = MatrixSelector { selector, selector_span: expr.span, range };
        Ok((Expr::new(ExprKind::Matrix(matrix), span), height))
    }

    #[inline(never)]
    fn offset(&mut self, expr: &mut Expr) -> Parsed<()> {
        let keyword = self.advance();
        let offset = self.offset_duration()?;
        let clause = keyword.to(offset.span);
        let Some(modifiers) = modifiers_of(expr) else {
            let message = "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery";
            return Err(error(message, clause, hints::for_misplaced_modifier(expr, clause, self.text)));
        };
        if modifiers.offset.is_some() {
            return Err(error("offset may not be set multiple times", clause, None));
        }
        modifiers.offset = Some(offset);
        expr.span = expr.span.to(clause);
        Ok(())
    }

    #[inline(never)]
    fn at(&mut self, expr: &mut Expr) -> Parsed<()> {
        let sign = self.advance();
        let start = self.span();
        let at = match self.keyword() {
            Some(keyword @ (Keyword::Start | Keyword::End)) => {
                self.advance();
                if *self.peek() != TokenKind::LeftParen {
                    return Err(self.unexpected("@", "\"(\""));
                }
                self.open();
                self.close("@", "\")\"")?;
                if keyword == Keyword::Start { At::Start } else { At::End }
            }
            _ => {
                let seconds = self.signed_number("@", "timestamp")?;
                let milliseconds = (seconds * 1000.0).round();
                // Written so that NaN is out of range too.
                let in_range = milliseconds.abs() < i64::MAX as f64;
                if !in_range {
                    let span = start.to(self.previous().map_or(start, |token| token.span));
                    let message = format!("timestamp out of bounds for @ modifier: {}", span.of(self.text));
                    return Err(error(message, span, None));
                }
                At::Timestamp(milliseconds as i64)
            }
        };
        let clause = sign.to(self.previous().map_or(start, |token| token.span));
        let Some(modifiers) = modifiers_of(expr) else {
            let message = "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery";
            return Err(error(message, clause, hints::for_misplaced_modifier(expr, clause, self.text)));
        };
        if modifiers.at.is_some() {
            return Err(error("@ <timestamp> may not be set multiple times", clause, None));
        }
        modifiers.at = Some(at);
        expr.span = expr.span.to(clause);
        Ok(())
    }

    /// `anchored` and `smoothed`.
    #[inline(never)]
    fn extension(&mut self, expr: &mut Expr, extension: RangeExtension) -> Parsed<()> {
        let span = self.advance();
        let name = span.of(self.text);
        if !self.options.experimental {
            let message = format!("{name} modifier is experimental and not enabled");
            return Err(not_enabled(message, "promql-extended-range-selectors", span));
        }
        let selector = match &mut expr.kind {
            ExprKind::Vector(selector) => selector,
            ExprKind::Matrix(matrix) => &mut matrix.selector,
            ExprKind::Subquery(_) => {
                return Err(error(format!("{name} modifier is not supported for subqueries"), span, None));
            }
            _ => return Err(error(format!("{name} modifier must follow a range selector"), span, None)),
        };
        if selector.extension.is_some_and(|present| present != extension) {
            return Err(error("anchored and smoothed modifiers cannot be used together", span, None));
        }
        selector.extension = Some(extension);
        expr.span = expr.span.to(span);
        Ok(())
    }
}

/// The time modifiers of the kinds of expression that have some.
fn modifiers_of(expr: &mut Expr) -> Option<&mut TimeModifiers> {
    match &mut expr.kind {
        ExprKind::Vector(selector) => Some(&mut selector.modifiers),
        ExprKind::Matrix(matrix) => Some(&mut matrix.selector.modifiers),
        ExprKind::Subquery(subquery) => Some(&mut subquery.modifiers),
        _ => None,
    }
}

const EXPERIMENTAL_FUNCTIONS: &str = "promql-experimental-functions";

/// For what Prometheus accepts only with the feature flag `feature`.
fn not_enabled(message: impl Into<String>, feature: &str, span: Span) -> Box<ParseError> {
    let hint = format!("experimental: a Prometheus server accepts it with --enable-feature={feature} only");
    error(message, span, Some(hint))
}

/// The value of a duration that stands where a number is wanted.
fn seconds(milliseconds: i64) -> f64 {
    let milliseconds = milliseconds as f64;
    milliseconds / 1000.0
}
